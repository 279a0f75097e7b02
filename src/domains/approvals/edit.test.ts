import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createFailingStore } from "../../../test/kit/journal.ts";
import { domainOf, type Kit, type KitOptions, makeKernel, turn } from "../../../test/kit/kernel.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import type { Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import { Engage } from "../halt/contract.ts";
import { FileNotFound } from "../fs/contract.ts";
import type { Approval, Decide } from "./contract.ts";
import type { Static } from "../../contract/schema.ts";

const secret = "sk-live-0123456789abcdef0123456789";
const Copy = op({
  id: "disk.copy",
  http: "POST /disk/copy",
  effect: "write",
  about: "Copy.",
  input: closed({
    folder: Type.String(),
    path: Type.String(),
    text: Type.String(),
    note: Type.Optional(Type.String()),
  }),
  output: closed({ path: Type.String(), bytes: Type.Integer() }),
  problems: [FileNotFound],
  scope: ({ folder, path }) => ({ folder, path }),
  cost: ({ text }) => ({ bytesWritten: text.length }),
});
const Look = op({
  id: "disk.look",
  http: "POST /disk/look",
  effect: "read",
  about: "Look.",
  input: closed({ folder: Type.String() }),
  output: closed({ folder: Type.String() }),
  scope: ({ folder }) => ({ folder }),
});
const agent: Caller = { kind: "agent", id: "scout", grants: [{ key: "disk:look", folder: "/a" }] };
const order = { folder: "/a", path: "x.md", text: "one\ntwo\n", note: `with ${secret}` };

type Said = Omit<Static<typeof Decide.input>, "approvalId">;

async function disk(more: KitOptions = {}) {
  const made: unknown[] = [];
  const copy = bind(Copy, (input) => (made.push(input), { path: input.path, bytes: input.text.length }), {
    async preview({ path, text }) {
      if (path === "gone.md") throw new Problem(FileNotFound, "gone.md is no folder");
      return { summary: `copy ${path}`, diff: `+${text}`, canUndo: true };
    },
  });
  const look = bind(Look, (input) => (made.push(input), input));
  const kit = await makeKernel({
    secrets: [secret],
    ask: ["disk:*"],
    ...more,
    domains: () => [domainOf("disk", { operations: [copy, look] })],
  });
  return { ...kit, made };
}

const rows = async (kit: Kit): Promise<Approval[]> => {
  const { outcome } = await kit.call("state.approvals", {});
  return outcome.kind === "answer" ? (outcome.output as { items: Approval[] }).items : [];
};
const newest = async (kit: Kit): Promise<Approval> => (await rows(kit))[0] as Approval;
const said = (kit: Kit, approvalId: string, answer: Said) =>
  codeOf(kit.call("approvals.decide", { approvalId, ...answer }));
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );

/** A call of the agent that waits for its answer. */
async function asked(kit: Kit, operationId = "disk.copy", input: unknown = order) {
  const came = kit.call(operationId, input, agent);
  came.catch(() => undefined);
  await kit.next("approvals.requested", () => true);
  await turn();
  const { approvalId } = await newest(kit);
  return { came, approvalId };
}

test("an agent's call runs with the arguments that a person wrote, and what ran is kept beside what was asked", async () => {
  await using kit = await disk();
  const { came, approvalId } = await asked(kit);
  const before = await newest(kit);
  assert.equal(
    await said(kit, approvalId, { decision: "allow", input: { path: "notes/x.md", text: "one\nthree\n" } }),
    "ok",
  );
  const ran = { ...order, path: "notes/x.md", text: "one\nthree\n" };
  const { outcome } = await came;
  assert.deepEqual(outcome.kind === "answer" && outcome.output, { path: "notes/x.md", bytes: 10 });
  assert.deepEqual(kit.made, [ran]);
  const row = await newest(kit);
  assert.deepEqual([row.argsDigest, row.input], [before.argsDigest, before.input]);
  assert.notEqual(row.edited?.argsDigest, row.argsDigest);
  assert.match(row.edited?.changes ?? "", /-path: "x.md"\n\+path: "notes\/x.md"/);
  assert.match(row.edited?.changes ?? "", / one\n-two\n\+three/);
  assert.ok(!JSON.stringify([row, kit.events()]).includes(secret), "a secret is shown");
  const audited = kit.samples.find((each) => each.operation === "disk.copy")?.change;
  assert.deepEqual(
    [audited?.argsDigest(), audited?.scope],
    [row.edited?.argsDigest, { folder: "/a", path: "notes/x.md" }],
  );
});

test("a call that the queue makes is made as the person changed it, and once", async () => {
  await using kit = await disk();
  const { outcome } = await kit.call("disk.copy", order);
  const approvalId = outcome.kind === "held" ? outcome.approvalId : "";
  assert.equal(await said(kit, approvalId, { decision: "allow", input: { text: "other" } }), "ok");
  await kit.next("task.finished", () => true);
  assert.deepEqual(kit.made, [{ ...order, text: "other" }]);
});

test("changed arguments are asked about again: what refuses them leaves the question open and names its rule", async () => {
  await using kit = await disk();
  const { came, approvalId } = await asked(kit, "disk.look", { folder: "/a" });
  const extra = await kit.call("approvals.decide", { approvalId, decision: "allow", input: { folder: "/b" } }).then(
    (): Problem["extra"] => ({}),
    (error: Problem) => error.extra,
  );
  assert.deepEqual([extra["rule"], extra["source"]], ["policy.no-permit", "policies"]);
  assert.equal(await said(kit, approvalId, { decision: "allow", input: { folder: 7 } }), "arw.invalid-input");
  assert.equal(await said(kit, approvalId, { decision: "allow", input: { extra: 7 } }), "arw.invalid-input");
  assert.deepEqual([(await newest(kit)).status, kit.made], ["waiting", []]);
  assert.equal(await said(kit, approvalId, { decision: "allow" }), "ok");
  await came;
  assert.deepEqual(kit.made, [{ folder: "/a" }]);
});

test("a value that was handed over as a secret is written into no call", async () => {
  const kept = "hunter-22-kept";
  const isKept = (value: unknown): boolean => (JSON.stringify(value) ?? "").includes(kept);
  const text = (given: string): string => given.replaceAll(kept, "[kept]");
  const clean = <T>(value: T): T => (isKept(value) ? (JSON.parse(text(JSON.stringify(value))) as T) : value);
  await using kit = await disk({ vault: { text, clean } });
  const { approvalId } = await asked(kit);
  assert.equal(await said(kit, approvalId, { decision: "allow", input: { text: kept } }), "arw.invalid-input");
  assert.deepEqual([(await newest(kit)).status, kit.made, isKept(kit.events())], ["waiting", [], false]);
});

test("what the tool refuses of the changed call is said with the tool's words", async () => {
  await using kit = await disk();
  const { approvalId } = await asked(kit);
  assert.equal(
    await said(kit, approvalId, { decision: "allow", input: { path: "gone.md" } }),
    "approvals.edit-refused",
  );
  assert.equal((await newest(kit)).status, "waiting");
});

test("what is sent back as it was shown is no change, and a mark is no value", async () => {
  await using kit = await disk();
  const { came, approvalId } = await asked(kit);
  const { input } = await newest(kit);
  const shown = input as Record<string, string>;
  assert.match(shown["note"] ?? "", /redacted/);
  const marked = { ...shown, note: `${shown["note"]}, changed` };
  assert.equal(await said(kit, approvalId, { decision: "allow", input: marked }), "approvals.bad-answer");
  assert.equal(await said(kit, approvalId, { decision: "allow", input: { ...shown, path: "y.md" } }), "ok");
  await came;
  assert.deepEqual(kit.made, [{ ...order, path: "y.md" }]);
});

test("whatever a person changes, exactly that runs: their fields over those that were asked, and no other", async () => {
  const field = fc.string({ minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(
      fc.record({ folder: field, path: field, text: field, note: field }, { requiredKeys: [], noNullPrototype: true }),
      async (changes) => {
        await using kit = await disk();
        const { came, approvalId } = await asked(kit);
        const { offers: _none, ...row } = await newest(kit);
        const isMarked = Object.values(changes).some((each) => each.includes("[redacted:"));
        fc.pre(!isMarked && changes.path !== "gone.md");
        assert.equal(await said(kit, approvalId, { decision: "allow", input: changes }), "ok");
        await came;
        assert.deepEqual(kit.made, [{ ...order, ...changes }]);
        const isChanged = Object.entries(changes).some(([name, value]) => order[name as keyof typeof order] !== value);
        assert.equal((await newest(kit)).edited === undefined, !isChanged, JSON.stringify(row));
      },
    ),
    { numRuns: 25 },
  );
});

test("answers that contradict themselves are no answers", async () => {
  await using kit = await disk();
  const { approvalId } = await asked(kit);
  const lasting = { until: "run", over: "path" } as const;
  for (const answer of [
    { decision: "deny", input: { path: "y.md" } },
    { decision: "deny", lasting },
    { decision: "allow", lasting, input: { path: "y.md" } },
  ] as const)
    assert.equal(await said(kit, approvalId, answer), "approvals.bad-answer");
  assert.equal((await newest(kit)).status, "waiting");
});

test("only persons answer, whatever else they may do", async () => {
  await using kit = await disk();
  const { approvalId } = await asked(kit);
  for (const kind of ["agent", "plugin", "node", "system"] as const)
    assert.equal(
      await codeOf(kit.call("approvals.decide", { approvalId, decision: "allow" }, { kind, id: "other" })),
      "arw.denied",
    );
  assert.equal((await newest(kit)).status, "waiting");
});

test("while the hub is halted a person may say no, and no yes begins anything", async () => {
  const store = createFailingStore();
  const blobs = createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 });
  const first = await disk({ store, blobs });
  await first.call("disk.copy", order);
  await first.call("disk.copy", { ...order, path: "y.md" });
  // The hub ends between the stop and the end of its sweep.
  store.failAfter(1);
  await codeOf(first.call(Engage.id, {}));
  store.failAfter(1_000_000);
  await using kit = await disk({ store, blobs });
  const [one, other] = (await rows(kit)) as [Approval, Approval];
  assert.deepEqual([one.status, other.status], ["waiting", "waiting"]);
  assert.equal(await said(kit, one.approvalId, { decision: "allow" }), "arw.halted");
  assert.equal(await said(kit, one.approvalId, { decision: "deny" }), "ok");
  assert.deepEqual([(await rows(kit))[0]?.status, kit.made], ["denied", []]);
});
