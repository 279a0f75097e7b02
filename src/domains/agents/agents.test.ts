import assert from "node:assert/strict";
import fc from "fast-check";
import { beforeAll, test } from "vitest";
import { createFailingStore, type FailingStore } from "../../../test/kit/journal.ts";
import { admin, domainOf, type Kit, type KitOptions, makeKernel, turn, until } from "../../../test/kit/kernel.ts";
import { runs as propertyRuns } from "../../../test/kit/runs.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Envelope } from "../../contract/event.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem, Problem, problem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import type { AgentProgram, Run, Tools } from "./contract.ts";
import { runs } from "./views.ts";

const Broken = problem({ code: "world.broken", status: 409, title: "Broken", about: "x" });
const worldOp = (name: string, effect: "read" | "write") =>
  op({
    id: `world.${name}`,
    http: `POST /world/${name}`,
    effect,
    about: "x",
    input: closed({ n: Type.Integer() }),
    output: closed({ value: Type.Integer(), text: Type.Optional(Type.String()) }),
    problems: [Broken],
  });
const tools = {
  read: worldOp("read", "read"),
  write: worldOp("write", "write"),
  break: worldOp("break", "write"),
  shut: worldOp("shut", "read"),
  wait: worldOp("wait", "read"),
  big: worldOp("big", "read"),
};
type Word = keyof typeof tools | "believe";

/** The world outside: what was done to it, call by call. It outlives every hub. */
function createWorld() {
  const done: string[] = [];
  const signals: AbortSignal[] = [];
  const during = { read: (): void => undefined };
  const act = (word: keyof typeof tools) =>
    bind(tools[word], ({ n }, ctx): Promise<{ value: number; text?: string }> => {
      done.push(`${word} ${n}`);
      if (word === "read") during.read();
      if (word === "break") throw new Problem(Broken, `${n} broke`);
      if (word === "wait") {
        signals.push(ctx.signal);
        return new Promise(() => {});
      }
      return Promise.resolve(word === "big" ? { value: n, text: "x".repeat(70_000) } : { value: n * 10 });
    });
  return {
    done,
    signals,
    during,
    domain: domainOf("world", { operations: (Object.keys(tools) as (keyof typeof tools)[]).map(act) }),
  };
}

/** An agent that does what its input says, word by word, and answers with what came back. */
const actor: AgentProgram = {
  id: "actor",
  about: "x",
  model: "none",
  tools: Object.values(tools),
  async run(input, hands) {
    const output: unknown[] = [];
    for (const [n, word] of (input as { script: readonly Word[] }).script.entries())
      output.push(await play(word, n, hands));
    return { outcome: `${output.length} words`, notDone: [], output };
  },
};

async function play(word: Word, n: number, hands: Tools): Promise<unknown> {
  if (word === "believe") {
    await hands.believe({ topic: "t", statement: `belief ${n}`, sources: [] });
    return null;
  }
  try {
    const answer: { value: number; text?: string } = await hands.call(tools[word], { n }, `${word} ${n}`);
    return [answer.value, answer.text?.length ?? 0];
  } catch (error) {
    if (isProblem(error, Broken) || (isProblem(error) && error.definition.status === 403)) return error.definition.code;
    throw error;
  }
}

const grants = [{ key: "world:*" }];
const runInput = (script: readonly Word[], more: Partial<Static<typeof Run.input>> = {}) => ({
  agent: "actor",
  title: "Act",
  input: { script },
  grants,
  ...more,
});

interface Place {
  readonly world: ReturnType<typeof createWorld>;
  readonly disk: ReturnType<typeof createMemoryStore>;
  readonly blobs: ReturnType<typeof createMemoryBlobs>;
}
const newPlace = (): Place => ({
  world: createWorld(),
  disk: createMemoryStore(),
  blobs: createMemoryBlobs({ sizeBytesMaxEach: 10_000_000 }),
});
const open = (
  place: Place,
  store: FailingStore = createFailingStore(place.disk),
  more: KitOptions = {},
): Promise<Kit> =>
  makeKernel({
    store,
    blobs: place.blobs,
    programs: [actor],
    deny: ["world:shut"],
    domains: () => [place.world.domain],
    ...more,
  });

const start = async (kit: Kit, script: readonly Word[], more: Partial<Static<typeof Run.input>> = {}) =>
  (await kit.call("agents.run", runInput(script, more))).corrId;
const settle = async () => {
  for (let turns = 0; turns < 40; turns += 1) await turn();
};
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );
const statusOf = (kit: Kit, episode: string) => kit.kernel.views.get(runs, episode)?.status;

/** What the newest event of this kind says. */
const fact = (kit: Kit, kind: string): Record<string, unknown> =>
  (kit.events().findLast((each) => each.kind === kind)?.data ?? {}) as Record<string, unknown>;

/** The story of a run as it must be told whatever interrupted it: no times, no ids, no restarts. */
function storyOf(events: readonly Envelope[]): unknown[] {
  const wanted = /^(observations|beliefs|intents|actions)\.|^agents\.run\.(started|finished|failed)$/;
  return events
    .filter((each) => wanted.test(each.kind))
    .map(({ kind, data }) => {
      const { recorded, ...rest } = data as { recorded?: Record<string, unknown> };
      const { atMs: _at, durationMs: _duration, ...kept } = recorded ?? {};
      return { kind, ...rest, recorded: kept };
    });
}

const recordedSteps = (events: readonly Envelope[]): Set<string> =>
  new Set(
    events
      .filter((each) => /^(observations|actions)\./.test(each.kind))
      .map((each) => (each.data as { summary: string }).summary),
  );

test("a run records each step as the agent saw it: what it wanted, what was done, what failed and what a rule refused", async () => {
  await using kit = await open(newPlace());
  const episode = await start(kit, ["read", "write", "break", "shut", "believe"]);
  await kit.next("task.finished", () => true);
  const told = kit.events().filter((each) => each.corrId === episode && !each.kind.startsWith("task."));
  assert.deepEqual(
    told.map((each) => each.kind),
    [
      "agents.run.started",
      "agents.tools.accepted",
      "observations.recorded",
      "intents.proposed",
      "actions.applied",
      "intents.proposed",
      "actions.failed",
      "actions.refused",
      "beliefs.held",
      "agents.run.finished",
    ],
  );
  const dataOf = (kind: string) => told.findLast((each) => each.kind === kind)?.data as Record<string, unknown>;
  assert.deepEqual(
    [dataOf("actions.failed")["code"], dataOf("actions.refused")["code"], dataOf("actions.refused")["rule"]],
    ["world.broken", "arw.denied", "world:shut"],
  );
  assert.deepEqual(new Set(told.map((each) => each.caller)), new Set(["agent:actor", "person:admin"]));
  const { output } = fact(kit, "task.finished") as { output: { episode: string; output: unknown } };
  assert.deepEqual([output.episode, output.output], [episode, [[0, 0], [10, 0], "world.broken", "arw.denied", null]]);
});

/** Whatever is loaded late is loaded now: a few turns of the event loop tell how a kill went. */
beforeAll(async () => {
  await using kit = await open(newPlace());
  await start(kit, ["write"]);
  await kit.next("task.finished", () => true);
});

const script = fc.array(fc.constantFrom<Word>("read", "write", "break", "shut", "believe", "big"), {
  minLength: 1,
  maxLength: 5,
});

/** Runs the script while the process is killed after so many commits, again and again, and then left in peace. */
async function playKilled(words: readonly Word[], kills: readonly number[]) {
  const place = newPlace();
  const firstStore = createFailingStore(place.disk);
  const first = await open(place, firstStore);
  firstStore.failAfter(kills[0] ?? 1_000_000);
  let episode = "";
  await start(first, words).then(
    (corrId) => (episode = corrId),
    () => undefined,
  );
  await settle();
  for (const kill of [...kills.slice(1), 1_000_000]) {
    const doneBefore = place.world.done.length;
    const known = recordedSteps(
      place.disk.events({ limit: 10_000 }).map((row) => ({ ...row, data: JSON.parse(row.data ?? "null") })),
    );
    const store = createFailingStore(place.disk);
    store.failAfter(kill);
    const kit = await open(place, store).catch(() => null);
    if (kit === null) continue;
    if (episode !== "" && statusOf(kit, episode) === "interrupted")
      await codeOf(kit.call("agents.resume", { episode }));
    await settle();
    for (const step of place.world.done.slice(doneBefore))
      assert.ok(!known.has(step), `${step} was recorded and done again`);
    if (kill === 1_000_000) return { kit, episode, world: place.world };
  }
  return assert.fail("the last start is in peace");
}

test("a run that is killed anywhere, also while it is resumed, ends as if it never was, and repeats nothing that was recorded", async () => {
  await fc.assert(
    fc.asyncProperty(script, fc.array(fc.nat(12), { maxLength: 2 }), async (words, more) => {
      const whole = await playKilled(words, []);
      const wanted = storyOf(whole.kit.events());
      const commits = whole.kit.kernel.journal.headSeq();
      for (let kill = 0; kill <= commits; kill += 1) {
        const { kit, episode, world } = await playKilled(words, [kill, ...more]);
        const told = storyOf(kit.events());
        const begun = kit.kinds().includes("agents.run.started");
        if (episode === "" || !begun) assert.deepEqual([told, world.done], [[], []]);
        else assert.deepEqual(told, wanted);
        for (const step of world.done)
          assert.ok(
            world.done.filter((each) => each === step).length <= 2 + more.length,
            `${step} was done over and over`,
          );
      }
    }),
    propertyRuns(6),
  );
}, 60_000);

test("a stop ends a run within its tool call, tells the tool, and says who stopped it", async () => {
  const place = newPlace();
  await using kit = await open(place);
  const episode = await start(kit, ["read", "wait", "write"]);
  await until(() => place.world.signals.length === 1, "the tool waits");
  const { outcome } = await kit.call("agents.stop", { episode });
  assert.deepEqual(outcome, { kind: "answer", output: { episode, status: "cancelled" } });
  assert.equal(place.world.signals[0]?.aborted, true);
  await kit.next("task.cancelled", () => true);
  assert.deepEqual(place.world.done, ["read 0", "wait 1"]);
  assert.equal(fact(kit, "agents.run.cancelled")["reason"], "stopped by person:admin");
  assert.equal(await codeOf(kit.call("agents.stop", { episode })), "agents.not-running");
  assert.equal(await codeOf(kit.call("agents.resume", { episode })), "agents.not-interrupted");
  assert.equal(await codeOf(kit.call("agents.stop", { episode: "nobody" })), "arw.not-found");
});

test("a run that is stopped before a worker took it never begins", async () => {
  const place = newPlace();
  await using kit = await open(place, createFailingStore(place.disk), { workers: 1 });
  const busy = await start(kit, ["wait"]);
  await until(() => place.world.signals.length === 1, "the only worker is busy");
  const episode = await start(kit, ["write"]);
  const { outcome } = await kit.call("agents.stop", { episode });
  assert.deepEqual(outcome, { kind: "answer", output: { episode, status: "cancelled" } });
  await kit.call("agents.stop", { episode: busy });
  await kit.kernel.queue.enqueue({ operation: tools.read, payload: { n: 9 }, caller: admin, corrId: "after" });
  await until(() => place.world.done.includes("read 9"), "the next task runs");
  assert.deepEqual(place.world.done, ["wait 0", "read 9"]);
});

test("a run that is stopped while it asks withdraws its question; a no is recorded with its rule", async () => {
  await using kit = await open(newPlace());
  const episode = await start(kit, ["write"], { grants: [] });
  await kit.next("approvals.requested", () => true);
  await turn();
  await kit.call("agents.stop", { episode });
  await kit.next("task.cancelled", () => true);
  assert.deepEqual(kit.kinds().slice(-4), [
    "approvals.requested",
    "approvals.cancelled",
    "agents.run.cancelled",
    "task.cancelled",
  ]);
  const other = await start(kit, ["write"], { grants: [] });
  const asked = await kit.next("approvals.requested", (each) => each.corrId === other);
  await turn();
  await kit.call("approvals.decide", {
    approvalId: (asked.data as { approvalId: string }).approvalId,
    decision: "deny",
    reason: "not today",
  });
  await kit.next("task.finished", () => true);
  const refused = kit.events().find((each) => each.kind === "actions.refused")?.data as Record<string, unknown>;
  assert.deepEqual(
    [refused["code"], refused["rule"], refused["reason"]],
    ["arw.approval-denied", "ask-before-change", "not today"],
  );
});

test("a run that is stopped has ended, also where a rule keeps what it would tell; a refused end tells nothing", async () => {
  for (const pattern of ["*", "emit:agents:*", "emit:agents:run:cancelled"]) {
    await using kit = await open(newPlace());
    const episode = await start(kit, ["write"], { grants: [] });
    await kit.next("approvals.requested", () => true);
    await turn();
    await kit.call("gating.contracts.put", { id: "silence", patterns: [pattern] });
    const { outcome } = await kit.call("agents.stop", { episode });
    assert.deepEqual(outcome, { kind: "answer", output: { episode, status: "cancelled" } }, pattern);
    assert.equal(fact(kit, "agents.run.cancelled")["reason"], "a rule keeps back how it ended");
  }
  await using kit = await open(newPlace());
  const episode = await start(kit, ["write"], { grants: [] });
  const asked = await kit.next("approvals.requested", () => true);
  await turn();
  await kit.call("gating.contracts.put", { id: "silence", patterns: ["world:*", "emit:agents:*"] });
  await kit.call("approvals.decide", {
    approvalId: (asked.data as { approvalId: string }).approvalId,
    decision: "deny",
  });
  await kit.next("agents.run.failed", () => true);
  assert.deepEqual(
    [statusOf(kit, episode), fact(kit, "agents.run.failed")],
    ["failed", { agent: "actor", code: "arw.denied", error: "a rule keeps back how it ended" }],
  );
});

test("a hub that stops in good order leaves its runs interrupted, and a resume goes on with them", async () => {
  const place = newPlace();
  const first = await open(place);
  const episode = await start(first, ["read", "wait", "write"]);
  await until(() => place.world.signals.length === 1, "the tool waits");
  await first[Symbol.asyncDispose]();
  await using second = await open(place);
  assert.equal(statusOf(second, episode), "interrupted");
  await second.call("agents.resume", { episode });
  await until(() => place.world.signals.length === 2, "the tool waits again");
  assert.deepEqual(place.world.done, ["read 0", "wait 1", "wait 1"]);
  await second.call("agents.stop", { episode });
  assert.equal(statusOf(second, episode), "cancelled");
});

test.each<[string, AgentProgram["run"]]>([
  ["another tool", (input, hands) => actor.run({ script: ["read", ...(input as { script: Word[] }).script] }, hands)],
  [
    "the same tool with other arguments",
    async (_input, hands) => ({ outcome: "", notDone: [], output: await play("write", 7, hands) }),
  ],
])("an agent that asks %s than it did before is stopped, and nothing is done", async (_what, run) => {
  const place = newPlace();
  const store = createFailingStore(place.disk);
  const first = await open(place, store);
  const episode = await start(first, ["write", "wait"]);
  await until(() => place.world.signals.length === 1, "the tool waits");
  store.failWith("failed");
  const changed: AgentProgram = { ...actor, run };
  await using second = await open(place, undefined, { programs: [changed] });
  await second.call("agents.resume", { episode });
  const failed = await second.next("agents.run.failed", () => true);
  assert.equal((failed.data as { code: string }).code, "agents.record-diverged");
  assert.deepEqual(place.world.done, ["write 0", "wait 1"]);
});

test("a resumed run has worked as long as it had, not anew", async () => {
  const place = newPlace();
  const workedMs: number[] = [];
  const timed: AgentProgram = {
    ...actor,
    async run(_input, hands) {
      await play("read", 0, hands);
      workedMs.push(hands.workedMs());
      return { outcome: "", notDone: [], output: await play("wait", 1, hands) };
    },
  };
  const store = createFailingStore(place.disk);
  const first = await open(place, store, { programs: [timed] });
  place.world.during.read = () => first.clock.advance(500);
  const episode = await start(first, []);
  await until(() => place.world.signals.length === 1, "the tool waits");
  store.failWith("failed");
  await using second = await open(place, undefined, { programs: [timed] });
  await second.call("agents.resume", { episode });
  await until(() => place.world.signals.length === 2, "the tool waits again");
  assert.deepEqual(workedMs, [500, 500]);
  await second.call("agents.stop", { episode });
});

test("a recorded answer that is gone is read again, or ends the run when it was a change", async () => {
  const place = newPlace();
  const store = createFailingStore(place.disk);
  const first = await open(place, store);
  const episode = await start(first, ["big", "wait"]);
  await until(() => place.world.signals.length === 1, "the tool waits");
  store.failWith("failed");
  for await (const { ref } of place.blobs.list()) await place.blobs.remove(ref);
  await using second = await open(place);
  await second.call("agents.resume", { episode });
  await until(() => place.world.signals.length === 2, "the tool waits again");
  assert.deepEqual(place.world.done, ["big 0", "wait 1", "big 0", "wait 1"]);
  await second.call("agents.stop", { episode });
});

test("an episode has one run, also when two begin at the same moment", async () => {
  const place = newPlace();
  await using kit = await open(place);
  const begin = () =>
    kit.kernel.dispatch({
      operationId: "agents.run",
      input: runInput(["write"]),
      credentials: { kind: "caller", caller: admin },
      corrId: "one",
    });
  await Promise.all([begin(), begin()]);
  await until(
    () => kit.kinds().filter((kind) => /^task\.(finished|failed)$/.test(kind)).length === 2,
    "both tasks end",
  );
  assert.deepEqual(place.world.done, ["write 0"]);
  assert.equal(fact(kit, "task.failed")["code"], "agents.already-ran");
  assert.equal(kit.kinds().filter((kind) => kind === "agents.run.started").length, 1);
});

test("who is no person hands on what was granted to them and nothing else, whatever a lease lets them call", async () => {
  const world = createWorld();
  await using kit = await makeKernel({ programs: [actor], domains: () => [world.domain] });
  const agent: Caller = { kind: "agent", id: "boss", grants: [{ key: "agents:*" }, { key: "world:read" }] };
  const run = (key: string) =>
    kit.call("agents.run", { agent: "actor", title: "t", input: [], grants: [{ key }] }, agent).then(
      ({ outcome }) => outcome.kind,
      (error: unknown) => (isProblem(error) ? String(error.extra["rule"]) : String(error)),
    );
  assert.equal(await run("world:write"), "built-in:held-grants");
  assert.equal(await run("world:*"), "built-in:held-grants");
  assert.equal(await run("*"), "built-in:held-grants");
  assert.equal(await run("world:read"), "accepted");
});

test("a person is asked only about a run whose grants its caller holds, and reads which they are", async () => {
  const world = createWorld();
  await using kit = await makeKernel({ programs: [actor], domains: () => [world.domain] });
  const agent: Caller = { kind: "agent", id: "boss", grants: [{ key: "world:read" }] };
  const run = (key: string) =>
    kit.call("agents.run", { agent: "actor", title: "t", input: [], grants: [{ key }] }, agent);
  assert.equal(await codeOf(run("world:write")), "arw.denied");
  assert.equal(kit.kinds().includes("approvals.requested"), false);
  const asking = codeOf(run("world:read"));
  const { approvalId, summary } = (await kit.next("approvals.requested", () => true)).data as Record<string, string>;
  assert.equal(summary, "start actor, with world:read: t");
  await kit.call("approvals.decide", { approvalId, decision: "deny" });
  assert.equal(await asking, "arw.approval-denied");
});

test("an unknown agent is refused at once; a tool whose failure the agent does not handle ends the task with words", async () => {
  const clumsy: AgentProgram = {
    id: "clumsy",
    about: "x",
    model: "none",
    tools: [tools.break],
    run: async (_input, hands) => ({
      outcome: "",
      notDone: [],
      output: await hands.call(tools.break, { n: 1 }, "break"),
    }),
  };
  await using kit = await open(newPlace(), undefined, { programs: [clumsy] });
  assert.equal(await codeOf(start(kit, [])), "agents.unknown-agent", "at once, and no task is made");
  await start(kit, [], { agent: "clumsy" });
  await until(() => kit.kinds().filter((kind) => kind === "task.failed").length === 1, "it ends");
  const codes = kit
    .events()
    .filter((each) => each.kind.endsWith("failed"))
    .map((each) => [each.kind, (each.data as { code: string }).code]);
  assert.deepEqual(codes, [
    ["actions.failed", "world.broken"],
    ["agents.run.failed", "world.broken"],
    ["task.failed", "agents.run-failed"],
  ]);
});
