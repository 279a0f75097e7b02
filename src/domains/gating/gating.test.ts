import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { makeKernel } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { matchesKey } from "../../contract/caller.ts";
import { createGate } from "./service.ts";

const word = fc.constantFrom("fs", "read", "write", "io", "egress", "f");
const key = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(":"));
const pattern = fc.oneof(
  key,
  key.map((each) => `${each}:*`),
  key.map((each) => `${each.slice(0, -1)}*`),
  fc.constant("*"),
);

test("a rule denies exactly the keys that its pattern covers, and the first rule written is the one that is named", () => {
  fc.assert(
    fc.property(fc.uniqueArray(pattern, { maxLength: 8 }), key, (patterns, asked) => {
      const gate = createGate(patterns.map((each, index) => ({ pattern: each, source: `line ${index}` })));
      const wanted = patterns.findIndex((each) => matchesKey(each, asked));
      const denial = gate.check(asked, null);
      assert.deepEqual(
        [denial?.rule, denial?.source],
        wanted === -1 ? [undefined, undefined] : [patterns[wanted], `line ${wanted}`],
      );
    }),
    runs(100),
  );
});

test("a deny holds for every caller, the system included", () => {
  const gate = createGate([{ pattern: "fs:*", source: "config:gate.deny" }]);
  for (const kind of ["person", "agent", "plugin", "node", "system"] as const) {
    assert.equal(gate.check("fs:write", { kind, id: "x", grants: [{ key: "fs:*" }] })?.rule, "fs:*");
  }
});

test("the list of keys shows each operation once, with the rule that closes it", async () => {
  await using kit = await makeKernel({ deny: ["tasks:*"] });
  const { outcome } = await kit.call("gating.keys", {});
  const { keys } = (outcome as { output: { keys: { key: string; deniedBy: string | null }[] } }).output;
  assert.equal(new Set(keys.map((each) => each.key)).size, kit.kernel.table.operations.size);
  for (const { key: each, deniedBy } of keys) assert.equal(deniedBy, each.startsWith("tasks:") ? "tasks:*" : null);
});
