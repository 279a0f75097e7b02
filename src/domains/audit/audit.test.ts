import assert from "node:assert/strict";
import { test } from "vitest";
import { createRedactor } from "../../base/redact.ts";
import { callerName, type Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { closed, Type } from "../../contract/schema.ts";
import { admin, domainOf, makeKernel, startMs, turn, until } from "../../../test/kit/kernel.ts";
import type { AuditEntry, AuditTrail } from "./port.ts";
import { createAudit } from "./service.ts";

const Change = op({
  id: "pets.change",
  http: "POST /pets/change",
  effect: "write",
  about: "Change a pet.",
  input: closed({ folder: Type.String(), name: Type.String() }),
  output: closed({}),
  scope: ({ folder }) => ({ folder }),
});
const Look = op({
  id: "pets.look",
  http: "GET /pets/look",
  effect: "read",
  about: "Look at a pet.",
  input: closed({}),
  output: closed({}),
});
const Feed = op({
  id: "pets.feed",
  http: "POST /pets/feed",
  effect: "write",
  isRoutine: true,
  about: "Feed a pet.",
  input: closed({}),
  output: closed({}),
});

async function setUp(options: { readonly ask?: readonly string[]; readonly deny?: readonly string[] } = {}) {
  const rows: AuditEntry[] = [];
  const trail: AuditTrail = {
    append: (entry) => void rows.push(entry),
    list: () => Promise.resolve([]),
    verify: () =>
      Promise.resolve({ ok: true, rows: rows.length, files: [], firstSeq: null, lastSeq: null, fault: null }),
    health: () => ({ ok: true, detail: "" }),
  };
  const audit = createAudit({
    trail,
    clock: { nowMs: () => startMs },
    redactor: createRedactor({ secrets: ["hunter2hunter2"] }),
    log: { error: (message) => assert.fail(message) },
  });
  const pets = domainOf("pets", {
    operations: [Change, Look, Feed].map((each) => bind(each, () => ({}))),
  });
  const kit = await makeKernel({ ...options, domains: (parts) => [pets, audit.domain(parts)] });
  /** The kit keeps samples; here they take the way they take in a hub. */
  let told = 0;
  const seen = (): readonly AuditEntry[] => {
    for (; told < kit.samples.length; told += 1) audit.onSample(kit.samples[told] ?? assert.fail());
    return rows;
  };
  return { kit, seen };
}

const agent: Caller = { kind: "agent", id: "scout" };
const input = { folder: "/pets", name: "Rex" };
const short = (rows: readonly AuditEntry[]) =>
  rows.map(({ caller, operation, outcome, why }) => [caller, operation, outcome, ...(why === undefined ? [] : [why])]);

test("a change is a row with who, what and where; reads, routine and the hub's own work are none", async () => {
  const { kit, seen } = await setUp();
  await using _kit = kit;
  const { corrId } = await kit.call(Change.id, input);
  await kit.call(Look.id, {});
  await kit.call(Feed.id, {});
  await kit.call(Change.id, input, { kind: "system", id: "hub" });
  const [row, ...others] = seen();
  assert.deepEqual(others, []);
  assert.deepEqual(
    { ...row, argsDigest: row?.argsDigest?.slice(0, 7) },
    {
      timeMs: startMs,
      caller: callerName(admin),
      operation: Change.id,
      key: "pets:change",
      folder: "/pets",
      argsDigest: "sha256:",
      outcome: "answered",
      why: "permitted by the policy person (default policies:5)",
      corrId,
    },
  );
});

test("a refusal is a row with its code and its words, and words carry no secret", async () => {
  const { kit, seen } = await setUp({ deny: ["pets:change"] });
  await using _kit = kit;
  await assert.rejects(kit.call(Change.id, input));
  await assert.rejects(kit.call(Feed.id, { hunter2hunter2: 1 }));
  assert.equal(seen()[0]?.code, "arw.denied");
  assert.match(seen()[0]?.why ?? "", /pets:change is denied/);
  assert.ok(!JSON.stringify(seen()).includes("hunter2hunter2"));
});

test("what a person decided is one row, with the call it was about and the reason", async () => {
  for (const [decision, outcome] of [
    ["allow", "granted"],
    ["deny", "denied"],
  ] as const) {
    const { kit, seen } = await setUp();
    await using _kit = kit;
    const waits = kit.call(Change.id, input, agent).catch(() => null);
    const asked = await kit.next("approvals.requested", () => true);
    const { approvalId } = asked.data as { approvalId: string };
    await turn();
    await kit.call("approvals.decide", { approvalId, decision, reason: "because" });
    await waits;
    await until(() => seen().length === 2, "both rows are there");
    const [answer, call] = seen();
    assert.deepEqual(short(seen())[0], ["person:admin", Change.id, outcome, "because"]);
    assert.deepEqual([answer?.approvalId, answer?.folder, answer?.key], [approvalId, "/pets", "pets:change"]);
    assert.equal(call?.caller, "agent:scout");
    assert.deepEqual([call?.outcome, call?.approvalId], [decision === "allow" ? "answered" : "refused", approvalId]);
    assert.equal(call?.argsDigest, answer?.argsDigest);
    assert.match(
      call?.why ?? "",
      decision === "allow" ? /^a person allowed what the policy .+ asks about$/u : /because/u,
    );
  }
});

test("a stranger at a closed door is no row", async () => {
  const { kit, seen } = await setUp();
  await using _kit = kit;
  const stranger = { kind: "none", address: "1.2.3.4" } as const;
  await assert.rejects(kit.kernel.dispatch({ operationId: Change.id, input, credentials: stranger }));
  assert.deepEqual(seen(), []);
});

test("an answer without a reason names the rule that asked", async () => {
  const { kit, seen } = await setUp();
  await using _kit = kit;
  const waits = kit.call(Change.id, input, agent);
  const asked = await kit.next("approvals.requested", () => true);
  const { approvalId } = asked.data as { approvalId: string };
  await turn();
  await kit.call("approvals.decide", { approvalId, decision: "allow" });
  await waits;
  await until(() => seen().length === 2, "both rows are there");
  assert.match(seen()[0]?.why ?? "", /^asked by .+; no reason was given$/u);
});
