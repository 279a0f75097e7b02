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

test("no read is marked, as every person may look, and nothing that is a tool or a job stays open", () => {
  for (const { operation } of contractTable().operations.values()) {
    if (operation.isOpenWhenHalted !== true) continue;
    assert.notEqual(operation.effect, "read", operation.id);
    assert.equal(operation.mode, "one", operation.id);
    assert.ok(!operation.isTask, operation.id);
  }
});
