/** P14: a recorded run happens again, against the run itself. */
import { strict as assert } from "node:assert";
import { createHook } from "node:async_hooks";
import { join } from "node:path";
import { createMemoryBlobs } from "../../src/adapters/files/memory-blobs.ts";
import { createMemoryStore } from "../../src/adapters/memory/store.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { digestOf } from "../../src/base/canonical-json.ts";
import { keptOf } from "../../src/base/kept-result.ts";
import type { Envelope } from "../../src/contract/event.ts";
import { bind, op } from "../../src/contract/operation.ts";
import { closed, Type } from "../../src/contract/schema.ts";
import type { AgentProgram } from "../../src/domains/agents/contract.ts";
import { createReplayer } from "../../src/domains/agents/replayer.ts";
import type { Store } from "../../src/kernel/ports.ts";
import { domainOf, type Kit, makeKernel } from "../../test/kit/kernel.ts";
import { alternate, type Contestant, lap, type Lap } from "../harness/alternate.ts";
import { amount, type Bench } from "../harness/bench.ts";
import { figure, median } from "../harness/rows.ts";
import { outsideRows } from "./recording.ts";

const tool = (name: string, effect: "read" | "write") =>
  op({
    id: `bench.${name}`,
    http: `POST /bench/${name}`,
    effect,
    isTool: true,
    about: "Answers at once: the run itself is as quick as a run can be.",
    input: closed({ path: Type.String(), text: Type.String() }),
    output: closed({ text: Type.String() }),
    scope: ({ path }) => ({ path }),
  });
const Read = tool("read", "read");
const Write = tool("write", "write");

/** Three reads and a write, over and over, each with what the last one said. */
const worker: AgentProgram = {
  id: "worker",
  about: "Reads and writes.",
  model: "none",
  tools: [Read, Write],
  async run(input, tools) {
    const { steps } = input as { readonly steps: number };
    let text = "";
    for (let step = 0; step < steps; step += 1) {
      const isWrite = step % 4 === 3;
      const asked = { path: `notes/${step}.md`, text: text.slice(0, 80) };
      ({ text } = await tools.call(isWrite ? Write : Read, asked, `${isWrite ? "Write" : "Read"} ${asked.path}`));
    }
    return { outcome: `${steps} steps`, notDone: [], output: text };
  },
};

const answer = ({ path }: { readonly path: string }) => ({ text: `What stands in ${path}. `.repeat(8) });
const openKit = (store: Store): Promise<Kit> =>
  makeKernel({
    store,
    blobs: createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 }),
    programs: [worker],
    domains: () => [domainOf("bench", { operations: [bind(Read, answer), bind(Write, answer)] })],
  });

async function record(kit: Kit, steps: number): Promise<readonly Envelope[]> {
  const ended = kit.next("task.finished");
  const run = { agent: "worker", title: "Work", input: { steps }, grants: [{ key: "bench:*" }] };
  const { corrId } = await kit.call("agents.run", run);
  await ended;
  return kit.kernel.journal.read({ corrId, limit: 10_000_000 });
}

const replayerFor = (kit: Kit) =>
  createReplayer({
    programs: [worker],
    finder: {
      find: async () => null,
      list: async () => ({ agents: [], faulty: [] }),
      recorded: () => assert.fail("there is one program"),
    },
    problems: () => kit.kernel.table.problems,
    redact: (value) => value,
    soon: (run) => void setImmediate(run),
  });

interface Took {
  readonly durationMs: number;
  /** Of this thread alone: a replay waits for nothing. */
  readonly workMs: number;
}

async function replayed(kit: Kit, events: readonly Envelope[]): Promise<Took> {
  const startedMs = performance.now();
  const started = process.threadCpuUsage();
  const { report } = await replayerFor(kit).replay({ events, blob: async () => null });
  const { user, system } = process.threadCpuUsage(started);
  const took = { durationMs: performance.now() - startedMs, workMs: (user + system) / 1000 };
  assert.equal(report.verdict, "equal");
  assert.equal(report.events.madeAgain + report.events.taken, events.length);
  return took;
}

/** Sockets that came to be while it worked. */
async function socketsDuring(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const init = (_id: number, type: string): void => {
    if (/^(?:TCP|UDP|PIPE|TLS|GETADDRINFO)/u.test(type)) count += 1;
  };
  const hook = createHook({ init }).enable();
  await work();
  hook.disable();
  return count;
}

/** Enough for a clock that counts in milliseconds. */
const stepsTimed = 20_000;

/**
 * What a step pays for being recorded: digests of what was asked and answered. That something was done is told by an event in
 * any case.
 */
function recordingMs(): number {
  const asked = { path: "notes/1.md", text: answer({ path: "notes/0.md" }).text };
  const work = (): void => {
    digestOf(asked);
    keptOf(answer(asked));
  };
  work();
  const { ops, durationMs } = lap(stepsTimed, () => {
    for (let step = 0; step < stepsTimed; step += 1) work();
  });
  return durationMs / ops;
}

/** The processor time of a thread moves in ticks of some milliseconds, and one replay takes as much. */
const replaysTimed = 20;
const eventsMost = 100_000;
/** Five events for four steps, and the few around them. */
const stepsFor = (events: number): number => Math.ceil((events * 4) / 5);

export const benchReplay: Bench = async (options) => {
  const kit = await openKit(openSqliteStore(join(options.scratch, "replay.db")));
  options.defer(() => kit[Symbol.asyncDispose]());
  const steps = amount(options, 1_000, 50);
  const known = await record(kit, steps);
  let liveMs = 0;
  const live: Contestant = {
    name: "the live run",
    async run(): Promise<Lap> {
      const startedMs = performance.now();
      await record(kit, steps);
      liveMs = performance.now() - startedMs;
      return { ops: steps, durationMs: liveMs };
    },
  };
  const replay: Contestant = {
    name: "replay",
    async run(): Promise<Lap> {
      let durationMs = 0;
      for (let count = 0; count < replaysTimed; count += 1) durationMs += (await replayed(kit, known)).workMs;
      return { ops: steps * replaysTimed, durationMs };
    },
  };
  const rows = await alternate({
    path: "P14",
    what: "steps of a recorded run, by the processor time of its replay",
    contestants: [live, replay],
    comparisons: [{ ours: "replay", peer: "the live run", target: { atLeast: 100 } }],
    rounds: options.rounds,
  });
  const memory = await openKit(createMemoryStore());
  options.defer(() => memory[Symbol.asyncDispose]());
  const long = await record(memory, stepsFor(amount(options, eventsMost, 1_000)));
  const took: Took[] = [];
  const sockets: number[] = [];
  await replayed(memory, long);
  for (let round = 0; round < options.rounds; round += 1) {
    globalThis.gc?.();
    sockets.push(await socketsDuring(async () => void took.push(await replayed(memory, long))));
  }
  const what = `replay of ${long.length} events`;
  return [
    ...rows,
    figure({
      path: "P14",
      what,
      values: took.map(({ workMs }) => workMs / 1000),
      unit: "s",
      target: { atMost: 2 },
      note: `of processor time; ${(median(took.map(({ durationMs }) => durationMs)) / 1000).toFixed(2)} s by the clock`,
    }),
    figure({ path: "P14", what: "sockets opened by it", values: sockets, unit: "sockets", target: { atMost: 0 } }),
    figure({
      path: "P14",
      what: "of a step, for recording it",
      values: Array.from({ length: options.rounds }, () => (recordingMs() / (liveMs / steps)) * 100),
      unit: "%",
      target: { atMost: 5 },
    }),
    ...(await outsideRows(options)),
  ];
};
