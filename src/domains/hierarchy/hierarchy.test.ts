import assert from "node:assert/strict";
import { test } from "vitest";
import { type Kit, makeKernel } from "../../../test/kit/kernel.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller } from "../../contract/caller.ts";
import { isProblem } from "../../contract/problem.ts";
import { roles } from "./contract.ts";

const answer = async (kit: Kit, operation: string, input: unknown) => {
  const { outcome } = await kit.call(operation, input);
  return (outcome as { output: unknown }).output;
};
const code = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );
const denied = (kit: Kit, key: string) => kit.gating.gate.check(key, { kind: "person", id: "admin" })?.rule ?? null;

test("a hub is an edge until a person says otherwise, and keeps what it was told", async () => {
  const store = createMemoryStore();
  const first = await makeKernel({ store });
  assert.deepEqual(await answer(first, "hierarchy.state", {}), {
    epoch: 0,
    self: { id: "node-test", role: "edge", tags: [] },
  });
  await answer(first, "hierarchy.role", { role: "regional" });
  await answer(first, "hierarchy.tags", { tags: ["home", "north"] });
  const state = { epoch: 2, self: { id: "node-test", role: "regional", tags: ["home", "north"] } };
  assert.deepEqual(await answer(first, "hierarchy.role", { role: "regional" }), state, "the same again is no change");
  await first[Symbol.asyncDispose]();
  await using second = await makeKernel({ store });
  assert.deepEqual(await answer(second, "hierarchy.state", {}), state);
  assert.deepEqual(
    second.events().map(({ kind, data }) => [kind, data]),
    [
      ["hierarchy.role.changed", { role: "regional", former: "edge", epoch: 1 }],
      ["hierarchy.tags.changed", { tags: ["home", "north"], epoch: 2 }],
    ],
  );
});

test("an unknown role is refused, and nobody but a person changes it", async () => {
  await using kit = await makeKernel();
  assert.equal(await code(kit.call("hierarchy.role", { role: "obsever" })), "arw.invalid-input");
  const agent: Caller = { kind: "agent", id: "scout", grants: [{ key: "*" }] };
  assert.equal(await code(kit.call("hierarchy.role", { role: "root" }, agent)), "arw.denied");
  assert.equal(await code(kit.call("hierarchy.role", { role: "root" }, { kind: "node", id: "other" })), "arw.denied");
});

test("the denials of a role take the place of those of the former one, and a person gets out of every role", async () => {
  await using kit = await makeKernel();
  const closed = () =>
    ["tasks:enqueue", "task:fs:read", "memory:put", "models:list", "fs:read"].filter((key) => denied(kit, key));
  const wanted = {
    root: [],
    regional: [],
    edge: [],
    connector: ["memory:put", "models:list"],
    observer: ["tasks:enqueue", "task:fs:read", "memory:put", "models:list"],
  };
  for (const role of [...roles, ...roles.toReversed()]) {
    await answer(kit, "hierarchy.role", { role });
    assert.deepEqual(closed(), wanted[role], role);
  }
});
