/** Asks a model: finds its server, sends as whoever calls, watches that something comes, and tells what it took. */
import { Problem, isProblem } from "../../contract/problem.ts";
import { type Context, gateKey, type Operation } from "../../contract/operation.ts";
import { Cancelled, DeadlineExceeded } from "../../contract/standard-problems.ts";
import type { Clock } from "../../kernel/ports.ts";
import { ModelAsked, type Server } from "./contract.ts";
import { isOnThisMachine, parseModelName } from "../../base/model-name.ts";
import {
  type Courier,
  type Meter,
  type ModelRuntime,
  type Part,
  type RuntimeCall,
  type Send,
  unknownUsage,
  type Usage,
} from "./port.ts";
import { NoSuchModel } from "./port.ts";
import type { Servers } from "./servers.ts";

export interface AskingDeps {
  readonly servers: Servers;
  readonly courier: Courier;
  readonly meter: Pick<Meter, "priced">;
  readonly clock: Pick<Clock, "after" | "monotonicMs">;
  readonly runtimeOf: (server: Server) => ModelRuntime;
}

/** A slow machine reads a long prompt for minutes before its first word; between words it is quicker. */
const firstMsMax = 900_000;
const silentMsMax = 180_000;
const limits = { connectMs: 10_000, firstByteMs: firstMsMax, wholeMs: 1_800_000, bodyBytesMax: 64_000_000 };
/** A conversation with pictures. */
export const sentBytesMax = 24_000_000;

export interface Asked {
  readonly runtime: ModelRuntime;
  readonly model: string;
  readonly call: RuntimeCall;
  /** Ends what is under way. */
  readonly leave: AbortController;
}

/** The server of a model, as this call reaches it. Throws `NoSuchModel`. */
export function reach(name: string, operation: Pick<Operation, "id">, { deps, ctx }: Reaching): Asked {
  const parsed = parseModelName(name);
  const server = parsed === null ? undefined : deps.servers.find(parsed.server);
  if (parsed === null || server === undefined) {
    const next = parsed === null ? "arw models" : `arw models add ${parsed.server}`;
    throw new Problem(NoSuchModel, `the hub knows no server of ${name}; \`${next}\` helps on`, { next });
  }
  const leave = new AbortController();
  const signal = AbortSignal.any([ctx.signal, leave.signal]);
  const send = sendTo(server, { operation, ctx, courier: deps.courier, signal });
  return { runtime: deps.runtimeOf(server), model: parsed.model, call: { signal, send }, leave };
}

export interface Reaching {
  readonly deps: AskingDeps;
  readonly ctx: Context;
}

interface Sending {
  readonly operation: Pick<Operation, "id">;
  readonly ctx: Context;
  readonly courier: Courier;
  readonly signal: AbortSignal;
}

/** A person named this very address, which opens it for models and for nothing else. */
export const sendTo =
  ({ server, addedBy }: Pick<Server, "server" | "addedBy">, { operation, ctx, courier, signal }: Sending): Send =>
  (request) =>
    courier.send(
      {
        ...request,
        operation: gateKey(operation),
        limits,
        sentBytesMax,
        signal,
        given: { rule: `models.server:${server}`, source: addedBy },
      },
      ctx,
    );

export interface Told {
  readonly model: string;
  readonly work: "chat" | "complete" | "embed" | "rerank";
  readonly isScripted: boolean;
}

/** What an answer took beside tokens. */
export interface Taken {
  readonly microUsd: number | null;
  readonly durationMs: number;
  readonly firstMs: number | null;
}
type End = Extract<Part, { kind: "end" }>;
export type MeteredPart = Exclude<Part, End> | MeteredEnd;
export type MeteredEnd = End & Taken;

/** Money by the price of the moment at which a model is asked. */
export function priceAt(model: string, { deps, ctx }: Reaching): (usage: Usage) => number | null {
  if (isOnThisMachine(parseModelName(model)?.server ?? "")) return () => 0;
  const price = deps.meter.priced(model, ctx.now());
  return ({ inputTokens: input, outputTokens: output, cachedTokens }) =>
    input === null || output === null
      ? null
      : price({ input, output, ...(cachedTokens === null ? {} : { cachedInput: cachedTokens }) });
}

interface Watching<I> extends Reaching {
  readonly leave: AbortController;
  /** What the server was told that the answer may have. */
  readonly tokensMax: number;
  /** The end as the caller's contract has it. */
  readonly ended: (end: MeteredEnd) => I;
}

/** No vocabulary that is known has longer tokens, characters. */
const tokenLengthMax = 128;

/**
 * Passes the parts on, and tells what the answer took when it is over, however that was. Every token of every answer comes by
 * here, so one generator does it all.
 */
export async function* watched<I>(
  parts: AsyncIterable<Part>,
  told: Told,
  { deps, ctx, leave, ended, tokensMax }: Watching<I>,
): AsyncGenerator<Exclude<Part, End> | I> {
  const { clock } = deps;
  const meter = createMeter(told, { deps, ctx });
  const iterator = parts[Symbol.asyncIterator]();
  const patience = createPatience(clock, leave);
  let lengthLeft = tokensMax * tokenLengthMax;
  try {
    for (;;) {
      patience.wait();
      const next = await iterator.next();
      patience.stop();
      if (next.done === true) return;
      const part = next.value;
      if (part.kind === "end") {
        yield ended(meter.ended(part));
        continue;
      }
      const room = lengthLeft;
      lengthLeft -= lengthOf(part);
      if (lengthLeft >= 0) {
        yield meter.came(part);
        continue;
      }
      // A server that takes no notice of the limit is left. Nobody counted, so all that was set aside stays taken.
      if (part.kind !== "tool" && room > 0)
        yield meter.came({ ...part, text: part.text.slice(0, room).toWellFormed() });
      yield ended(meter.ended(cutOff));
      return;
    }
  } catch (error) {
    meter.failed(error);
    throw error;
  } finally {
    patience[Symbol.dispose]();
    await iterator.return?.();
    leave.abort(new Problem(Cancelled, "nobody reads the answer any more"));
    await ctx.emit(ModelAsked, meter.asked());
  }
}

const cutOff: End = { kind: "end", finish: "length", usage: unknownUsage };

const lengthOf = (part: Exclude<Part, End>): number =>
  part.kind === "tool" ? part.argumentsText.length + (part.name?.length ?? 0) : part.text.length;

/** Of one answer: its times, its tokens and what they cost. */
function createMeter(told: Told, { deps, ctx }: Reaching) {
  const { clock } = deps;
  const price = priceAt(told.model, { deps, ctx });
  const startMs = clock.monotonicMs();
  const sinceMs = (): number => Math.round(clock.monotonicMs() - startMs);
  let firstMs: number | null = null;
  let end: MeteredEnd | null = null;
  let code = Cancelled.code as string;
  return {
    came<P>(part: P): P {
      firstMs ??= sinceMs();
      return part;
    },
    ended(part: End): MeteredEnd {
      const durationMs = sinceMs();
      firstMs ??= durationMs;
      end = { ...part, microUsd: price(part.usage), firstMs, durationMs };
      code = "ok";
      return end;
    },
    failed(error: unknown): void {
      code = isProblem(error) ? error.definition.code : "arw.internal";
    },
    asked() {
      const { usage, finish, ...took } = end ?? {
        usage: unknownUsage,
        finish: null,
        microUsd: price(unknownUsage),
        durationMs: sinceMs(),
        firstMs,
      };
      const { microUsd, durationMs } = took;
      return { ...told, ...usage, microUsd, durationMs, firstMs, finish, code };
    },
  };
}

/** Leaves a server that says nothing any more. One timer for all pieces: it looks again when it fires too early. */
function createPatience(clock: AskingDeps["clock"], leave: AbortController) {
  let waitMs = firstMsMax;
  let dueMs: number | null = null;
  let armedMs = 0;
  let disarm: (() => void) | null = null;
  const arm = (restMs: number): void => {
    disarm?.();
    armedMs = clock.monotonicMs() + restMs;
    disarm = clock.after(restMs, look);
  };
  const look = (): void => {
    disarm = null;
    // Whoever reads takes their time; that is no silence of the server.
    if (dueMs === null) return;
    const restMs = dueMs - clock.monotonicMs();
    if (restMs > 0) arm(restMs);
    else leave.abort(new Problem(DeadlineExceeded, `the model said nothing for ${waitMs / 1000} seconds`));
  };
  return {
    wait(): void {
      dueMs = clock.monotonicMs() + waitMs;
      if (disarm === null || armedMs > dueMs) arm(waitMs);
    },
    stop(): void {
      dueMs = null;
      waitMs = silentMsMax;
    },
    [Symbol.dispose]: () => disarm?.(),
  };
}
