import assert from "node:assert/strict";
import { test } from "vitest";
import { createFailingStore } from "../../../test/kit/journal.ts";
import {
  admin,
  approvalTimeoutMs,
  domainOf,
  type Kit,
  type KitOptions,
  makeKernel,
  turn,
  until,
} from "../../../test/kit/kernel.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import type { Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import { Cancelled } from "../../contract/standard-problems.ts";
import type { CallRequest } from "../../kernel/kernel.ts";
import type { Approval } from "./contract.ts";

const secret = "sk-live-0123456789abcdef0123456789";
const Pay = op({
  id: "shop.pay",
  http: "POST /shop/pay",
  effect: "write",
  about: "Pay.",
  input: closed({ to: Type.String(), amount: Type.Integer(), note: Type.Optional(Type.String()) }),
  output: closed({ paid: Type.Integer() }),
});
const agent: Caller = { kind: "agent", id: "scout", grants: [] };
const order = { to: "garden", amount: 7 };

async function shop(more: KitOptions = {}) {
  const paid: unknown[] = [];
  const pay = bind(Pay, (input) => (paid.push(input), { paid: input.amount }), {
    preview: async ({ to, amount }) => ({
      summary: `pay ${amount} to ${to}`,
      diff: `-0 +${amount} ${secret}`,
      canUndo: false,
    }),
  });
  const kit = await makeKernel({
    ask: ["shop:*"],
    secrets: [secret],
    ...more,
    domains: () => [domainOf("shop", { operations: [pay] })],
  });
  return { ...kit, paid };
}

const rows = async (kit: Kit): Promise<Approval[]> => {
  const { outcome } = await kit.call("state.approvals", {});
  return outcome.kind === "answer" ? (outcome.output as { items: Approval[] }).items : [];
};
const only = async (kit: Kit): Promise<Approval> => {
  const [row, ...others] = await rows(kit);
  assert.ok(row !== undefined && others.length === 0, "there is one approval");
  return row;
};
const decide = (kit: Kit, approvalId: string, decision: "allow" | "deny") =>
  kit.call("approvals.decide", { approvalId, decision });
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );

async function held(kit: Kit, input: unknown = order): Promise<string> {
  const { outcome } = await kit.call("shop.pay", input);
  assert.equal(outcome.kind, "held");
  return outcome.kind === "held" ? outcome.approvalId : "";
}

/** An agent's call, which waits; resolves when its question is written. */
async function asked(kit: Kit, signal?: AbortSignal) {
  const came = codeOf(
    kit.kernel.dispatch({
      operationId: "shop.pay",
      input: order,
      credentials: { kind: "caller", caller: agent },
      ...(signal ? { signal } : {}),
    }),
  );
  await kit.next("approvals.requested", () => true);
  await turn();
  return { came, approvalId: (await only(kit)).approvalId };
}

test("a held call shows what would be done, without secrets, and the queue makes exactly that call once it is allowed", async () => {
  await using kit = await shop();
  const input = { ...order, note: `with ${secret}` };
  const approvalId = await held(kit, input);
  const row = await only(kit);
  assert.deepEqual(
    [row.approvalId, row.status, row.summary, row.key, row.rule],
    [approvalId, "waiting", "pay 7 to garden", "shop:pay", "config:approvals.ask:shop:*"],
  );
  assert.ok(!JSON.stringify([row, kit.events()]).includes(secret), "a secret is shown");
  assert.deepEqual(kit.paid, []);
  const { outcome } = await decide(kit, approvalId, "allow");
  assert.equal(outcome.kind === "answer" && (outcome.output as Approval).status, "granted");
  await kit.next("task.finished", () => true);
  assert.deepEqual(kit.paid, [input]);
  assert.deepEqual(new Set(kit.events().map((each) => each.corrId)).size, 1);
});

test("what was allowed is this call and no other: changed arguments are asked for again", async () => {
  await using kit = await shop();
  const approvalId = await held(kit);
  await decide(kit, approvalId, "allow");
  await kit.next("task.finished", () => true);
  // Only the queue can bring an approval along; even then it fits one call.
  const again = (input: unknown) =>
    kit.kernel.dispatch({
      operationId: "shop.pay",
      input,
      credentials: { kind: "caller", caller: admin },
      approvalId,
    } as CallRequest);
  assert.equal((await again({ ...order, amount: 8 })).outcome.kind, "held");
  assert.equal((await kit.call("shop.pay", order)).outcome.kind, "held");
  assert.equal(kit.paid.length, 1);
});

test("an agent waits in its call until a person allows it", async () => {
  await using kit = await shop();
  const { came, approvalId } = await asked(kit);
  assert.deepEqual(kit.paid, []);
  await decide(kit, approvalId, "allow");
  assert.equal(await came, "ok");
  assert.deepEqual([kit.paid, (await only(kit)).isResumable], [[order], false]);
  assert.ok(!kit.kinds().includes("task.enqueued"));
});

test("an answer is never a question itself, whatever a pattern asks about", async () => {
  await using kit = await shop({ ask: ["*"] });
  const approvalId = await held(kit);
  assert.equal((await decide(kit, approvalId, "allow")).outcome.kind, "answer");
  await kit.next("task.finished", () => true);
  assert.equal(kit.paid.length, 1);
});

test("a no, and no answer in time, refuse the call", async () => {
  await using kit = await shop();
  const denied = await asked(kit);
  await decide(kit, denied.approvalId, "deny");
  assert.equal(await denied.came, "arw.approval-denied");
  const came = codeOf(kit.call("shop.pay", order, agent));
  await until(
    () => kit.kinds().filter((kind) => kind === "approvals.requested").length === 2,
    "the second question is asked",
  );
  await turn();
  kit.clock.advance(approvalTimeoutMs - 1);
  await turn();
  assert.ok(!kit.kinds().includes("approvals.expired"));
  kit.clock.advance(1);
  assert.equal(await came, "arw.approval-denied");
  assert.deepEqual(
    (await rows(kit)).map((row) => row.status),
    ["expired", "denied"],
  );
  assert.deepEqual(kit.paid, []);
});

test("when the caller leaves, the question is withdrawn and nothing is done", async () => {
  await using kit = await shop();
  const controller = new AbortController();
  const { came, approvalId } = await asked(kit, controller.signal);
  controller.abort(new Problem(Cancelled, "stopped by person:admin"));
  assert.equal(await came, "arw.cancelled");
  assert.equal((await only(kit)).status, "cancelled");
  assert.equal(await codeOf(decide(kit, approvalId, "allow")), "approvals.already-answered");
  assert.deepEqual([kit.paid, kit.clock.nextInMs() === approvalTimeoutMs], [[], false]);
});

test("a question has one answer, whoever asks at the same moment", async () => {
  for (const [first, second] of [
    ["allow", "allow"],
    ["allow", "deny"],
    ["deny", "allow"],
  ] as const) {
    await using kit = await shop();
    const approvalId = await held(kit);
    const came = await Promise.all([codeOf(decide(kit, approvalId, first)), codeOf(decide(kit, approvalId, second))]);
    assert.deepEqual(came.toSorted(), ["approvals.already-answered", "ok"]);
    const isAllowed = (came[0] === "ok" ? first : second) === "allow";
    for (let turns = 0; turns < 5; turns += 1) await turn();
    assert.deepEqual([kit.paid.length, (await only(kit)).status], isAllowed ? [1, "granted"] : [0, "denied"]);
    assert.equal(kit.kinds().filter((kind) => kind === "approvals.granted" || kind === "approvals.denied").length, 1);
  }
});

test("a person who allows in the moment in which the caller leaves is told which of both it was", async () => {
  await using kit = await shop();
  const controller = new AbortController();
  const { came, approvalId } = await asked(kit, controller.signal);
  const allowed = codeOf(decide(kit, approvalId, "allow"));
  controller.abort(new Problem(Cancelled, "stopped"));
  const outcome = [await came, await allowed];
  const { status } = await only(kit);
  assert.ok(
    (status === "cancelled" && outcome[1] === "approvals.already-answered") ||
      (status === "granted" && outcome[1] === "ok"),
    `${status} but ${outcome.join(", ")}`,
  );
  assert.deepEqual(kit.paid, []);
});

test("an answer that cannot be written leaves the question open", async () => {
  const store = createFailingStore();
  await using kit = await shop({ store });
  const approvalId = await held(kit);
  store.failWith("full");
  assert.equal(await codeOf(decide(kit, approvalId, "allow")), "arw.store-full");
  store.failWith(null);
  assert.equal((await only(kit)).status, "waiting");
  assert.equal(await codeOf(decide(kit, approvalId, "allow")), "ok");
  await kit.next("task.finished", () => true);
  assert.equal(kit.paid.length, 1);
});

test("only a person answers, one question exists or does not, and an allowed call whose input is gone stays open", async () => {
  const blobs = createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 });
  await using kit = await shop({ blobs });
  const approvalId = await held(kit);
  assert.equal(
    await codeOf(kit.call("approvals.decide", { approvalId, decision: "allow" }, { kind: "system", id: "hub" })),
    "arw.denied",
  );
  assert.equal(await codeOf(decide(kit, "nobody-asked", "allow")), "arw.not-found");
  for await (const { ref } of blobs.list()) await blobs.remove(ref);
  assert.equal(await codeOf(decide(kit, approvalId, "allow")), "arw.not-found");
  assert.equal((await only(kit)).status, "waiting");
  assert.equal(await codeOf(decide(kit, approvalId, "deny")), "ok");
});

test("wherever the hub ends between yes and done, the call is made exactly once or is still asked for", async () => {
  for (let commits = 0; commits <= 4; commits += 1) {
    const store = createFailingStore();
    const blobs = createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 });
    const first = await shop({ store, blobs });
    const approvalId = await held(first);
    store.failAfter(commits);
    const came = await codeOf(decide(first, approvalId, "allow"));
    for (let turns = 0; turns < 20; turns += 1) await turn();
    store.failAfter(1_000_000);
    await using second = await shop({ store, blobs });
    for (let turns = 0; turns < 20; turns += 1) await turn();
    const { status } = await only(second);
    const ended = second.kinds().filter((kind) => kind === "task.finished" || kind === "task.failed");
    const made = first.paid.length + second.paid.length;
    assert.deepEqual([status, came], commits > 0 ? ["granted", "ok"] : ["waiting", "arw.store-failed"]);
    // A call that was going when the hub ended is not made twice; its dead letter says so.
    assert.deepEqual([ended.length, made], status === "granted" ? [1, 1] : [0, 0]);
  }
});

test("at a restart the questions of callers who are gone are withdrawn, the others wait on with their time", async () => {
  const store = createFailingStore();
  const blobs = createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 });
  const first = await shop({ store, blobs });
  await held(first);
  void codeOf(first.call("shop.pay", order, agent));
  await until(() => first.kinds().length === 2, "both questions are asked");
  await using second = await shop({ store, blobs });
  assert.deepEqual(
    (await rows(second)).map((row) => row.status),
    ["cancelled", "waiting"],
  );
  second.clock.advance(approvalTimeoutMs);
  await second.next("approvals.expired", () => true);
  assert.deepEqual(
    (await rows(second)).map((row) => row.status),
    ["cancelled", "expired"],
  );
});

test("an agent needs a grant for what it reads and is asked for what it changes; a grant fits its folder and path alone", async () => {
  const scoped = (name: string, effect: "read" | "write") =>
    bind(
      op({
        id: `disk.${name}`,
        http: `POST /disk/${name}`,
        effect,
        about: "x",
        input: closed({ folder: Type.String(), path: Type.String() }),
        output: closed({}),
        scope: ({ folder, path }) => ({ folder, path }),
      }),
      () => ({}),
    );
  await using kit = await makeKernel({
    domains: () => [domainOf("disk", { operations: [scoped("read", "read"), scoped("write", "write")] })],
  });
  const grants = [
    { key: "disk:*", folder: "/a" },
    { key: "disk:write", folder: "/b", path: "x" },
  ];
  const come = async (name: string, folder: string, path: string) => {
    const questions = () => kit.kinds().filter((kind) => kind === "approvals.requested").length;
    const before = questions();
    const controller = new AbortController();
    const came = codeOf(
      kit.kernel.dispatch({
        operationId: `disk.${name}`,
        input: { folder, path },
        credentials: { kind: "caller", caller: { ...agent, grants } },
        signal: controller.signal,
      }),
    );
    await turn();
    await turn();
    const isAsked = questions() > before;
    controller.abort(new Problem(Cancelled, "enough"));
    return isAsked ? "asked" : await came;
  };
  assert.deepEqual(
    [
      await come("read", "/a", "x"),
      await come("write", "/a", "x"),
      await come("write", "/b", "x"),
      await come("write", "/b", "y"),
      await come("read", "/b", "x"),
      await come("read", "/a/b", "x"),
      await come("write", "/c", "x"),
    ],
    ["ok", "ok", "ok", "asked", "arw.denied", "arw.denied", "asked"],
  );
});
