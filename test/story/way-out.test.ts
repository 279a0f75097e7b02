/**
 * Whatever a capsule of another hub denies, and whatever rules are put by calls: a person stops the hub, says no, takes back what
 * was given, tears the capsule down, and sees what there is to do so with. Over the hub of all domains.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import type { Caller } from "../../src/contract/caller.ts";
import { isProblem } from "../../src/contract/problem.ts";
import { createIssuer } from "../kit/capsules.ts";
import { startMs, until } from "../kit/kernel.ts";
import { openOracleHub, type OracleHub } from "../kit/oracle-hub.ts";
import { runs } from "../kit/runs.ts";

const issuer = createIssuer("parent");
const scout: Caller = { kind: "agent", id: "scout" };
const domains = ["access", "agents", "approvals", "egress", "gating", "halt", "hierarchy", "leases", "policy"];
const words = [...domains, "provenance", "secrets", "state", "system", "tasks", "budgets", "mcp"];
/** Where a rule may stand: on the call, on one of its ends, or on what it would tell. */
const ends = ["", "io:ingress:", "io:egress:", "task:", "emit:"];
const aPattern = fc.oneof(
  fc.constantFrom("*", "io:*", "io:egress:*", "emit:*", "halt:engage", "leases:revoke", "emit:halt:engaged"),
  fc.tuple(fc.constantFrom(...ends), fc.constantFrom(...words)).map(([end, word]) => `${end}${word}:*`),
);
const somePatterns = fc.uniqueArray(aPattern, { minLength: 1, maxLength: 8 });

const dataOf = async (hub: OracleHub, operation: string, input: unknown): Promise<Record<string, unknown>> => {
  const { outcome } = await hub.control(operation, input);
  assert.equal(outcome.kind, "answer", operation);
  return (outcome as { output: Record<string, unknown> }).output;
};

/** Something of everything that there is to take back. */
async function give(hub: OracleHub) {
  const { leaseId: lease } = await dataOf(hub, "leases.grant", { capability: "fs:read", holder: "agent:scout" });
  const { leaseId: host } = await dataOf(hub, "egress.allow", { host: "open.test" });
  await dataOf(hub, "access.tokens.create", { name: "old", role: "agent", key: ["*"] });
  const input = { folder: "/notes", path: "a.md", text: "a" };
  const credentials = { kind: "caller", caller: scout } as const;
  const asked = hub.kernel
    .dispatch({ operationId: "fs.write", input, credentials, corrId: "asked" })
    .then(() => null)
    .catch((error: unknown) => error);
  const approvals = async () => (await dataOf(hub, "state.approvals", {}))["items"] as { approvalId: string }[];
  await until(() => hub.kernel.journal.read({ kinds: ["approvals.requested"], limit: 1 }).length > 0, "it is asked");
  return { lease, host, asked, approvals };
}

/** All that a person does to end it, each of which answers. */
async function takeBack(hub: OracleHub, { lease, host, asked, approvals }: Awaited<ReturnType<typeof give>>) {
  const [question] = await approvals();
  await dataOf(hub, "approvals.decide", { approvalId: question?.approvalId, decision: "deny" });
  const answer = await asked;
  assert.ok(isProblem(answer), "the agent is told no");
  const { leases } = (await dataOf(hub, "leases.list", {})) as { leases: { leaseId: string }[] };
  assert.deepEqual(new Set(leases.map(({ leaseId }) => leaseId)), new Set([lease, host]));
  await dataOf(hub, "leases.revoke", { leaseId: lease });
  await dataOf(hub, "egress.revoke", { leaseId: host });
  await dataOf(hub, "egress.posture.set", { posture: "closed" });
  await dataOf(hub, "access.tokens.list", {});
  await dataOf(hub, "access.tokens.revoke", { name: "old" });
  await dataOf(hub, "provenance.ledger", {});
  await dataOf(hub, "policy.explain", { key: "fs:read" });
  await dataOf(hub, "halt.engage", {});
  assert.equal((await dataOf(hub, "halt.status", {}))["isHalted"], true);
  assert.deepEqual(((await dataOf(hub, "leases.list", {})) as { leases: [] }).leases, []);
}

test("whatever a capsule denies, a person can stop, revoke, deny and tear down", { timeout: 120_000 }, async () => {
  const property = fc.asyncProperty(somePatterns, fc.boolean(), async (denies, isForGood) => {
    await using hub = await openOracleHub({ tokens: [], answerOf: () => ({}) });
    const given = await give(hub);
    await hub.control("provenance.issuers.add", { id: issuer.id, publicKey: issuer.publicKey });
    const contracts = denies.map((each, index) => ({
      id: `rule-${index}`,
      patterns: [each],
      ...(isForGood ? { immutable: true, validToMs: startMs + 1_000_000 } : {}),
    }));
    await hub.control("provenance.adopt", { envelope: issuer.envelope({ contracts }) });
    await takeBack(hub, given);
    const { adopted } = (await dataOf(hub, "provenance.status", {})) as { adopted: { id: string }[] };
    assert.equal(adopted.length, 1);
    if (isForGood) await dataOf(hub, "provenance.issuers.revoke", { id: issuer.id });
    else await dataOf(hub, "provenance.teardown", { id: "house" });
    await dataOf(hub, "halt.release", {});
  });
  await fc.assert(property, runs(12));
});

test("whatever rules are put by calls, a person can stop, revoke, deny and take the rules back", {
  timeout: 120_000,
}, async () => {
  const property = fc.asyncProperty(somePatterns, async (patterns) => {
    await using hub = await openOracleHub({ tokens: [], answerOf: () => ({}) });
    const given = await give(hub);
    await dataOf(hub, "gating.contracts.put", { id: "house", patterns });
    await takeBack(hub, given);
    await dataOf(hub, "gating.contracts.remove", { id: "house" });
  });
  await fc.assert(property, runs(6));
});
