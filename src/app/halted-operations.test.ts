/** What a person may still change while the hub is halted, and why: only what narrows, takes back, or mends. */
import assert from "node:assert/strict";
import { test } from "vitest";
import { contractTable } from "./domains.ts";

const closedReasons = {
  opensTheWayOut: "a host that is opened while everything stands would be open at the release",
  givesRights: "a right that is given while everything stands would hold at the release",
  startsWork: "it starts work",
} as const;
const openReasons = {
  narrows: "it only narrows",
  takesBack: "it takes back what was given or set",
  narrowsOrRefuses: "it narrows, and refuses by itself what would open",
  readsFiles: "it reads what the next start would read anyway, so that a mended rule need not wait",
  setsRules: "a person mends the rules before anything runs again, and no rule may lock its person out",
  signsIn: "nobody releases a hub that they cannot reach",
  renews: "what leaked is replaced, and nobody gets more than they had",
  stops: "it stops, or ends the stop",
} as const;

/** Every operation of these domains that is no read. A new one is written down here with its reason. */
const domains = new Set([
  "access",
  "budgets",
  "egress",
  "gating",
  "halt",
  "hierarchy",
  "leases",
  "policy",
  "provenance",
  "secrets",
]);
const open: Readonly<Record<string, keyof typeof openReasons>> = {
  "access.code": "signsIn",
  "access.signin": "signsIn",
  "access.signout": "takesBack",
  "access.tokens.revoke": "takesBack",
  "access.tokens.rotate": "renews",
  "budgets.allow": "narrows",
  "budgets.prices.reload": "readsFiles",
  "budgets.revoke": "setsRules",
  "egress.posture.set": "narrowsOrRefuses",
  "egress.revoke": "takesBack",
  "gating.contracts.put": "setsRules",
  "gating.contracts.remove": "setsRules",
  "gating.reload": "readsFiles",
  "halt.engage": "stops",
  "halt.release": "stops",
  "hierarchy.role": "setsRules",
  "hierarchy.tags": "setsRules",
  "leases.revoke": "takesBack",
  "policy.reload": "readsFiles",
  "provenance.adopt": "narrows",
  "provenance.issuers.add": "narrows",
  "provenance.issuers.reload": "readsFiles",
  "provenance.issuers.revoke": "takesBack",
  "provenance.issuers.rotate": "renews",
  "provenance.teardown": "takesBack",
  "secrets.remove": "takesBack",
  "secrets.set": "renews",
};
const closed: Readonly<Record<string, keyof typeof closedReasons>> = {
  "access.tokens.create": "givesRights",
  "egress.allow": "opensTheWayOut",
  "leases.grant": "givesRights",
  "secrets.bind": "opensTheWayOut",
};

test("each operation about rights and rules that changes something says whether a halted hub takes it", () => {
  const operations = [...contractTable().operations.values()].map((each) => each.operation);
  const changing = operations.filter(
    ({ id, effect }) => effect !== "read" && domains.has(id.slice(0, id.indexOf("."))),
  );
  assert.deepEqual(changing.map(({ id }) => id).toSorted(), [...Object.keys(open), ...Object.keys(closed)].toSorted());
  for (const { id, isOpenWhenHalted, isPublic } of changing) {
    const reason = id in open ? openReasons[open[id] ?? "narrows"] : closedReasons[closed[id] ?? "startsWork"];
    assert.equal(isOpenWhenHalted === true || isPublic, id in open, `${id}: ${reason}`);
  }
});

test("what shows how a stopped run went is open in a halted hub", () => {
  for (const id of ["capsules.export", "capsules.debug"])
    assert.equal(contractTable().operations.get(id)?.operation.isOpenWhenHalted, true, id);
});

/** What is open in a halted hub for one of these reasons is also what rules of others, and limits, leave to a person. */
const wayOutReasons: ReadonlySet<string> = new Set(["narrows", "narrowsOrRefuses", "readsFiles", "stops", "takesBack"]);
const wayOutByName: Readonly<Record<string, boolean>> = {
  // A rule that is put by a call is lifted by one.
  "gating.contracts.put": true,
  "gating.contracts.remove": true,
  "hierarchy.role": true,
  "hierarchy.tags": true,
  // Who holds a token that leaked holds it until it is replaced.
  "access.tokens.rotate": true,
  // It narrows nothing that holds here already: whose rules may come in is a choice like others.
  "provenance.issuers.add": false,
  // Prices count what is spent; no rule of another hub is lifted by them.
  "budgets.prices.reload": false,
};

test("what stops, narrows or takes back is part of the way out, and nothing that gives rights is", () => {
  const byId = contractTable().operations;
  for (const [id, reason] of Object.entries(open))
    assert.equal(byId.get(id)?.operation.isWayOut === true, wayOutByName[id] ?? wayOutReasons.has(reason), id);
  for (const id of Object.keys(closed)) assert.notEqual(byId.get(id)?.operation.isWayOut, true, id);
});

/** Of the other domains. Work is stopped, questions are answered, and a hub is shut down whatever rules come in. */
const otherWaysOut = [
  "agents.pause",
  "agents.stop",
  "approvals.decide",
  "capsules.unpin",
  "chat.stop",
  "mcp.disallow",
  "mcp.servers.remove",
  "schedules.pause",
  "schedules.remove",
  "system.shutdown",
  "tasks.cancel",
  "whatif.withdraw",
];

test("beside those and what only looks, nothing else is part of the way out", () => {
  const marked = [...contractTable().operations.values()].map((each) => each.operation).filter((each) => each.isWayOut);
  for (const { id, effect, needs, cost } of marked) {
    assert.ok(effect === "read" || id in open || otherWaysOut.includes(id), id);
    assert.ok(cost === undefined && needs.every((each) => each.startsWith("hub:")), id);
  }
  for (const id of otherWaysOut)
    assert.ok(
      marked.some((each) => each.id === id),
      id,
    );
});

test("no read is marked, as every person may look, and nothing that is a tool or a job stays open", () => {
  for (const { operation } of contractTable().operations.values()) {
    if (operation.isOpenWhenHalted !== true) continue;
    assert.notEqual(operation.effect, "read", operation.id);
    assert.equal(operation.mode, "one", operation.id);
    assert.ok(!operation.isTask, operation.id);
  }
});
