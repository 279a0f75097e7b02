/** What the corridor refuses stands in the ledger beside what is refused on the way, once each. */
import assert from "node:assert/strict";
import { test } from "vitest";
import { createFakeWire } from "../../../test/kit/fake-wire.ts";
import { admin, approvalTimeoutMs, type Kit, type KitOptions, makeKernel, turn } from "../../../test/kit/kernel.ts";
import type { Caller } from "../../contract/caller.ts";
import { isProblem } from "../../contract/problem.ts";
import type { LedgerEntry } from "./contract.ts";

const url = "https://shop.test/cart?stolen=notes";
const agent: Caller = { kind: "agent", id: "a", labels: ["file"] };
const hub = (more: Partial<KitOptions> = {}): Promise<Kit> =>
  makeKernel({ egress: { wire: createFakeWire() }, ...more });

async function ledger(kit: Kit): Promise<readonly LedgerEntry[]> {
  const { outcome } = await kit.call("state.egressLedger", {});
  return (outcome as { output: { items: readonly LedgerEntry[] } }).output.items;
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );

/** Makes one call that is refused, and answers what the ledger has of it. */
async function refusedRow(kit: Kit, caller: Caller, input: object = { url }): Promise<readonly unknown[]> {
  const before = (await ledger(kit)).length;
  const code = await codeOf(kit.call("web.fetch", input, caller));
  const rows = (await ledger(kit)).slice(0, -before || undefined);
  assert.equal(rows.length, 1, "one refusal, one row");
  const [row] = rows;
  return [code, row?.outcome, row?.caller, `${row?.host}:${row?.port}`, row?.rule, row?.source];
}

test.each(["agent", "node"] as const)("%s: what no policy permits", async (kind) => {
  await using kit = await hub();
  const row = await refusedRow(kit, { kind, id: "x" });
  assert.deepEqual(row, ["arw.denied", "refused", `${kind}:x`, "shop.test:443", "policy.no-permit", "policies"]);
  const [entry] = await ledger(kit);
  assert.deepEqual(
    [entry?.operation, entry?.method, entry?.url, entry?.bytesOut],
    ["web:fetch", "", "shop.test:443", 0],
  );
  assert.ok(!JSON.stringify(entry).includes("stolen"));
});

test("a deny rule, before the input is read, and a token that does not reach so far", async () => {
  await using kit = await hub({ deny: ["web:*"] });
  assert.deepEqual((await refusedRow(kit, admin)).slice(1, 5), ["refused", "person:admin", "shop.test:443", "web:*"]);
  await using other = await hub();
  const reach = { token: "ci", keys: ["fs:*"], isReadOnly: false };
  assert.equal((await refusedRow(other, { ...admin, reach }))[4], "access.token:ci");
});

test("a person's no, and a ceiling", async () => {
  await using kit = await hub();
  await kit.call("egress.allow", { host: "shop.test" });
  const asked = kit.next("approvals.requested");
  const answer = codeOf(kit.call("web.fetch", { url }, agent));
  const { approvalId } = (await asked).data as { approvalId: string };
  await turn();
  await kit.call("approvals.decide", { approvalId, decision: "deny" });
  assert.equal(await answer, "arw.approval-denied");
  const [row, ...others] = await ledger(kit);
  assert.deepEqual([row?.outcome, row?.rule, others.length], ["refused", "ask-before-strangers-words-leave", 0]);
  assert.match(row?.source ?? "", /default/u);
  await kit.call("budgets.allow", { allowance: ["1 calls/hour web.fetch"] });
  const other: Caller = { kind: "agent", id: "b" };
  await kit.call("web.fetch", { url }, other);
  const [code, outcome, , , , source] = await refusedRow(kit, other);
  assert.deepEqual([code, outcome], ["arw.budget-exceeded", "refused"]);
  assert.match(String(source), /1 calls\/hour/u);
});

test("a no to who did not wait for it, and an answer that nobody gave", async () => {
  await using kit = await hub({ ask: ["web:fetch"] });
  const program: Caller = { ...admin, reach: { token: "ci", keys: ["web:*"], isReadOnly: false } };
  for (const end of ["deny", "expire"] as const) {
    const { outcome } = await kit.call("web.fetch", { url }, program);
    const { approvalId } = outcome as { approvalId: string };
    assert.equal((await ledger(kit)).length, end === "deny" ? 0 : 1, "a question is no refusal");
    if (end === "deny") await kit.call("approvals.decide", { approvalId, decision: "deny", reason: "not there" });
    else {
      const expired = kit.next("approvals.expired");
      kit.clock.advance(approvalTimeoutMs);
      await expired;
    }
  }
  const rows = (await ledger(kit)).map(({ outcome, caller, host, rule, reason }) => [
    outcome,
    caller,
    host,
    rule,
    reason,
  ]);
  const told = ["refused", "person:admin", "shop.test", "config:approvals.ask:web:fetch"];
  assert.deepEqual(rows, [
    [...told, "nobody answered in time"],
    [...told, "not there"],
  ]);
});

test("a halt", async () => {
  await using kit = await hub();
  await kit.call("halt.engage", { reason: "enough" });
  assert.deepEqual((await refusedRow(kit, agent)).slice(0, 3), ["arw.halted", "refused", "agent:a"]);
});

test("what is refused on the way has no second row, and what is no address to go to has none", async () => {
  const wire = createFakeWire({ names: { "shop.test": ["10.0.0.7"] } });
  await using kit = await hub({ egress: { wire, settings: { posture: "public" } } });
  assert.equal((await refusedRow(kit, { ...agent, kind: "person", labels: ["web"] }))[4], "egress.private-address");
  assert.equal(await codeOf(kit.call("web.fetch", { url, bytesMax: 0 }, agent)), "arw.invalid-input");
  assert.equal(await codeOf(kit.call("egress.posture.set", { posture: "closed" }, agent)), "arw.denied");
  assert.equal((await ledger(kit)).length, 1);
});

test("a rule that closes the event itself leaves the refusal as it is", async () => {
  await using kit = await hub({ deny: ["emit:egress:*"] });
  assert.equal(await codeOf(kit.call("web.fetch", { url }, { kind: "agent", id: "a" })), "arw.denied");
  assert.deepEqual([await ledger(kit), kit.errors], [[], []]);
});
