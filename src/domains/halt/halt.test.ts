import assert from "node:assert/strict";
import { test } from "vitest";
import { createFailingStore } from "../../../test/kit/journal.ts";
import { admin, domainOf, type Kit, type KitOptions, makeKernel, turn, until } from "../../../test/kit/kernel.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import { Halted } from "../../contract/standard-problems.ts";
import { endedTasks, openTasks } from "../../contract/task.ts";
import type { AgentProgram } from "../agents/contract.ts";

const worldOp = (name: string, effect: "read" | "write", mode: "one" | "many" | "job" = "one") =>
  op({
    id: `world.${name}`,
    http: `POST /world/${name}`,
    effect,
    mode,
    isTask: true,
    about: "Acts in the test.",
    input: closed({}),
    output: mode === "many" ? Type.Integer() : closed({}),
  });
const Touch = worldOp("touch", "write");
const Look = worldOp("look", "read");
const Hang = worldOp("hang", "read");
const Toil = worldOp("toil", "write", "job");
const Follow = worldOp("follow", "read", "many");

/** What happens outside, and the moments that a test decides about. */
function createWorld() {
  const done: string[] = [];
  const gates: (() => void)[] = [];
  const never = new Promise<never>(() => {});
  const programs: AgentProgram[] = [
    program("hanging", async (tools) => void (await tools.call(Hang, {}, "hang"))),
    program("asking", async (tools) => void (await tools.call(Touch, {}, "touch"))),
    // Heeds no signal at all: waits for the test, goes on as if nothing was, and answers.
    program("deaf", async (tools) => {
      await new Promise<void>((resolve) => gates.push(resolve));
      for (const each of [Look, Touch])
        await tools.call(each, {}, "on and on").then(
          () => done.push("deaf call passed"),
          (error: unknown) => done.push(`deaf ${isProblem(error) ? error.definition.code : String(error)}`),
        );
      await tools
        .believe({ topic: "t", statement: "I won", sources: [] })
        .catch(() => done.push("deaf belief refused"));
    }),
  ];
  const domain = domainOf("world", {
    operations: [
      bind(Touch, () => (done.push("touched"), {})),
      bind(Look, () => ({})),
      bind(Hang, () => never),
      bind(Toil, (_input, ctx) => {
        done.push("toil");
        return new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
      }),
      bind(
        Follow as never,
        async function* follow(_input: never, ctx: { readonly signal: AbortSignal }) {
          yield 1;
          if (!ctx.signal.aborted) await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
        } as never,
      ),
    ],
  });
  return { done, gates, programs, domain };
}

const program = (id: string, run: (tools: Parameters<AgentProgram["run"]>[1]) => Promise<void>): AgentProgram => ({
  id,
  about: "x",
  model: "none",
  tools: [Hang, Touch, Look],
  async run(_input, tools) {
    await run(tools);
    return { outcome: "done", notDone: [], output: "the answer of a deaf agent" };
  },
});

const hub = (world: ReturnType<typeof createWorld>, more: KitOptions = {}): Promise<Kit> =>
  makeKernel({ workers: 8, ...more, programs: world.programs, domains: () => [world.domain] });

const begin = async (kit: Kit, agent: string): Promise<string> =>
  (await kit.call("agents.run", { agent, title: agent, input: {}, grants: [] })).corrId;

const come = async (
  kit: Kit,
  operationId: string,
  ...[input = {}, as = admin]: [object?, Caller?]
): Promise<string> => {
  try {
    return (await kit.call(operationId, input, as)).outcome.kind;
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return error.definition.code;
  }
};

const answerOf = async (kit: Kit, operationId: string, input: object = {}): Promise<Record<string, unknown>> => {
  const { outcome } = await kit.call(operationId, input);
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: Record<string, unknown> }).output;
};

test("one call ends runs, calls, questions and tasks, of agents that heed their signal and of one that does not", async () => {
  const world = createWorld();
  await using kit = await hub(world);
  const episodes = await Promise.all(["hanging", "asking", "deaf"].map((agent) => begin(kit, agent)));
  await kit.call("world.toil", {});
  await until(() => world.gates.length === 1 && world.done.includes("toil"), "everything runs");
  await until(() => kit.kinds().includes("approvals.requested"), "one asks");
  const answer = await answerOf(kit, "halt.engage", { reason: "it went wild" });
  assert.deepEqual(
    { ...answer, changedAtMs: 0 },
    {
      isHalted: true,
      by: "person:admin",
      changedAtMs: 0,
      reason: "it went wild",
      endedTasks: 4,
      cancelledTasks: 0,
      stillEnding: 0,
    },
  );
  const ends = kit.events().filter(({ kind }) => kind === "agents.run.cancelled");
  assert.deepEqual(ends.map(({ corrId }) => corrId).toSorted(), episodes.toSorted());
  for (const { data } of ends)
    assert.match((data as { reason: string }).reason, /stopped by person:admin: it went wild/);
  assert.equal(kit.kinds().filter((kind) => kind === "task.cancelled").length, 4);
  assert.equal(kit.kinds().filter((kind) => kind === "approvals.cancelled").length, 1);
  assert.deepEqual(kit.kernel.queue.depth(), { queued: 0, running: 0 });

  const before = kit.events().length;
  world.gates[0]?.();
  await until(() => world.done.includes("deaf belief refused"), "the deaf agent goes on");
  assert.deepEqual(world.done, ["toil", "deaf arw.cancelled", "deaf arw.cancelled", "deaf belief refused"]);
  await turn();
  assert.equal(kit.events().length, before, "nothing of it is kept");
  assert.ok(!JSON.stringify(kit.events()).includes("the answer of a deaf agent"));
});

test("while it is halted agents, plugins and nodes get a reason, and a person looks and starts nothing", async () => {
  const world = createWorld();
  await using kit = await hub(world);
  await kit.call("halt.engage", { reason: "lunch" });
  for (const kind of ["agent", "plugin", "node"] as const) {
    const caller: Caller = { kind, id: "x", grants: [{ key: "*" }] };
    for (const operation of ["world.look", "world.touch", "halt.release", "halt.status"])
      assert.ok(["arw.halted", "arw.denied"].includes(await come(kit, operation, {}, caller)), `${kind} ${operation}`);
    await assert.rejects(kit.call("world.look", {}, caller), (error) => {
      assert.ok(isProblem(error, Halted));
      assert.match(error.message, /halted: everything was stopped by person:admin: lunch/);
      assert.deepEqual([error.extra["by"], error.extra["reason"]], ["person:admin", "lunch"]);
      assert.match(String(error.extra["next"]), /stop --release/);
      return true;
    });
  }
  for (const [operation, want] of [
    ["world.look", "answer"],
    ["halt.status", "answer"],
    ["state.halt", "answer"],
    ["world.touch", "arw.halted"],
    ["world.toil", "arw.halted"],
    ["halt.engage", "answer"],
  ] as const)
    assert.equal(await come(kit, operation), want, operation);
  assert.equal(await come(kit, "tasks.enqueue", { kind: "world.touch" }), "arw.halted");
  assert.equal(kit.kinds().filter((kind) => kind === "halt.engaged").length, 1, "a second stop is no second event");
  assert.equal((await answerOf(kit, "halt.release"))["isHalted"], false);
  assert.equal(await come(kit, "world.touch"), "answer");
  assert.equal(await come(kit, "world.look", {}, { kind: "agent", id: "x" }), "answer");
});

test("the queue claims nothing; what agents queued is taken back, what a person queued goes on after the release", async () => {
  const world = createWorld();
  await using kit = await hub(world, { workers: 1 });
  await kit.call("world.toil", {});
  await until(() => world.done.includes("toil"), "the worker is busy");
  const { table, queue, views } = kit.kernel;
  const operation = table.operations.get("world.look")?.operation;
  assert.ok(operation);
  const enqueue = (caller: Caller) => queue.enqueue({ operation, payload: {}, caller, corrId: `of-${caller.kind}` });
  await enqueue(admin);
  for (const kind of ["agent", "plugin", "node"] as const)
    for (let count = 0; count < 3; count += 1) await enqueue({ kind, id: "x" });
  const answer = await answerOf(kit, "halt.engage");
  assert.deepEqual([answer["endedTasks"], answer["cancelledTasks"]], [1, 9]);
  await turn();
  assert.deepEqual(queue.depth(), { queued: 1, running: 0 });
  assert.equal(views.list(openTasks, { limit: 10 }).rows[0]?.row.corrId, "of-person");
  await kit.call("halt.release", {});
  await until(() => views.list(openTasks, { limit: 1 }).rows.length === 0, "the person's task is done");
  const statuses = views.list(endedTasks, { limit: 20 }).rows.map(({ row }) => `${row.corrId} ${row.status}`);
  assert.deepEqual(
    statuses.filter((each) => each.startsWith("of-person")),
    ["of-person finished"],
  );
});

test("a halted hub is halted at its next start, whenever it ended, until a person releases it", async () => {
  const store = createMemoryStore();
  const world = createWorld();
  // Never disposed: it ends as by kill, right behind the answer.
  const killed = await hub(world, { store });
  const { table, queue } = killed.kernel;
  const operation = table.operations.get("world.touch")?.operation;
  assert.ok(operation);
  await killed.call("halt.engage", { reason: "night" });
  await queue.enqueue({ operation, payload: {}, caller: { kind: "agent", id: "x" }, corrId: "left-over" });
  await queue.enqueue({ operation, payload: {}, caller: admin, corrId: "mine" });

  await using next = await hub(world, { store });
  await turn();
  assert.deepEqual(next.kernel.queue.depth(), { queued: 2, running: 0 }, "nothing was claimed");
  const status = await answerOf(next, "halt.status");
  assert.deepEqual([status["isHalted"], status["by"], status["reason"]], [true, "person:admin", "night"]);
  assert.equal(await come(next, "world.look", {}, { kind: "node", id: "n" }), "arw.halted");
  assert.equal(await come(next, "halt.release", {}, { kind: "agent", id: "x" }), "arw.denied");
  await next.call("halt.release", {});
  await until(() => next.kernel.queue.depth().queued === 0, "the queue goes on");
  assert.deepEqual(world.done, ["touched"], "the agent's own left-over was taken back");
});

test("work that does not end is told as such, is refused what it asks for, and its calls stay refused after the release", async () => {
  const world = createWorld();
  const asked: string[] = [];
  const gate = Promise.withResolvers<void>();
  const Deaf = worldOp("deaf", "write", "job");
  const deaf = bind(Deaf, async (_input, ctx) => {
    await gate.promise;
    asked.push(
      await ctx.call(Touch, {}).then(
        () => "touched",
        (error: unknown) => (isProblem(error) ? error.definition.code : "?"),
      ),
    );
    return {};
  });
  await using kit = await makeKernel({ domains: () => [world.domain, domainOf("deaf", { operations: [deaf] })] });
  await kit.call("world.deaf", {});
  await until(() => kit.kernel.queue.depth().running === 1, "it runs");
  const answer = answerOf(kit, "halt.engage");
  await until(() => kit.kinds().includes("halt.engaged"), "the stop is written");
  kit.clock.advance(10_000);
  assert.deepEqual(await answer.then(({ endedTasks, stillEnding }) => [endedTasks, stillEnding]), [0, 1]);
  await kit.call("halt.release", {});
  gate.resolve();
  await until(() => asked.length === 1, "it goes on");
  assert.deepEqual([asked, world.done], [["arw.cancelled"], []]);
});

test("a stop that cannot be written down stops all the same, and says what it could not do", async () => {
  const store = createFailingStore(createMemoryStore());
  const world = createWorld();
  await using kit = await hub(world, { store });
  await begin(kit, "hanging");
  await until(() => kit.kernel.queue.depth().running === 1, "it runs");
  store.failWith("full");
  assert.equal(await come(kit, "halt.engage"), "arw.store-failed");
  assert.equal(await come(kit, "world.look", {}, { kind: "agent", id: "x" }), "arw.halted");
  store.failWith(null);
});

test("streams of agents and nodes end with the stop, those of persons go on", async () => {
  const world = createWorld();
  const callers: Record<string, Caller> = { bot: { kind: "agent", id: "bot" }, ann: { kind: "person", id: "ann" } };
  await using kit = await hub(world, {
    identityOf: () => ({
      identity: {
        identify: (credentials) => (credentials.kind === "token" ? (callers[credentials.token] ?? null) : null),
      },
      domain: domainOf("door", {}),
    }),
  });
  const open = async (token: string) => {
    const credentials = { kind: "token", token, address: "here" } as const;
    const { outcome } = await kit.kernel.dispatch({ operationId: "world.follow", input: {}, credentials });
    assert.equal(outcome.kind, "stream");
    const items = (outcome as { items: AsyncIterable<unknown> }).items[Symbol.asyncIterator]();
    await items.next();
    const state = { isOver: false };
    void items.next().then(() => (state.isOver = true));
    return state;
  };
  const [bot, ann] = [await open("bot"), await open("ann")];
  await turn();
  await kit.call("halt.engage", {});
  await turn();
  assert.deepEqual([bot.isOver, ann.isOver], [true, false]);
});
