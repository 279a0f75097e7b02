import assert from "node:assert/strict";
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
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import { createRedactor } from "../../base/redact.ts";
import type { Caller } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem, Problem, problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import { createWitness } from "./outside.ts";
import { roundMsMax } from "./outside-round.ts";

const Broken = problem({ code: "world.broken", status: 409, title: "Broken", about: "x" });
const base = { about: "x", input: closed({ text: Type.String() }), problems: [Broken], isTool: true } as const;
const Said = Type.Object({ kind: Type.String(), text: Type.Optional(Type.String()) });
const Read = op({
  ...base,
  id: "world.read",
  http: "POST /world/read",
  effect: "read",
  output: closed({ text: Type.String() }),
});
const Write = op({ ...base, id: "world.write", http: "POST /world/write", effect: "write", output: closed({}) });
const Ask = op({ ...base, id: "world.ask", http: "POST /world/ask", effect: "read", mode: "many", output: Said });
const Heard = event({ kind: "world.heard", about: "x", data: closed({}) });
const Listen = op({
  ...base,
  id: "world.listen",
  http: "POST /world/listen",
  effect: "read",
  output: closed({}),
  emits: [Heard],
});
const Wait = op({ ...base, id: "world.wait", http: "POST /world/wait", effect: "read", output: closed({}) });

const agent: Caller = { kind: "agent", id: "helper", grants: [{ key: "world:*" }] };
const secret = "hunter2-hunter2";
const redactor = createRedactor({ secrets: [secret] });
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

function open(options: KitOptions = {}): Promise<Kit> {
  const clock = createManualClock(startMs);
  return makeKernel({
    clock,
    // The one that cleans what agents are answered, and the one below clean alike, as they are one in the hub.
    secrets: [secret],
    domains: () => [
      domainOf("world", {
        events: [Heard],
        operations: [
          bind(Read, ({ text }) => ({ text: `read ${text}` })),
          bind(Write, ({ text }) => {
            if (text === "break") throw new Problem(Broken, "it broke", { next: "mend it" });
            return {};
          }),
          bind(Ask, async function* ask() {
            yield { kind: "text", text: "Good " };
            yield { kind: "text", text: "morning" };
            yield { kind: "end" };
          }),
          bind(Listen, async (_input, ctx) => {
            await ctx.emit(Heard, {});
            return {};
          }),
          bind(Wait, () => new Promise<Record<string, never>>(() => {})),
        ],
      }),
    ],
    witness: (parts) => createWitness({ parts, redactor, log: silent, always: new Set([Ask.id]), clock }),
    ...options,
  });
}

/** Turns of the event loop in which the moment passes that a record may wait for others. */
const untilSaid = (kit: Kit, isSaid: () => boolean, what: string): Promise<void> =>
  until(() => {
    kit.clock.advance(roundMsMax);
    return isSaid();
  }, what);

/** Every run of the kit as its events tell it, once all of them have ended. */
async function told(
  kit: Kit,
  runs: number,
): Promise<readonly (readonly [kind: string, data: Record<string, unknown>][])[]> {
  const ended = () => kit.kinds().filter((kind) => /^agents\.run\.(finished|failed)$/.test(kind)).length;
  await untilSaid(kit, () => ended() >= runs, `${runs} runs end`);
  const ids = [...new Set(kit.events().map(({ corrId }) => corrId))];
  return ids
    .map((id) => kit.events().filter(({ corrId }) => corrId === id))
    .filter((events) => events.some(({ kind }) => kind === "agents.run.started"))
    .map((events) => events.map(({ kind, data }) => [kind, data as Record<string, unknown>]));
}
const kindsOf = (run: readonly (readonly [string, unknown])[]): readonly string[] => run.map(([kind]) => kind);
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );

test("a call of a program outside is a run of one step, with what it asked and was answered, without secrets", async () => {
  await using kit = await open();
  await kit.call(Read.id, { text: `the ${secret}` }, agent);
  await kit.call(Write.id, { text: "a" }, agent);
  assert.equal(await codeOf(kit.call(Write.id, { text: "break" }, agent)), "world.broken");
  const [read = [], write = [], broken = []] = await told(kit, 3);
  assert.deepEqual(kindsOf(read), ["agents.run.started", "observations.recorded", "agents.run.finished"]);
  assert.ok(!JSON.stringify(read).includes(secret));
  const { asked, recorded, label } = (read[1]?.[1] ?? {}) as Record<string, { value?: unknown; result?: unknown }>;
  assert.match(JSON.stringify([asked?.value, recorded?.result, label]), /"text":"the .*"text":"read the .*"tool"/);
  assert.deepEqual(kindsOf(write), [
    "agents.run.started",
    "intents.proposed",
    "actions.applied",
    "agents.run.finished",
  ]);
  assert.deepEqual(kindsOf(broken).slice(-2), ["actions.failed", "agents.run.failed"]);
  assert.deepEqual(broken.at(-2)?.[1]["extra"], { next: "mend it" });
});

test("persons are recorded only where it is said, and what belongs to a run or is refused at the gate begins none", async () => {
  await using kit = await open({ deny: ["world:write"] });
  await kit.call(Read.id, { text: "a" }, admin);
  assert.equal(await codeOf(kit.call(Write.id, { text: "a" }, agent)), "arw.denied");
  const { outcome } = await kit.call(Ask.id, { text: "a" }, admin);
  assert.ok(outcome.kind === "stream");
  for await (const item of outcome.items) assert.ok(item);
  const runs = await told(kit, 1);
  assert.equal(runs.length, 1);
  const { recorded } = (runs[0]?.[1]?.[1] ?? {}) as { recorded?: { result: unknown } };
  assert.deepEqual(recorded?.result, { items: [{ kind: "text", text: "Good morning" }, { kind: "end" }] });
});

test("a call that the end of the hub cut off is a run that failed, which nobody resumes; a full disk stops no answer", async () => {
  const disk = createMemoryStore();
  const store = createFailingStore(disk);
  const first = await open({ store });
  void first.call(Wait.id, { text: "a" }, agent).catch(() => undefined);
  await untilSaid(first, () => first.kinds().includes("agents.run.started"), "it begins");
  store.failWith("full");
  const { outcome } = await first.call(Read.id, { text: "a" }, agent);
  assert.deepEqual(outcome, { kind: "answer", output: { text: "read a" } });
  for (let turns = 0; turns < 10; turns += 1) {
    await turn();
    first.clock.advance(roundMsMax);
  }
  await using second = await open({ store: createFailingStore(disk) });
  const [run = []] = await told(second, 1);
  assert.deepEqual(kindsOf(run), ["agents.run.started", "agents.run.failed"]);
  const [episode] = second.events().map(({ corrId }) => corrId);
  assert.equal(await codeOf(second.call("agents.resume", { episode })), "agents.not-interrupted");
});

test("calls that follow each other share a commit, and the answer waits for none", async () => {
  await using kit = await open();
  const before = kit.commits.length;
  for (let count = 0; count < 30; count += 1) await kit.call(Read.id, { text: `${count}` }, agent);
  assert.equal(kit.commits.length, before);
  // What the last of them was answered is told a turn later.
  await turn();
  const runs = await told(kit, 30);
  assert.equal(kit.commits.length, before + 1);
  assert.deepEqual(
    runs.map(([, answered]) => (answered?.[1]["asked"] as { readonly value: unknown } | undefined)?.value),
    Array.from({ length: 30 }, (_, count) => ({ text: `${count}` })),
  );
});

test("the beginning of an episode stands first, though it is told later than what the call itself says", async () => {
  await using kit = await open();
  await kit.call(Read.id, { text: "a" }, agent);
  await kit.call(Listen.id, { text: "a" }, agent);
  const listened = (await told(kit, 2)).find((run) => kindsOf(run).includes(Heard.kind)) ?? [];
  assert.deepEqual(kindsOf(listened), [
    "agents.run.started",
    Heard.kind,
    "observations.recorded",
    "agents.run.finished",
  ]);
});

test("what waits is written before a change begins, and when the hub ends", async () => {
  const disk = createMemoryStore();
  const first = await open({ store: createFailingStore(disk) });
  await first.call(Read.id, { text: "a" }, agent);
  await first.call(Write.id, { text: "a" }, agent);
  await until(() => first.kinds().includes("agents.run.finished"), "the read is written");
  await first.call(Read.id, { text: "b" }, agent);
  await first[Symbol.asyncDispose]();
  await using second = await open({ store: createFailingStore(disk) });
  const runs = await told(second, 3);
  assert.deepEqual(
    runs.map((run) => kindsOf(run).at(-2)),
    ["observations.recorded", "actions.applied", "observations.recorded"],
  );
});

test("what is about to change something is told at once, and two calls under one id are one run", async () => {
  await using kit = await open();
  const credentials = { kind: "caller", caller: agent } as const;
  const write = { operationId: Write.id, input: { text: "a" }, credentials };
  const { corrId } = await kit.kernel.dispatch(write);
  await until(() => kit.kinds().includes("intents.proposed"), "it is proposed");
  const read = { operationId: Read.id, input: { text: "a" }, credentials };
  await kit.kernel.dispatch({ ...read, corrId });
  const other = await kit.kernel.dispatch(read);
  await kit.kernel.dispatch({ ...read, corrId: other.corrId });
  assert.deepEqual(
    (await told(kit, 2)).map((run) => kindsOf(run).filter((kind) => kind === "agents.run.started").length),
    [1, 1],
  );
});
