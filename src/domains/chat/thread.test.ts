import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { type Node, threadOf } from "./thread.ts";

/** Messages as they come: each follows one that was there before, or begins the conversation anew. */
const trees = fc.array(fc.nat(), { maxLength: 60 }).map((picks) =>
  picks.reduce<Node[]>((nodes, pick, index) => {
    const place = pick % (nodes.length + 1);
    const parent = place === nodes.length ? null : (nodes[place]?.message ?? null);
    return [...nodes, { message: `m${index}`, parent }];
  }, []),
);

test("a branch is the way from the beginning through a message to an end, each message following the one before", () => {
  fc.assert(
    fc.property(trees, fc.nat(), (nodes, pick) => {
      const thread = threadOf(nodes);
      const through = nodes[pick % Math.max(1, nodes.length)]?.message;
      const branch = thread.branch(through);
      assert.equal(branch.length > 0, nodes.length > 0);
      for (const [place, message] of branch.entries())
        assert.equal(thread.parentOf(message), place === 0 ? null : branch[place - 1]);
      if (through !== undefined) assert.ok(branch.includes(through));
      const last = branch.at(-1);
      if (last !== undefined) assert.deepEqual(thread.childrenOf(last), []);
    }),
    runs(100),
  );
});

test("without a message the newest branch is shown, and it ends with the newest message", () => {
  fc.assert(
    fc.property(trees, (nodes) => {
      assert.equal(threadOf(nodes).branch().at(-1), nodes.at(-1)?.message);
    }),
    runs(100),
  );
});

test("every message is on the branch through it, and stands once among its siblings, oldest first", () => {
  fc.assert(
    fc.property(trees, (nodes) => {
      const thread = threadOf(nodes);
      for (const { message, parent } of nodes) {
        const siblings = thread.childrenOf(parent);
        assert.equal(siblings.filter((each) => each === message).length, 1);
        assert.deepEqual(
          siblings,
          nodes.filter((each) => each.parent === parent).map((each) => each.message),
        );
        assert.deepEqual(thread.wayTo(message), thread.branch(message).slice(0, thread.wayTo(message).length));
      }
    }),
    runs(60),
  );
});
