import assert from "node:assert/strict";
import fc from "fast-check";
import { beforeAll, test } from "vitest";
import { createFailingStore, type FailingStore } from "../../../test/kit/journal.ts";
import { domainOf, type Kit, makeKernel, turn, until } from "../../../test/kit/kernel.ts";
import { runs as propertyRuns } from "../../../test/kit/runs.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Label } from "../../contract/caller.ts";
import type { Envelope } from "../../contract/event.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem, Problem, problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import type { AgentProgram, ReplayOptions, Tools } from "./contract.ts";
import { createReplayer } from "./replayer.ts";
import { runs } from "./views.ts";

const Broken = problem({ code: "world.broken", status: 409, title: "Broken", about: "x" });
const worldOp = (name: string, effect: "read" | "write", needs: readonly string[] = []) =>
  op({
    id: `world.${name}`,
    http: `POST /world/${name}`,
    effect,
    needs,
    about: "x",
    input: closed({ n: Type.Integer(), note: Type.Optional(Type.String()) }),
    output: closed({ value: Type.Integer(), text: Type.Optional(Type.String()), z: Type.Optional(Type.Integer()) }),
    problems: [Broken],
    scope: ({ n }) => ({ path: `${n}.md` }),
  });
const tools = {
  read: worldOp("read", "read", ["fs:read"]),
  web: worldOp("web", "read", ["net:get"]),
  write: worldOp("write", "write"),
  break: worldOp("break", "write"),
  shut: worldOp("shut", "read"),
  ask: worldOp("ask", "write"),
  slow: worldOp("slow", "read"),
  big: worldOp("big", "read"),
  wait: worldOp("wait", "read"),
};
type Tool = keyof typeof tools;
const words = [
  "wait",
  "read",
  "web",
  "write",
  "break",
  "shut",
  "ask",
  "slow",
  "big",
  "believe",
  "mend",
  "both",
  "child",
] as const;
type Word = (typeof words)[number];
type Script = readonly Word[];

/** Beyond 64 KiB, and with members that no digest orders: what an agent sees of it is kept as it saw it. */
const bigText = "x".repeat(70_000);

function createWorld() {
  const done: string[] = [];
  const act = (word: Tool) =>
    bind(tools[word], async ({ n }, ctx): Promise<{ value: number; text?: string; z?: number }> => {
      done.push(`${word} ${n}`);
      if (word === "break") throw new Problem(Broken, `${n} broke`, { next: "mend it", left: [n] });
      // Steps side by side end in another order than they began.
      if (word === "slow") for (let turns = 0; turns < (n * 7) % 5; turns += 1) await turn();
      if (word === "wait") return new Promise(() => {});
      ctx.signal.throwIfAborted();
      return word === "big" ? { z: 2, value: n, text: bigText } : { value: n * 10 };
    });
  return { done, domain: domainOf("world", { operations: (Object.keys(tools) as Tool[]).map(act) }) };
}

const told = (error: unknown): unknown => {
  if (!isProblem(error) || error.definition.code === "arw.cancelled") throw error;
  return [error.definition.code, error.message, error.extra["rule"], error.extra["next"], error.extra["left"]];
};
const call = (word: Tool, n: number, hands: Tools): Promise<unknown> =>
  hands.call(tools[word], { n }, `${word} ${n}`).then((answer: object) => JSON.stringify(answer).length, told);

async function play(word: Word, n: number, hands: Tools): Promise<unknown> {
  if (word === "believe") return hands.believe({ topic: "t", statement: `belief ${n}`, sources: [] });
  if (word === "mend") return hands.repaired({ tool: "world.read", how: "mended", faults: [`fault ${n}`] });
  if (word === "both")
    return Promise.all([call("slow", n, hands), call("write", n, hands), call("slow", n + 50, hands)]);
  // A child works within the run, with the same hands; its numbers are no other word's, so that a step has one name.
  if (word === "child") return perform(["read", "believe", "write"], hands, (n + 1) * 1000);
  return call(word, n, hands);
}

async function perform(script: Script, hands: Tools, from = 0): Promise<unknown[]> {
  const said: unknown[] = [];
  for (const [place, word] of script.entries()) {
    hands.progress({ phase: word, done: place, total: script.length, unit: "words" });
    const answer = await play(word, from + place, hands);
    said.push(answer);
    // What it does next hangs on what it heard: an answer that is not the recorded one shows in the very next step.
    await hands.call(tools.read, { n: 1, note: JSON.stringify([answer, hands.workedMs()]).slice(0, 300) }, "look");
  }
  return said;
}

const actor: AgentProgram = {
  id: "actor",
  about: "x",
  model: "none",
  tools: Object.values(tools),
  async run(input, hands) {
    const output = await perform((input as { script: Script }).script, hands);
    return { outcome: `${output.length} words at ${hands.startedAtMs}`, notDone: [], output };
  },
};

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

/** A person who answers every question: yes, no, or yes with a change, in turn. */
function answering(kit: Kit): void {
  let asked = 0;
  kit.kernel.bus.listen(["approvals.requested"], ({ data }) => {
    const { approvalId, input } = data as { approvalId: string; input: { n: number } };
    const answers = [
      { decision: "allow" },
      { decision: "deny", reason: "not today" },
      { decision: "allow", input: { ...input, n: input.n + 100 } },
    ];
    void kit.call("approvals.decide", { approvalId, ...answers[asked++ % answers.length] }).catch(() => undefined);
  });
}

async function open(place: Place, store: FailingStore = createFailingStore(place.disk)): Promise<Kit> {
  const kit = await makeKernel({
    store,
    blobs: place.blobs,
    programs: [actor],
    deny: ["world:shut"],
    ask: ["world:ask"],
    domains: () => [place.world.domain],
  });
  answering(kit);
  return kit;
}

const grants = ["read", "web", "write", "break", "shut", "slow", "big", "wait"].map((name) => ({
  key: `world:${name}`,
}));
const start = async (kit: Kit, script: Script) =>
  (await kit.call("agents.run", { agent: "actor", title: "Act", input: { script }, grants })).corrId;

async function settle(): Promise<void> {
  for (let turns = 0; turns < 60; turns += 1) await turn();
}

const nobody = {
  find: async () => null,
  list: async () => ({ agents: [], faulty: [] }),
  recorded: () => assert.fail("no such agent"),
};
const replayerOf = (kit: Kit, program: AgentProgram = actor) =>
  createReplayer({
    programs: [program],
    finder: nobody,
    problems: () => kit.kernel.table.problems,
    redact: (value) => value,
    soon: (run) => void setImmediate(run),
  });

interface Recorded {
  readonly kit: Kit;
  readonly place: Place;
  readonly events: readonly Envelope[];
  readonly replay: (
    program?: AgentProgram,
    options?: ReplayOptions,
  ) => ReturnType<ReturnType<typeof createReplayer>["replay"]>;
}

function recordingOf(kit: Kit, place: Place, episode: string): Recorded {
  const events = kit.events().filter(({ corrId }) => corrId === episode);
  const blob = (ref: string) => place.blobs.get(ref);
  return {
    kit,
    place,
    events,
    replay: (program, options) => replayerOf(kit, program).replay({ events, blob }, options),
  };
}

async function recorded(script: Script): Promise<Recorded> {
  const place = newPlace();
  const kit = await open(place);
  const ended = kit.next("task.finished", () => true);
  const episode = await start(kit, script);
  await ended;
  return recordingOf(kit, place, episode);
}

const plain = ({ seq: _seq, node: _node, ...rest }: Envelope): unknown => JSON.parse(JSON.stringify(rest));

/** Whatever is loaded late is loaded now. */
beforeAll(async () => {
  const { kit } = await recorded(["write"]);
  await kit[Symbol.asyncDispose]();
});

const script = fc.array(fc.constantFrom(...words.filter((word) => word !== "wait")), { minLength: 1, maxLength: 6 });

test("whatever a run did, its replay makes the same events again and does nothing", async () => {
  await fc.assert(
    fc.asyncProperty(script, async (asked) => {
      const { kit, place, events, replay } = await recorded(asked);
      await using _kit = kit;
      const done = [...place.world.done];
      const headSeq = kit.kernel.journal.headSeq();
      const { report, made, departedAt } = await replay();
      assert.deepEqual([report.verdict, report.end, report.divergence, departedAt], ["equal", "finished", null, null]);
      const own = events.filter(({ caller, kind }) => caller === "agent:actor" && !kind.startsWith("approvals."));
      assert.equal(report.events.madeAgain + report.events.taken, events.length);
      const accepted = events.filter(({ kind }) => kind === "agents.tools.accepted");
      assert.deepEqual(made.map(plain), [...own, ...accepted].toSorted((a, b) => a.seq - b.seq).map(plain));
      assert.deepEqual([place.world.done, kit.kernel.journal.headSeq()], [done, headSeq], "nothing was done");
      assert.equal(report.steps.replayed, report.steps.recorded);
    }),
    propertyRuns(25),
  );
}, 60_000);

test("a long replay lets others have their turn, tells how far it is, and ends once nobody waits", async () => {
  const { kit, replay } = await recorded(Array.from({ length: 1_020 }, () => "read" as const));
  await using _kit = kit;
  const places: (readonly number[])[] = [];
  const { report } = await replay(undefined, { onPlace: (...place) => void places.push(place) });
  const { madeAgain } = report.events;
  assert.deepEqual([report.verdict, report.steps.replayed], ["equal", report.steps.recorded]);
  assert.deepEqual(places, [[2_000, madeAgain]]);
  const leaving = new AbortController();
  const left = replay(undefined, { signal: leaving.signal, onPlace: () => leaving.abort(new RangeError("left")) });
  await assert.rejects(left, /left/u);
}, 60_000);

test("a program that does another thing is stopped at the first step that differs, with both sides", async () => {
  await fc.assert(
    fc.asyncProperty(script, fc.nat(), fc.constantFrom("drop", "add", "change"), async (asked, at, how) => {
      const { kit, replay } = await recorded(asked);
      await using _kit = kit;
      const changed = mutated(asked, at % asked.length, how);
      // One of several alike that is dropped is missed behind the last of them.
      const alike = asked.findIndex((word, place) => word !== changed[place]);
      const before = stepsOf(asked.slice(0, alike === -1 ? asked.length : alike));
      const { report } = await replay({ ...actor, run: (_input, hands) => actor.run({ script: changed }, hands) });
      const { verdict, divergence, steps } = report;
      assert.equal(verdict, "diverged", JSON.stringify([asked, changed]));
      assert.ok(divergence !== null && divergence.recorded !== undefined && divergence.made !== undefined);
      assert.ok(steps.replayed >= before, `${steps.replayed} of ${before} steps before the change`);
      assert.ok((divergence.step ?? before + 1) > before, `step ${divergence.step} is before the change`);
      assert.ok(steps.replayed <= before + stepsMaxEach, "nothing behind the change is taken for equal");
    }),
    propertyRuns(25),
  );
}, 60_000);

test("a table that takes the arguments of a step no longer stops it there, though the code says the same", async () => {
  const { kit, replay } = await recorded(["read", "write"]);
  await using _kit = kit;
  const input = closed({ ...tools.write.input.properties, reason: Type.String() });
  const changed = { ...tools.write, input };
  const swapped = (hands: Tools): Tools => ({
    ...hands,
    call: (operation, given, summary) =>
      hands.call(operation.id === changed.id ? (changed as unknown as typeof operation) : operation, given, summary),
  });
  const { report } = await replay({ ...actor, run: (given, hands) => actor.run(given, swapped(hands)) });
  assert.equal(report.verdict, "diverged");
  assert.deepEqual([report.divergence?.step, report.divergence?.at, report.steps.replayed], [3, "/input", 2]);
  assert.match(report.divergence?.why ?? "", /^world\.write takes these arguments no longer \(.*reason/u);
});

/** Of one word. */
const stepsMaxEach = 6;

/** How many steps these words take. */
const stepsOf = (script: Script): number => {
  const each: Readonly<Partial<Record<Word, number>>> = { believe: 1, mend: 1, both: 4, child: stepsMaxEach };
  return script.reduce((sum, word) => sum + (each[word] ?? 2), 0);
};

function mutated(script: Script, at: number, how: string): Script {
  if (how === "drop") return script.toSpliced(at, 1);
  if (how === "add") return script.toSpliced(at, 0, script[at] === "web" ? "read" : "web");
  return script.with(at, script[at] === "web" ? "write" : "web");
}

test("a run that was killed and resumed replays as one, and what was recorded is not done again", async () => {
  await fc.assert(
    fc.asyncProperty(script, fc.array(fc.nat(24), { minLength: 1, maxLength: 3 }), async (asked, kills) => {
      const place = newPlace();
      let episode = "";
      for (const kill of [...kills, null]) {
        const store = createFailingStore(place.disk);
        if (kill !== null) store.failAfter(kill);
        const known = recordedSteps(place);
        const doneBefore = place.world.done.length;
        const kit = await open(place, store).catch(() => null);
        if (kit === null) continue;
        if (episode === "") episode = await start(kit, asked).catch(() => "");
        else if (kit.kernel.views.get(runs, episode)?.status === "interrupted")
          await kit.call("agents.resume", { episode }).catch(() => undefined);
        await settle();
        for (const step of place.world.done.slice(doneBefore))
          assert.ok(!known.has(step) || step === "read 1", `${step} was recorded and done again`);
        if (kill !== null) continue;
        await using _kit = kit;
        const { replay, events } = recordingOf(kit, place, episode);
        if (!events.some(({ kind }) => kind === "agents.run.started")) return;
        const { report } = await replay();
        assert.deepEqual([report.verdict, report.divergence], ["equal", null], JSON.stringify([asked, kills]));
        assert.equal(report.end, "finished");
      }
    }),
    propertyRuns(12),
  );
}, 60_000);

function recordedSteps({ disk }: Place): ReadonlySet<string> {
  const rows = disk.events({ limit: 100_000 }).filter(({ kind }) => /^(observations|actions)\./.test(kind));
  return new Set(rows.map(({ data }) => (JSON.parse(data ?? "{}") as { summary?: string }).summary ?? ""));
}

test("a run that was stopped replays up to its end, and so does one that the hub cut off", async () => {
  for (const how of ["stop", "cut"] as const) {
    const place = newPlace();
    const kit = await open(place);
    // Nobody answers: the run waits inside its step.
    const episode = await start(kit, ["read", "wait"]);
    await until(() => place.world.done.includes("wait 1"), "the tool waits");
    if (how === "stop") await kit.call("agents.stop", { episode });
    else await kit[Symbol.asyncDispose]();
    await using open2 = how === "stop" ? kit : await open(place);
    const { report } = await recordingOf(open2, place, episode).replay();
    assert.deepEqual(
      [report.verdict, report.end, report.steps],
      ["equal", how === "stop" ? "cancelled" : "open", { recorded: 2, replayed: 2 }],
    );
  }
});

test("where an answer is gone, or is not the one that was recorded, the replay says how far the record goes", async () => {
  const { kit, place, events, replay } = await recorded(["write", "big", "read"]);
  await using _kit = kit;
  for await (const { ref } of place.blobs.list()) await place.blobs.remove(ref);
  const { report } = await replay();
  assert.deepEqual([report.verdict, report.replayableToStep, report.steps.replayed], ["incomplete", 2, 2]);
  const cut = events.map((each) => {
    const { recorded: answer } = (each.data ?? {}) as { recorded?: { step: number } };
    return answer?.step === 2
      ? { ...each, data: { ...(each.data as object), recorded: { ...answer, result: { value: 7 } } } }
      : each;
  });
  const { report: second } = await replayerOf(kit).replay({ events: cut, blob: async () => null });
  assert.deepEqual([second.verdict, second.replayableToStep], ["incomplete", 1]);
});

test("a branch is exact up to where it departs, takes recorded answers where they apply, and else ends as unknown", async () => {
  const { kit, replay } = await recorded(["read", "write", "web"]);
  await using _kit = kit;
  const asked: [number, string, readonly Label[] | undefined][] = [];
  const same = await replay(undefined, {
    beforeStep(step) {
      asked.push([step.step, step.operation.id, step.caller.labels]);
      return { kind: "recorded" };
    },
  });
  assert.deepEqual([same.departedAt, same.unknownAfter, same.report.verdict], [null, null, "equal"]);
  assert.deepEqual(asked.slice(0, 2), [
    [1, "world.read", ["user"]],
    [2, "world.read", ["user", "file"]],
  ]);
  assert.deepEqual(asked.at(-1), [6, "world.read", ["user", "file", "web"]]);
  const refused = new Problem(Broken, "another rule");
  const other = await replay(undefined, {
    beforeStep: ({ step }) => (step === 3 ? { kind: "refused", problem: refused } : { kind: "recorded" }),
  });
  // What the agent looks at next names what it heard, which nobody recorded.
  assert.deepEqual([other.departedAt, other.unknownAfter?.step], [3, 3]);
  assert.deepEqual(other.made.map(({ kind, seq }) => [kind, seq > 0]).slice(-2), [
    ["intents.proposed", true],
    ["actions.failed", false],
  ]);
  const free = await replay(undefined, {
    beforeStep: ({ step, recorded: known }) =>
      step === 3
        ? { kind: "refused", problem: refused }
        : known === null
          ? { kind: "answer", result: { value: 1 } }
          : { kind: "recorded" },
  });
  assert.deepEqual([free.departedAt, free.unknownAfter, free.made.at(-1)?.kind], [3, null, "agents.run.finished"]);
  const elsewhere = await replay(undefined, { given: { input: { script: ["read", "write", "write"] } } });
  assert.deepEqual([elsewhere.departedAt, elsewhere.unknownAfter?.step], [0, 4]);
});
