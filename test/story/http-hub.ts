/** A surface over a kernel of four hand-made operations: enough to show what the surface itself does. */
import { bind, type Bound, op } from "../../src/contract/operation.ts";
import { Problem, problem } from "../../src/contract/problem.ts";
import { checkerOf, closed, Type } from "../../src/contract/schema.ts";
import { InvalidInput, standardProblems } from "../../src/contract/standard-problems.ts";
import type { CallRequest, Dispatcher, Doorkeeper, Outcome, Table } from "../../src/kernel/kernel.ts";
import type { Clock, Log } from "../../src/kernel/ports.ts";
import { createHttpSurface, type HttpDeps, type HttpSurface } from "../../src/surfaces/http/surface.ts";

export const Full = problem({ code: "things.full", status: 503, title: "Full", about: "Try again later." });

const Mixed = closed({
  id: Type.String(),
  count: Type.Optional(Type.Integer({ minimum: 0 })),
  ratio: Type.Optional(Type.Number()),
  deep: Type.Optional(Type.Boolean()),
  names: Type.Optional(Type.Array(Type.String())),
  sizes: Type.Optional(Type.Array(Type.Integer())),
  mode: Type.Optional(Type.Enum(["fast", "slow"])),
  after: Type.Optional(Type.Integer()),
});
const anything = closed({ more: Type.Optional(Type.Unknown()) });
const row = { about: "A thing for tests.", effect: "read" as const, output: Type.Unknown() };
const run = (): never => {
  throw new Problem(Full, "The fake dispatcher answers for it.");
};

export const thingOperations: readonly Bound[] = [
  bind(op({ ...row, id: "things.get", http: "GET /things/{id}", input: Mixed }), run),
  bind(op({ ...row, id: "things.put", http: "PUT /things/{id}", effect: "write", input: Mixed }), run),
  bind(op({ ...row, id: "things.make", http: "POST /things", effect: "write", input: anything }), run),
  bind(
    op({ ...row, id: "things.text", http: "GET /text", media: "text/plain; charset=utf-8", input: closed({}) }),
    run,
  ),
  bind(
    op({
      ...row,
      id: "things.watch",
      http: "GET /watch",
      mode: "many",
      input: closed({ after: Type.Optional(Type.Integer()) }),
    }),
    run,
  ),
];

const definitions = new Map(thingOperations.map((bound) => [bound.operation.id, bound]));

export const thingTable: Table = {
  domains: [],
  operations: definitions,
  events: new Map(),
  views: new Map(),
  problems: new Map([...standardProblems, Full].map((each) => [each.code, each])),
  hash: "0",
};

export interface FakeKernel extends Dispatcher, Doorkeeper {
  readonly table: Table;
  readonly calls: CallRequest[];
}

/** Decodes as the corridor does, then answers what the test says; by default the input itself. */
export function fakeKernel(outcomeOf: (request: CallRequest) => Outcome | Promise<Outcome> = echo): FakeKernel {
  const calls: CallRequest[] = [];
  return {
    table: thingTable,
    calls,
    mayEnter: () => true,
    async dispatch(request) {
      calls.push(request);
      const bound = definitions.get(request.operationId);
      if (bound === undefined) throw new Problem(InvalidInput, "no such operation");
      const checker = checkerOf(bound.operation.input);
      if (!checker.check(request.input))
        throw new Problem(InvalidInput, "The input does not fit.", { faults: checker.faults(request.input) });
      return { corrId: request.corrId ?? "none", outcome: await outcomeOf(request) };
    },
  };
}

const echo = (request: CallRequest): Outcome => ({ kind: "answer", output: request.input });

/** Time stands still until `advance`; `soon` is the loop's own. */
export function manualClock(): Clock & { advance(ms: number): void; readonly timers: number } {
  let nowMs = 1_700_000_000_000;
  let timers: { readonly atMs: number; readonly run: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    soon: (run) => void setImmediate(run),
    advance(ms) {
      nowMs += ms;
      const due = timers.filter((timer) => timer.atMs <= nowMs);
      timers = timers.filter((timer) => timer.atMs > nowMs);
      for (const timer of due) timer.run();
    },
    get timers() {
      return timers.length;
    },
  };
}

export const silentLog: Log = { info() {}, warn() {}, error() {} };

export function thingSurface(options: Partial<HttpDeps> = {}): HttpSurface {
  let ids = 0;
  return createHttpSurface({
    kernel: fakeKernel(),
    clock: manualClock(),
    chance: { randomBytes: (count) => new Uint8Array(count).fill(7) },
    log: silentLog,
    newCorrId: () => `fresh-${(ids += 1)}`,
    isReady: () => true,
    web: null,
    spec: null,
    ...options,
  });
}
