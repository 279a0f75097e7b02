/** The hub's own parts as the benchmarks meet them: a real kernel on a real file, with a small domain to work on. */
import { createMemoryBlobs } from "../../src/adapters/files/memory-blobs.ts";
import { createMetrics } from "../../src/adapters/metrics/metrics.ts";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { createSystemChance, systemClock } from "../../src/adapters/system/clock.ts";
import { createRedactor } from "../../src/base/redact.ts";
import type { Domain } from "../../src/contract/domain.ts";
import { event } from "../../src/contract/event.ts";
import { bind, op } from "../../src/contract/operation.ts";
import { closed, CorrelationId, EpochMs, Seq, type Static, Type } from "../../src/contract/schema.ts";
import { endedTasks, openTasks, taskEvents } from "../../src/contract/task.ts";
import { on, type View, view } from "../../src/contract/view.ts";
import { lapInFlight } from "./alternate.ts";
import { openPorts } from "./open-ports.ts";
import { createKernel, type StartedKernel } from "../../src/kernel/create-kernel.ts";
import type { Gate, Identity, Log, Store } from "../../src/kernel/ports.ts";

/** About 330 bytes as a stored event, which is what a hub's events mostly are. */
const Sampled = closed({
  route: Type.String({ maxLength: 200 }),
  durationMs: Type.Number({ minimum: 0 }),
  ok: Type.Boolean(),
  sizeBytes: Type.Integer({ minimum: 0 }),
  note: Type.String({ maxLength: 2000 }),
});
export const sampleKinds = [
  "models.progress",
  "tasks.completed",
  "observations.recorded",
  "feedback.suggested",
  "policy.decided",
];
export const sampleEvents = sampleKinds.map((kind) =>
  event({ kind: `bench.${kind}`, about: "A sample.", data: Sampled }),
);
const routes = ["/tools/run", "/fs/read", "/fs/write", "/text/outline"];

export const sampleData = (index: number): Static<typeof Sampled> => ({
  route: routes[index & 3] as string,
  durationMs: 12.5 + (index % 7),
  ok: index % 11 !== 0,
  sizeBytes: 123_456 + index,
  note: "a short human readable note about the event",
});

/** Sixteen events belong to one episode, as in a short run of an agent. */
export const sampleCorrId = (index: number): string => `c0ffee00-${String(index >> 4).padStart(12, "0")}`;

const rowsMax = 10_000;
const EpisodeRow = closed({
  corrId: CorrelationId,
  events: Type.Integer(),
  errors: Type.Integer(),
  startedAtMs: EpochMs,
  lastAtMs: EpochMs,
  lastSeq: Seq,
});
const CountRow = closed({ name: Type.String(), count: Type.Integer(), durationMs: Type.Number(), lastSeq: Seq });
type CountRow = Static<typeof CountRow>;
const episodeOn = on<Static<typeof EpisodeRow>>();
const countOn = on<CountRow>();
const counted = (
  name: string,
  row: CountRow | undefined,
  e: { seq: number; data: { durationMs: number } },
): CountRow => ({
  name,
  count: (row?.count ?? 0) + 1,
  durationMs: (row?.durationMs ?? 0) + e.data.durationMs,
  lastSeq: e.seq,
});

const episodesOf = (version: number) =>
  view(EpisodeRow)({
    name: "sampleEpisodes",
    version,
    about: "Events by episode.",
    rowsMax,
    folds: sampleEvents.map((each) =>
      episodeOn(
        each,
        (e) => e.corrId,
        (row, e) => ({
          corrId: e.corrId,
          events: (row?.events ?? 0) + 1,
          errors: (row?.errors ?? 0) + (e.data.ok ? 0 : 1),
          startedAtMs: row?.startedAtMs ?? e.timeMs,
          lastAtMs: e.timeMs,
          lastSeq: e.seq,
        }),
      ),
    ),
  });
const kindsOf = (version: number) =>
  view(CountRow)({
    name: "sampleKinds",
    version,
    about: "Events by kind.",
    rowsMax,
    folds: sampleEvents.map((each) =>
      countOn(
        each,
        (e) => e.kind,
        (row, e) => counted(e.kind, row, e),
      ),
    ),
  });
const routesOf = (version: number) =>
  view(CountRow)({
    name: "sampleRoutes",
    version,
    about: "Events by route.",
    rowsMax,
    folds: sampleEvents.map((each) =>
      countOn(
        each,
        (e) => e.data.route,
        (row, e) => counted(e.data.route, row, e),
      ),
    ),
  });
export const sampleEpisodes = episodesOf(1);
export const sampleCounts = kindsOf(1);
export const sampleViews: readonly View[] = [sampleEpisodes, sampleCounts, routesOf(1)];
/** The same three at another version, which has them rebuilt. */
export const sampleViewsOf = (version: number): readonly View[] => [
  episodesOf(version),
  kindsOf(version),
  routesOf(version),
];

const Words = Type.String({ maxLength: 10_000 });
/** An operation with a body worth validating, which does next to nothing: what is measured is the way to it. */
export const RunTool = op({
  id: "bench.run",
  http: "POST /bench/run",
  effect: "write",
  about: "Answers what it was given.",
  input: closed({
    id: Type.String({ minLength: 1, maxLength: 64, pattern: "^[a-z0-9._-]+$" }),
    input: Type.Object({ text: Type.Optional(Words), n: Type.Optional(Type.Integer({ minimum: 0 })) }),
    tags: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16 })),
  }),
  output: closed({ ok: Type.Boolean(), id: Type.String(), seq: Type.Integer() }),
});
export const NoOpJob = op({
  id: "bench.job",
  http: "POST /bench/job",
  mode: "job",
  effect: "write",
  about: "Does nothing, durably.",
  input: closed({ id: Type.Integer(), text: Words }),
  output: closed({ ok: Type.Boolean() }),
});

/** Counts what ran, so that a benchmark can hold it against what it asked for. */
export interface Tally {
  calls: number;
  jobs: number;
}

const createBenchDomain = (tally: Tally): Domain => ({
  name: "bench",
  families: ["bench", "task"],
  operations: [
    bind(RunTool, (input) => {
      tally.calls += 1;
      return { ok: true, id: input.id, seq: tally.calls };
    }),
    bind(NoOpJob, () => {
      tally.jobs += 1;
      return { ok: true };
    }),
  ],
  events: [...sampleEvents, ...taskEvents],
  views: [...sampleViews, openTasks, endedTasks],
});

const noLog: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: (message, fields) => {
    process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
  },
};

export interface SubjectOptions {
  readonly path: string;
  readonly workers?: number;
  readonly identity?: Identity;
  readonly gate?: Gate;
}

export interface Subject extends AsyncDisposable {
  readonly kernel: StartedKernel;
  readonly store: Store;
  readonly tally: Tally;
  readonly log: Log;
}

const recordBytesMax = 1e9;
const recordAgeMsMax = 1e9;
const blobBytesMax = 1_000_000;
const busCapacity = 1024;
const busReplay = 1000;

/** The kernel as the hub opens it, metrics included, on the file at `path`. */
export async function openSubject({ path, workers = 8, identity, gate }: SubjectOptions): Promise<Subject> {
  const tally: Tally = { calls: 0, jobs: 0 };
  const metrics = createMetrics({ version: "bench" });
  const store = openSqliteStore(path);
  const kernel = createKernel({
    store,
    blobs: createMemoryBlobs({ sizeBytesMaxEach: blobBytesMax }),
    clock: systemClock,
    chance: createSystemChance(),
    log: noLog,
    redactor: createRedactor({ secrets: [] }),
    node: "bench-node",
    limits: { busCapacity, busReplay, workers, recordBytesMax, recordAgeMsMax },
    telemetry: metrics,
    compose: () => ({
      domains: [createBenchDomain(tally)],
      identity: identity ?? { identify: () => null },
      ...openPorts,
      ...(gate === undefined ? {} : { gate }),
    }),
  });
  metrics.observe({ bus: kernel.bus, queue: kernel.queue, streams: () => 0, headSeq: () => kernel.journal.headSeq() });
  await kernel.start();
  return {
    kernel,
    store,
    tally,
    log: noLog,
    async [Symbol.asyncDispose]() {
      await kernel[Symbol.asyncDispose]();
      metrics[Symbol.dispose]();
    },
  };
}

export const benchCaller = { kind: "system", id: "bench" } as const;

/** Emits the sample of this number; the same number makes the same event. */
export function emitSample(kernel: Pick<StartedKernel, "journal">, index: number): Promise<unknown> {
  const definition = sampleEvents[index % sampleEvents.length] as (typeof sampleEvents)[number];
  const origin = { caller: benchCaller, corrId: sampleCorrId(index), causeId: null };
  return kernel.journal.emit(definition, sampleData(index), origin);
}

/** Large groups: what fills a journal is not what is measured. */
const fillInFlight = 2048;

export async function fillJournal(path: string, events: number): Promise<void> {
  await using subject = await openSubject({ path });
  await lapInFlight(events, fillInFlight, (index) => emitSample(subject.kernel, index));
}
