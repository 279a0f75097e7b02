import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createFailingStore } from "../../../test/kit/journal.ts";
import {
  admin,
  domainOf,
  type Kit,
  type KitOptions,
  makeKernel,
  startMs,
  turn,
  until,
} from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import type { Caller, Scope } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import type { PolicyCall } from "../../kernel/ports.ts";
import { covers } from "../leases/coverage.ts";
import { leasesMax } from "../leases/views.ts";
import type { ListedLease } from "../leases/contract.ts";
import type { Approval, Decide } from "./contract.ts";
import { lastingAnswer, termOf } from "./lasting.ts";
import { lastingWords, offersOf, oversOf } from "./offers.ts";

const diskOp = (name: string) =>
  op({
    id: `disk.${name}`,
    http: `POST /disk/${name}`,
    effect: "write",
    about: "x",
    input: closed({ folder: Type.String(), path: Type.String() }),
    output: closed({}),
    // The same words as one of the keys: whoever may do the one must not thereby do the other.
    needs: ["disk:put"],
    scope: ({ folder, path }) => ({ folder, path }),
  });
const Send = op({
  id: "post.send",
  http: "POST /post/send",
  effect: "write",
  about: "x",
  input: closed({ host: Type.String() }),
  output: closed({}),
  scope: ({ host }) => ({ host }),
});
const Right = op({
  id: "rights.give",
  http: "POST /rights/give",
  effect: "write",
  isForPersons: true,
  about: "x",
  input: closed({}),
  output: closed({}),
});
const Ask = op({
  id: "model.ask",
  http: "POST /model/ask",
  effect: "write",
  about: "x",
  input: closed({ model: Type.String() }),
  output: closed({}),
  scope: ({ model }) => ({ model }),
});
const operations = { put: diskOp("put"), drop: diskOp("drop"), send: Send, right: Right, ask: Ask };

const scout: Caller = { kind: "agent", id: "scout", grants: [] };
type Said = Omit<Static<typeof Decide.input>, "approvalId">;
type Lasting = NonNullable<Said["lasting"]>;

async function hub(more: KitOptions = {}) {
  const made: string[] = [];
  const handlers = Object.values(operations).map((each) =>
    bind(each as typeof operations.put, (input) => (made.push(`${each.id} ${Object.values(input).join(" ")}`), {})),
  );
  const kit = await makeKernel({
    ask: ["rights:*", "post:*"],
    ...more,
    domains: () => [
      domainOf("disk", { operations: handlers.slice(0, 2) }),
      domainOf("post", { operations: handlers.slice(2, 3) }),
      domainOf("rights", { operations: handlers.slice(3, 4) }),
      domainOf("model", { operations: handlers.slice(4) }),
    ],
  });
  return { ...kit, made };
}

const rows = async (kit: Kit): Promise<Approval[]> => {
  const { outcome } = await kit.call("state.approvals", {});
  return outcome.kind === "answer" ? (outcome.output as { items: Approval[] }).items : [];
};
const leases = async (kit: Kit): Promise<ListedLease[]> => {
  const { outcome } = await kit.call("leases.list", {});
  return outcome.kind === "answer" ? (outcome.output as { leases: ListedLease[] }).leases : [];
};
const said = (kit: Kit, approvalId: string, answer: Said) =>
  codeOf(kit.call("approvals.decide", { approvalId, ...answer }));
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );

interface Calling {
  readonly operationId?: string;
  readonly input?: unknown;
  readonly corrId?: string;
  readonly caller?: Caller;
}
const call = (kit: Kit, { operationId = "disk.put", input = { folder: "/a", path: "x" }, ...more }: Calling = {}) => {
  const { corrId = "run-1", caller = scout } = more;
  return codeOf(kit.kernel.dispatch({ operationId, input, corrId, credentials: { kind: "caller", caller } }));
};

/** A call that waits: what it came to in the end, and its question. */
async function asked(kit: Kit, calling: Calling = {}) {
  const before = (await rows(kit)).length;
  const came = call(kit, calling);
  const questions = () => kit.kinds().filter((kind) => kind === "approvals.requested").length;
  await until(() => questions() > before, "it is asked");
  await turn();
  const row = (await rows(kit))[0] as Approval;
  return { came, row, approvalId: row.approvalId };
}

/** Whether such a call would be asked about now. */
async function isAsked(kit: Kit, calling: Calling): Promise<boolean> {
  const questions = () => kit.kinds().filter((kind) => kind === "approvals.requested").length;
  const before = questions();
  const came = call(kit, calling);
  for (let turns = 0; turns < 20 && questions() === before; turns += 1) await turn();
  if (questions() === before) {
    assert.equal(await came, "ok");
    return false;
  }
  await said(kit, (await rows(kit))[0]?.approvalId ?? "", { decision: "deny" });
  await came;
  return true;
}

test("an answer for this run is a lease of this caller, and asks no more about the same", async () => {
  await using kit = await hub();
  const { came, row, approvalId } = await asked(kit);
  assert.equal(await said(kit, approvalId, { decision: "allow", lasting: { until: "run", over: "path" } }), "ok");
  assert.equal(await came, "ok");
  const answered = (await rows(kit))[0] as Approval;
  const [lease, ...others] = await leases(kit);
  assert.equal(others.length, 0);
  assert.deepEqual(
    [lease?.capability, lease?.holder, lease?.scope, lease?.approvalId, lease?.leaseId],
    [
      "disk:put",
      "agent:scout",
      { folder: "/a", path: "x", run: "run-1", operation: "disk.put" },
      approvalId,
      answered.lasting?.leaseId,
    ],
  );
  const offered = row.offers?.find(({ until: time, over }) => time === "run" && over === "path");
  assert.equal(answered.lasting?.words, offered?.words);
  assert.deepEqual(
    [
      await isAsked(kit, {}),
      await isAsked(kit, { corrId: "run-2" }),
      await isAsked(kit, { input: { folder: "/a", path: "y" } }),
      await isAsked(kit, { operationId: "disk.drop" }),
      await isAsked(kit, { caller: { kind: "agent", id: "other", grants: [] } }),
    ],
    [false, true, true, true, true],
  );
});

test("an answer for a time ends with it", async () => {
  await using kit = await hub();
  const { approvalId } = await asked(kit);
  assert.equal(await said(kit, approvalId, { decision: "allow", lasting: { until: "10s", over: "folder" } }), "ok");
  const inFolder = { input: { folder: "/a", path: "other" }, corrId: "run-2" };
  assert.equal(await isAsked(kit, inFolder), false);
  assert.equal((await rows(kit))[0]?.lasting?.endsAtMs, startMs + 10_000);
  kit.clock.advance(10_000);
  await kit.next("leases.expired", () => true);
  assert.equal(await isAsked(kit, inFolder), true);
});

test("without a reach the narrowest that is offered is meant", async () => {
  await using kit = await hub();
  const { approvalId } = await asked(kit);
  assert.equal(await said(kit, approvalId, { decision: "allow", lasting: { until: "1h" } }), "ok");
  assert.deepEqual((await leases(kit))[0]?.scope, { folder: "/a", path: "x", operation: "disk.put" });
});

test("questions that the same answer speaks of are answered with it, and no others", async () => {
  await using kit = await hub();
  const first = await asked(kit);
  const same = await asked(kit);
  const inFolder = await asked(kit, { input: { folder: "/a", path: "y" } });
  const elsewhere = await asked(kit, { input: { folder: "/b", path: "x" } });
  const otherRun = await asked(kit, { corrId: "run-2" });
  const otherTool = await asked(kit, { operationId: "disk.drop" });
  const otherAgent = await asked(kit, { caller: { kind: "agent", id: "other", grants: [] } });
  assert.equal(
    await said(kit, first.approvalId, { decision: "allow", lasting: { until: "run", over: "folder" } }),
    "ok",
  );
  assert.deepEqual(await Promise.all([first.came, same.came, inFolder.came]), ["ok", "ok", "ok"]);
  const all = await rows(kit);
  const rowOf = ({ approvalId }: { approvalId: string }) => all.find((each) => each.approvalId === approvalId);
  const leaseId = rowOf(first)?.lasting?.leaseId;
  for (const each of [same, inFolder])
    assert.deepEqual(rowOf(each)?.coveredBy, { approvalId: first.approvalId, leaseId });
  for (const each of [elsewhere, otherRun, otherTool, otherAgent]) assert.equal(rowOf(each)?.status, "waiting");
});

test("a person's own call has no run, and calls that wait in the queue are made with the answer, too", async () => {
  await using kit = await hub({ ask: ["disk:*"] });
  const one = await kit.call("disk.put", { folder: "/a", path: "x" });
  const other = await kit.call("disk.put", { folder: "/a", path: "y" });
  assert.deepEqual([one.outcome.kind, other.outcome.kind], ["held", "held"]);
  const [, row] = (await rows(kit)) as [Approval, Approval];
  const untils = new Set(row.offers?.flatMap((each) => each.until ?? []));
  assert.deepEqual([...untils], ["15m", "1h"]);
  const { approvalId } = row;
  assert.equal(
    await said(kit, approvalId, { decision: "allow", lasting: { until: "run", over: "folder" } }),
    "approvals.bad-answer",
  );
  assert.equal(await said(kit, approvalId, { decision: "allow", lasting: { until: "15m", over: "folder" } }), "ok");
  await until(() => kit.made.length === 2, "both are made");
  assert.deepEqual(kit.made.toSorted(), ["disk.put /a x", "disk.put /a y"]);
  const again = await kit.call("disk.put", { folder: "/a", path: "z" });
  assert.equal(again.outcome.kind, "answer");
});

test("what a lease cannot name, and what decides about rights, is asked each time", async () => {
  await using kit = await hub();
  await kit.call("rights.give", {});
  const [right] = await rows(kit);
  const { row: model } = await asked(kit, { operationId: "model.ask", input: { model: "m" } });
  for (const each of [right, model]) {
    assert.deepEqual(
      each?.offers?.map(({ answer }) => answer),
      ["once", "edit", "deny"],
    );
    const answer = { decision: "allow", lasting: { until: "15m", over: "tool" } } as const;
    assert.equal(await said(kit, each?.approvalId ?? "", answer), "approvals.bad-answer");
  }
  assert.deepEqual(await leases(kit), []);
});

test("nobody gives by an answer what they could not give by hand", async () => {
  const lasting: Lasting = { until: "15m", over: "path" };
  const narrow: Caller = {
    ...admin,
    reach: { token: "phone", keys: ["approvals:*", "state:*"], isReadOnly: false },
  };
  await using kit = await hub();
  const { approvalId } = await asked(kit);
  const answer = (given: Said) => codeOf(kit.call("approvals.decide", { approvalId, ...given }, narrow));
  assert.equal(await answer({ decision: "allow", lasting }), "arw.denied");
  assert.equal((await rows(kit))[0]?.status, "waiting");
  assert.equal(await answer({ decision: "allow" }), "ok");
  await using denied = await hub({ deny: ["leases:grant"] });
  const question = await asked(denied);
  assert.equal(await said(denied, question.approvalId, { decision: "allow", lasting }), "arw.denied");
  assert.deepEqual([await leases(kit), await leases(denied)], [[], []]);
});

test("a token answers what was asked, and puts nothing in its place that it does not reach", async () => {
  const keys = ["approvals:*", "leases:*", "state:*"];
  const by = (...more: string[]): Caller => ({
    ...admin,
    reach: { token: "nx", keys: [...keys, ...more], isReadOnly: false },
  });
  await using kit = await hub();
  const { came, approvalId } = await asked(kit);
  const ruleOf = async (given: Said, caller: Caller): Promise<unknown> => {
    const refused: unknown = await kit
      .call("approvals.decide", { approvalId, ...given }, caller)
      .catch((error) => error);
    return isProblem(refused) ? refused.extra["rule"] : "ok";
  };
  const changed: Said = { decision: "allow", input: { folder: "/b", path: "y" } };
  const lasting: Said = { decision: "allow", lasting: { until: "15m", over: "path" } };
  for (const answer of [changed, lasting]) {
    assert.equal(await ruleOf(answer, by()), "access.token:nx");
    assert.equal(await ruleOf(answer, by("disk:drop")), "access.token:nx");
  }
  assert.deepEqual([kit.made, await leases(kit)], [[], []]);
  assert.equal(await ruleOf(changed, by("disk:put")), "ok");
  assert.equal(await came, "ok");
  assert.deepEqual(kit.made, ["disk.put /b y"]);
});

test("wherever the hub ends while a lasting answer is written, lease and answers are there, or none of them", async () => {
  for (let commits = 0; commits <= 4; commits += 1) {
    const store = createFailingStore();
    const blobs = createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 });
    const first = await hub({ store, blobs, ask: ["disk:*"] });
    await first.call("disk.put", { folder: "/a", path: "x" });
    await first.call("disk.put", { folder: "/a", path: "y" });
    const [row] = await rows(first);
    store.failAfter(commits);
    const lasting = { until: "15m", over: "folder" } as const;
    const came = await said(first, row?.approvalId ?? "", { decision: "allow", lasting });
    for (let turns = 0; turns < 20; turns += 1) await turn();
    store.failAfter(1_000_000);
    await using second = await hub({ store, blobs, ask: ["disk:*"] });
    for (let turns = 0; turns < 20; turns += 1) await turn();
    const statuses = (await rows(second)).map(({ status }) => status);
    const given = (await leases(second)).length;
    assert.deepEqual(
      [came, statuses, given],
      commits === 0 ? ["arw.store-failed", ["waiting", "waiting"], 0] : ["ok", ["granted", "granted"], 1],
      `after ${commits} commits`,
    );
  }
});

test("where there is room for one lease more, one of two answers gives it, and the other question waits on", async () => {
  await using kit = await hub();
  for (let n = 1; n < leasesMax; n += 1)
    await kit.call("leases.grant", { capability: "disk:put", holder: `agent:other${n}` });
  const one = await asked(kit);
  const other = await asked(kit, { input: { folder: "/b", path: "x" } });
  const answer = { decision: "allow", lasting: { until: "1h", over: "path" } } as const;
  const came = await Promise.all([said(kit, one.approvalId, answer), said(kit, other.approvalId, answer)]);
  assert.deepEqual(came.toSorted(), ["leases.too-many-leases", "ok"]);
  assert.equal((await leases(kit)).length, leasesMax);
  const statuses = (await rows(kit)).map(({ status }) => status);
  assert.deepEqual(statuses.toSorted(), ["granted", "waiting"]);
});

test("one of two answers at the same moment counts, and gives one lease or none", async () => {
  await using kit = await hub();
  const { came, approvalId } = await asked(kit);
  const answers = await Promise.all([
    said(kit, approvalId, { decision: "allow", lasting: { until: "run", over: "path" } }),
    said(kit, approvalId, { decision: "deny" }),
    said(kit, approvalId, { decision: "allow", lasting: { until: "1h", over: "folder" } }),
  ]);
  assert.deepEqual(answers.toSorted(), ["approvals.already-answered", "approvals.already-answered", "ok"]);
  const isDenied = answers[1] === "ok";
  assert.deepEqual([await came, (await leases(kit)).length], isDenied ? ["arw.approval-denied", 0] : ["ok", 1]);
});

const word = fc.constantFrom("a", "b");
const scope: fc.Arbitrary<Scope> = fc.oneof(
  fc.record({ folder: word.map((each) => `/${each}`), path: word }, { requiredKeys: ["folder"] }),
  fc.record({ host: word.map((each) => `${each}.example.org:443`) }),
  fc.record({ tool: word.map((each) => `files/${each}`) }),
  fc.constant({}),
);
const anyCall = fc.record({
  operation: fc.constantFrom("disk.put", "disk.drop", "post.send"),
  needs: fc.constantFrom([], ["disk:put"], ["net:send"]),
  corrId: fc.constantFrom("run-1", "run-2"),
  scope,
  caller: fc.record({ kind: fc.constantFrom("agent", "plugin"), id: fc.constantFrom("scout", "other") }),
});

test("what a lasting answer lets pass is what its words say, and never more", async () => {
  await fc.assert(
    fc.asyncProperty(anyCall, fc.nat(), fc.array(anyCall, { maxLength: 8 }), async (question, pick, calls) => {
      const offers = offersOf({ ...question, caller: question.caller, isLeasable: true });
      const lasting = offers.filter((each) => each.answer === "lasting");
      const offer = lasting[pick % lasting.length];
      fc.pre(offer?.until !== undefined && offer.over !== undefined);
      const { until: time, over } = offer as Required<typeof offer>;
      const row = {
        ...question.scope,
        approvalId: "q",
        key: question.operation.replace(".", ":"),
        operation: question.operation,
        corrId: question.corrId,
        caller: question.caller,
        offers,
      } as unknown as Approval;
      const ctx = { id: () => "l", now: () => 0, caller: admin } as never;
      const parts = { rehearse: async () => ({ ruling: null }) } as never;
      const said = { until: time, over };
      const { lease, lasting: kept } = await lastingAnswer({
        known: row,
        lasting: said,
        reason: undefined,
        ctx,
        parts,
      });
      assert.equal(kept.words, offer.words);
      for (const each of [question, ...calls]) {
        const policyCall = { ...each, key: each.operation.replace(".", ":"), effect: "write" } as PolicyCall;
        const isSaid: boolean = saysSo(offer.words, each) && (time !== "run" || each.corrId === question.corrId);
        assert.equal(covers(lease, policyCall), isSaid, `${offer.words} ${JSON.stringify(each)}`);
      }
      assert.deepEqual(termOf(row, said), said);
    }),
    runs(300),
  );
});

/** Reads an offer as a person would, word by word. */
function saysSo(
  words: string,
  call: { operation: string; scope: Scope; caller: { kind: string; id: string } },
): boolean {
  const read =
    /^Every (\S+)(?: of (\S+))?(?: in (\S+))?(?: to (every host|\S+).*?)? by (\S+) (\S+) (?:for|until) /u.exec(words);
  assert.ok(read, words);
  const [, operation, what, folder, host, kind, id] = read;
  const [path, tool] = what?.includes("/") === true ? [undefined, what] : [what, undefined];
  return (
    operation === call.operation &&
    kind === call.caller.kind &&
    id === call.caller.id &&
    (path === undefined || path === call.scope.path) &&
    (tool === undefined || tool === call.scope.tool) &&
    (folder === undefined || folder === call.scope.folder) &&
    (host === undefined || host === "every host" || host === call.scope.host)
  );
}

test("no reach is offered that the call does not have", () => {
  fc.assert(
    fc.property(scope, (reached) => {
      for (const over of oversOf({ scope: reached, isLeasable: true })) {
        if (over !== "tool") assert.notEqual(reached[over], undefined);
        const caller = { kind: "agent", id: "a" } as const;
        assert.ok(
          !lastingWords({ operation: "x.y", caller, scope: reached }, { until: "1h", over }).includes("undefined"),
        );
      }
      assert.deepEqual(oversOf({ scope: reached, isLeasable: false }), []);
    }),
    runs(50),
  );
});
