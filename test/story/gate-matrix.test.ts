/** Each key of the hub, for each sort of caller, under each state that a rule can be in, against a plain table of what is meant. */
import assert from "node:assert/strict";
import { test } from "vitest";
import { createManualClock } from "../../src/adapters/memory/clock.ts";
import { contractTable } from "../../src/app/domains.ts";
import { type Caller, matchesKey } from "../../src/contract/caller.ts";
import { keySpace } from "../../src/contract/gate-keys.ts";
import type { Contract } from "../../src/domains/gating/contract.ts";
import { createGate } from "../../src/domains/gating/gate.ts";
import { createQuotas } from "../../src/domains/gating/quotas.ts";
import type { RuleSource } from "../../src/domains/gating/rule.ts";
import { createRuleBook } from "../../src/domains/gating/rule-book.ts";
import {
  apiSource,
  configSource,
  fileSource,
  foreignSource,
  roleSource,
  wayOutOf,
} from "../../src/domains/gating/sources.ts";

const nowMs = 1_000_000;
const table = contractTable();
const keys = keySpace(table).map((row) => row.key);
const wayOut = wayOutOf(table);
const isWayOut = (key: string): boolean => wayOut.has(key);
const callers: readonly (Caller | null)[] = [
  null,
  { kind: "person", id: "admin" },
  { kind: "agent", id: "scout" },
  { kind: "agent", id: "other", labels: ["web"] },
  { kind: "plugin", id: "p" },
  { kind: "node", id: "node-2" },
  { kind: "system", id: "hub" },
];

/** Each state a rule can be in, and whether it denies whom it is about. */
const states: Readonly<Record<string, readonly [Partial<Contract>, boolean | ((caller: Caller | null) => boolean)]>> = {
  plain: [{}, true],
  waiting: [{ validFromMs: nowMs + 1 }, false],
  begins: [{ validFromMs: nowMs }, true],
  ends: [{ validToMs: nowMs }, true],
  ended: [{ validToMs: nowMs - 1 }, false],
  "ended for good": [{ validToMs: nowMs - 1, autoRenewSecs: 0 }, false],
  renewing: [{ validToMs: nowMs - 1, autoRenewSecs: 1 }, true],
  "not yet, but renewing": [{ validFromMs: nowMs + 1, autoRenewSecs: 1 }, false],
  immutable: [{ immutable: true, validToMs: nowMs + 1 }, true],
  "role in capitals": [{ subjectRole: "EDGE" }, true],
  "another role": [{ subjectRole: "root" }, false],
  "this node": [{ subjectNode: "node-1" }, true],
  "the calling node": [{ subjectNode: "node-2" }, (caller) => caller?.kind === "node"],
  "no node": [{ subjectNode: "local" }, false],
  "one agent": [{ subjectAgent: "scout" }, (caller) => caller?.kind === "agent" && caller.id === "scout"],
  "a tag of the hub": [{ tagsAny: ["x", "home"] }, true],
  "a label of the call": [{ tagsAny: ["web"] }, (caller) => caller?.labels?.includes("web") === true],
  "a quota that is left": [{ quotaLimit: 1, quotaWindowSecs: 1 }, false],
};
const sources = [
  configSource("config:gate.deny", 0),
  roleSource,
  fileSource("gating.toml"),
  apiSource,
  foreignSource("hub-2"),
];

interface Cell {
  readonly source: RuleSource;
  readonly pattern: string;
  readonly state: string;
  readonly caller: Caller | null;
}

const patterns = ["*", "io:egress:*", "fs:write", "emit:gating:*"];
const cells: readonly Cell[] = sources.flatMap((source) =>
  patterns.flatMap((pattern) =>
    Object.keys(states).flatMap((state) => callers.map((caller) => ({ source, pattern, state, caller }))),
  ),
);

/** The keys that come out otherwise than they are meant. */
function wrongKeys({ source, pattern, state, caller }: Cell): readonly string[] {
  const [terms, meant] = states[state] ?? assert.fail(state);
  const clock = createManualClock(nowMs);
  const book = createRuleBook();
  book.source(source).replace([{ contract: { id: "one", patterns: [pattern], ...terms } }]);
  const quotas = createQuotas(clock, () => Promise.resolve());
  const self = { role: "edge", node: "node-1", tags: ["home"] };
  const gate = createGate({ book, quotas, clock, isWayOut, self: () => self });
  const denies = typeof meant === "function" ? meant(caller) : meant;
  const leavesOpen = source.leavesWayOut && caller?.kind === "person";
  return keys.filter((key) => {
    const wanted = denies && matchesKey(pattern, key) && !(leavesOpen && isWayOut(key));
    return (gate.check(key, caller) !== null) !== wanted;
  });
}

test("every key, caller, rule state and source comes out as it is meant", { timeout: 60_000 }, () => {
  assert.ok(cells.length * keys.length > 500_000, "half a million questions");
  for (const cell of cells) assert.deepEqual(wrongKeys(cell), [], JSON.stringify(cell));
});
