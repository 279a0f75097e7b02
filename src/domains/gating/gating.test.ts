import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { admin, makeKernel, startMs } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { type Caller, matchesKey } from "../../contract/caller.ts";
import { bind, type Operation } from "../../contract/operation.ts";
import { SetRole } from "../hierarchy/contract.ts";
import { contractsMax, foreignContractsMax, type Contract, ListContracts, RemoveContract } from "./contract.ts";
import { createGate } from "./gate.ts";
import { createQuotas } from "./quotas.ts";
import { createRuleBook } from "./rule-book.ts";
import { createDenyGate } from "./service.ts";
import { apiSource, fileSource, foreignSource, wayOutOf } from "./sources.ts";

const word = fc.constantFrom("fs", "read", "write", "io", "egress", "f");
const key = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(":"));
const pattern = fc.oneof(
  key,
  key.map((each) => `${each}:*`),
  key.map((each) => `${each.slice(0, -1)}*`),
  fc.constant("*"),
);
const wayOut = wayOutOf({
  operations: new Map(
    [SetRole, ListContracts, RemoveContract].map((each) => [each.id, bind(each as Operation, () => ({}))]),
  ),
});
const isWayOut = (each: string): boolean => wayOut.has(each);
const everyKind = ["person", "agent", "plugin", "node", "system"] as const;

test("a rule denies exactly the keys that its pattern covers, and the first rule written is the one that is named", () => {
  fc.assert(
    fc.property(fc.uniqueArray(pattern, { maxLength: 8 }), key, (patterns, asked) => {
      const written = patterns.map((each, index) => ({ pattern: each, source: `line ${index}` }));
      const gate = createDenyGate(written, createManualClock(0));
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

test("a deny of the configuration holds for every caller, the system included", () => {
  const gate = createDenyGate([{ pattern: "fs:*", source: "config:gate.deny" }], createManualClock(0));
  for (const kind of everyKind)
    assert.equal(gate.check("fs:write", { kind, id: "x", grants: [{ key: "fs:*" }] })?.rule, "fs:*");
});

/** A gate over a book of its own, with its time in the test's hands. */
function openGate(atMs = 0) {
  const clock = createManualClock(atMs);
  const book = createRuleBook();
  const written: unknown[] = [];
  const quotas = createQuotas(clock, async (count) => void written.push(count));
  const self = { role: "edge", node: "node-1", tags: ["home"] };
  const gate = createGate({ book, quotas, clock, isWayOut, self: () => self });
  return { clock, book, quotas, gate, self, written };
}
const file = fileSource("gating.toml");

const small = fc.integer({ min: 0, max: 40 });
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const contract: fc.Arbitrary<Contract> = fc
  .record({
    patterns: fc.uniqueArray(pattern, { minLength: 1, maxLength: 3 }),
    subjectRole: optional(fc.constantFrom("EDGE", "Root")),
    subjectNode: optional(fc.constantFrom("node-1", "node-2", "local")),
    subjectAgent: optional(fc.constantFrom("scout", "other")),
    tagsAny: optional(fc.constantFrom(["home"], ["work", "home"], ["work"])),
    validFromMs: optional(small),
    validToMs: optional(small),
    autoRenewSecs: optional(fc.constantFrom(0, 1)),
  })
  .map(
    (each) =>
      ({ id: "", ...Object.fromEntries(Object.entries(each).filter(([, value]) => value !== undefined)) }) as Contract,
  );
const caller: fc.Arbitrary<Caller | null> = fc.constantFrom(
  null,
  admin,
  { kind: "agent", id: "scout" },
  { kind: "agent", id: "other" },
  { kind: "node", id: "node-2" },
);

/** The whole meaning of a contract, said as plainly as it can be. */
function oracleDenies(each: Contract, asked: { key: string; caller: Caller | null; nowMs: number }): boolean {
  const { caller: by, nowMs } = asked;
  const isBegun = each.validFromMs === undefined || nowMs >= each.validFromMs;
  const isOver = each.validToMs !== undefined && nowMs > each.validToMs;
  const isRenewed = each.autoRenewSecs !== undefined && each.autoRenewSecs > 0;
  return (
    each.patterns.some((one) => matchesKey(one, asked.key)) &&
    (each.subjectRole === undefined || each.subjectRole.toLowerCase() === "edge") &&
    (each.subjectNode === undefined ||
      each.subjectNode === "node-1" ||
      (by?.kind === "node" && by.id === each.subjectNode)) &&
    (each.subjectAgent === undefined || (by?.kind === "agent" && by.id === each.subjectAgent)) &&
    (each.tagsAny === undefined || each.tagsAny.includes("home")) &&
    isBegun &&
    (!isOver || isRenewed)
  );
}

test("contracts by times by callers: the gate agrees with the oracle, however the clock jumps between two questions", () => {
  fc.assert(
    fc.property(
      fc.array(contract, { maxLength: 6 }),
      fc.array(fc.record({ key, caller, nowMs: small }), { minLength: 1, maxLength: 20 }),
      (contracts, questions) => {
        const { gate, book, clock } = openGate();
        const named = contracts.map((each, index) => ({ ...each, id: `c${index}` }));
        book.source(file).replace(named.map((each) => ({ contract: each })));
        for (const asked of questions) {
          clock.setWall(asked.nowMs);
          const wanted = named.find((each) => oracleDenies(each, asked))?.id ?? null;
          assert.equal(
            gate.foresee(asked.key, { caller: asked.caller, tags: [], atMs: asked.nowMs })?.rule ?? null,
            wanted,
          );
          assert.equal(gate.check(asked.key, asked.caller)?.rule ?? null, wanted);
        }
      },
    ),
    runs(100),
  );
});

test("a contract is open before it begins, closed up to its last millisecond, and open after it unless it renews itself", () => {
  const { gate, book, clock } = openGate();
  const times = { patterns: ["fs:*"], validFromMs: 10, validToMs: 20 };
  const door = book.source(file);
  const said = (atMs: number) => {
    clock.setWall(atMs);
    return gate.check("fs:read", admin) === null ? "open" : "closed";
  };
  door.replace([{ contract: { id: "plain", ...times, autoRenewSecs: 0 } }]);
  assert.deepEqual([9, 10, 20, 21].map(said), ["open", "closed", "closed", "open"]);
  door.replace([{ contract: { id: "renewing", ...times, autoRenewSecs: 5 } }]);
  assert.deepEqual([9, 10, 21, 9].map(said), ["open", "closed", "closed", "open"]);
  assert.equal(door.get("renewing")?.endMs, 21 + 5000);
});

test("changes of role, node and tags are seen at once", () => {
  const { gate, book, self } = openGate();
  book.source(file).replace([{ contract: { id: "away", patterns: ["fs:*"], tagsAny: ["away"] } }]);
  assert.equal(gate.check("fs:read", admin), null);
  self.tags = ["away"];
  book.touch();
  assert.equal(gate.check("fs:read", admin)?.rule, "away");
});

test("ids belong to their source: a foreign rule neither replaces nor removes a local one, and decides after it", () => {
  const { gate, book } = openGate();
  const local = book.source(file);
  const foreign = book.source(foreignSource("capsule:x"));
  local.replace([{ contract: { id: "same", patterns: ["fs:*"], reason: "local" }, place: "gating.toml:3" }]);
  foreign.replace([{ contract: { id: "same", patterns: ["*"], reason: "foreign" } }]);
  assert.equal(gate.check("fs:read", admin)?.reason, "local");
  assert.equal(gate.check("fs:read", admin)?.source, "gating.toml:3");
  foreign.put({ contract: { id: "same", patterns: ["tasks:*"] } });
  assert.equal(gate.check("fs:read", admin)?.reason, "local");
  assert.equal(foreign.remove("same"), true);
  assert.equal(gate.check("fs:read", admin)?.reason, "local");
});

test("a full book refuses, drops nothing, and keeps room for the rules of this hub", { timeout: 60_000 }, () => {
  const { book, gate } = openGate();
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ contract: { id: `c${index}`, patterns: [`area:${index}`] } }));
  const foreign = book.source(foreignSource("capsule:flood"));
  assert.throws(() => foreign.replace(many(foreignContractsMax + 1)), { message: /room for 20000/ });
  foreign.replace(many(foreignContractsMax));
  assert.throws(() => foreign.put({ contract: { id: "one-more", patterns: ["*"] } }));
  const local = book.source(file);
  local.replace(many(contractsMax - foreignContractsMax));
  assert.throws(() => local.put({ contract: { id: "one-more", patterns: ["*"] } }), { message: /room for 100000/ });
  assert.equal(book.size, contractsMax);
  assert.equal(gate.check("area:7", admin)?.rule, "c7");
  assert.equal(gate.check("other:7", admin), null);
  // One in the place of another needs no room.
  local.put({ contract: { id: "c7", patterns: ["other:7"] } });
  assert.equal(gate.check("other:7", admin)?.rule, "c7");
});

const quota = { id: "few", patterns: ["fs:*"], quotaLimit: 2, quotaWindowSecs: 10 };

test("a quota lets its number of admitted calls pass per key and window; questions cost nothing", async () => {
  const { gate, book, clock, written } = openGate(startMs);
  book.source(file).replace([{ contract: quota }]);
  for (let asked = 0; asked < 10; asked += 1) assert.equal(gate.check("fs:read", admin), null);
  assert.equal(await gate.admit(["fs:read"], admin), null);
  clock.advance(4000);
  assert.equal(await gate.admit(["fs:read"], admin), null);
  const denial = gate.check("fs:read", admin);
  assert.deepEqual([denial?.rule, denial?.retryAfterMs], ["few", 6000]);
  assert.deepEqual(await gate.admit(["fs:write", "fs:read"], admin), { ...denial, key: "fs:read" });
  assert.equal(gate.check("fs:write", admin), null, "a call that was refused by one key is counted under none");
  clock.advance(6000);
  assert.equal(gate.check("fs:read", admin), null);
  assert.equal(written.length, 2);
});

test("a clock that is set neither frees a quota nor stalls it", async () => {
  const { gate, book, clock } = openGate(startMs);
  book.source(file).replace([{ contract: quota }]);
  await gate.admit(["fs:read"], admin);
  await gate.admit(["fs:read"], admin);
  for (const jumpMs of [-86_400_000, 86_400_000, 0]) {
    clock.setWall(startMs + jumpMs);
    assert.equal(gate.check("fs:read", admin)?.retryAfterMs, 10_000);
  }
  clock.advance(10_000);
  assert.equal(gate.check("fs:read", admin), null);
});

test("a count that cannot be written is no count, and the call is refused with the reason", async () => {
  const clock = createManualClock(startMs);
  const book = createRuleBook();
  const quotas = createQuotas(clock, () => Promise.reject(new RangeError("no space")));
  const self = () => ({ role: "edge", node: "n", tags: [] });
  const gate = createGate({ book, quotas, clock, isWayOut, self });
  book.source(file).replace([{ contract: { ...quota, quotaLimit: 1 } }]);
  await assert.rejects(async () => await gate.admit(["fs:read"], admin), RangeError);
  assert.equal(gate.check("fs:read", admin), null);
});

test("a flood of keys and callers leaves the answers right", () => {
  const { gate, book } = openGate();
  book.source(file).replace([{ contract: { id: "one", patterns: ["fs:*"], subjectAgent: "a7" } }]);
  for (let index = 0; index < 20_000; index += 1) {
    assert.equal(gate.check(`other:${index}`, admin), null);
    assert.equal(gate.check("fs:read", { kind: "agent", id: `a${index}` }) === null, index !== 7);
  }
});

test("rules that a person lifts by a call leave that call open to persons, and to nobody else", () => {
  const { gate, book } = openGate();
  book.source(apiSource).replace([{ contract: { id: "all", patterns: ["*"] } }]);
  const open = [
    "gating:contracts:remove",
    "io:egress:gating:contracts:list",
    "emit:gating:contract:removed",
    "hierarchy:role",
  ];
  for (const each of open) {
    assert.equal(gate.check(each, admin), null, each);
    assert.equal(gate.check(each, { kind: "agent", id: "scout" })?.rule, "all", each);
  }
  assert.equal(gate.check("fs:read", admin)?.rule, "all");
  book.source(file).replace([{ contract: { id: "all", patterns: ["*"] } }]);
  assert.equal(gate.check("hierarchy:role", admin)?.source, "file:gating.toml");
});

test("the list of keys shows each key once, by family, with the rule that closes it", async () => {
  await using kit = await makeKernel({ deny: ["tasks:*"] });
  const { outcome } = await kit.call("gating.keys", {});
  const { keys } = (outcome as { output: { keys: { key: string; family: string; deniedBy: string | null }[] } }).output;
  assert.equal(new Set(keys.map((each) => each.key)).size, keys.length);
  assert.equal(keys.filter((each) => each.family === "operation").length, kit.kernel.table.operations.size);
  assert.equal(keys.filter((each) => each.family === "emit").length, kit.kernel.table.events.size);
  for (const { key: each, deniedBy } of keys) assert.equal(deniedBy, each.startsWith("tasks:") ? "tasks:*" : null);
});
