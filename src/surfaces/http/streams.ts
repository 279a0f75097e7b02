/**
 * All open streams of the surface. Each pulls from its source only as fast as its client reads; what it buffers is one batch
 * and one item. One timer serves them all, and none runs while there is no stream.
 */
import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { isTailed, type LiveTail, liveTail } from "../../contract/live-tail.ts";
import { Problem } from "../../contract/problem.ts";
import { ShuttingDown, TooLarge } from "../../contract/standard-problems.ts";
import type { Clock } from "../../kernel/ports.ts";
import type { StreamFormat } from "./frames.ts";
import { createLiveRounds, type LiveReader, type LiveRounds, type Run } from "./live-rounds.ts";
import type { HttpLimits } from "./limits.ts";

export interface StreamOptions {
  readonly response: ServerResponse;
  readonly items: AsyncIterable<unknown>;
  readonly format: StreamFormat;
  /** Writes the head of the answer; called once, and not at all when the source refuses at once. */
  readonly begin: (response: ServerResponse) => void;
  readonly controller: AbortController;
  readonly corrId: string;
  readonly toProblem: (error: unknown) => Problem;
}

export interface Streams {
  readonly size: number;
  /** Resolves when the stream ended, however. Rejects when it failed before its first byte: then nothing was sent. */
  serve(options: StreamOptions): Promise<void>;
  /** Ends every stream in good order. */
  close(): void;
}

/** The parts of a response that change while it streams. */
interface Writer {
  readonly response: ServerResponse;
  readonly heartbeat: string;
  readonly batchBytesMax: number;
  pending: string;
  isFlushPlanned: boolean;
  /** Since when bytes wait for the client; 0 while none do. */
  blockedAtMs: number;
  /** What the stream follows once it is live, and what that had lost when bytes began to wait. */
  tail: LiveTail | null;
  lostBefore: number;
  writtenAtMs: number;
  onDrain: (() => void) | null;
  /** Something was written past the response. */
  isDirect: boolean;
  end(reason: Problem): void;
}

/** A source that has nothing to say yet still shows the client that it is connected, after this long. */
const firstItemWaitMs = 2_000;
/** The ticker looks at stalls and silence this often: often enough for limits of tens of seconds. */
const ticksPerHeartbeat = 3;

export function createStreams(clock: Clock, limits: HttpLimits): Streams {
  const writers = new Set<Writer>();
  const rounds = createLiveRounds({ clock, frameOf: (item, format) => frameOf(item, format, limits) });
  let stopTicker: (() => void) | null = null;

  const tick = (): void => {
    stopTicker = null;
    const nowMs = clock.monotonicMs();
    for (const writer of writers) tend(writer, nowMs, limits);
    if (writers.size > 0) stopTicker = clock.after(limits.heartbeatMs / ticksPerHeartbeat, tick);
  };
  const enter = (writer: Writer): void => {
    writers.add(writer);
    stopTicker ??= clock.after(limits.heartbeatMs / ticksPerHeartbeat, tick);
  };
  const leave = (writer: Writer): void => {
    writers.delete(writer);
    if (writers.size > 0) return;
    stopTicker?.();
    stopTicker = null;
  };

  return {
    get size() {
      return writers.size;
    },
    async serve(options) {
      const writer = createWriter(options, clock, limits);
      enter(writer);
      try {
        await pump(writer, options, { clock, limits, rounds });
      } finally {
        leave(writer);
      }
    },
    close() {
      const reason = new Problem(ShuttingDown, "The hub is stopping.");
      for (const writer of writers) writer.end(reason);
    },
  };
}

function createWriter({ response, format, controller }: StreamOptions, clock: Clock, limits: HttpLimits): Writer {
  const writer: Writer = {
    response,
    heartbeat: format.heartbeat,
    batchBytesMax: limits.streamBatchBytesMax,
    pending: "",
    isFlushPlanned: false,
    blockedAtMs: 0,
    tail: null,
    lostBefore: 0,
    writtenAtMs: clock.monotonicMs(),
    onDrain: null,
    isDirect: false,
    end(reason) {
      flush(writer, clock);
      if (response.headersSent) response.end();
      controller.abort(reason);
      writer.onDrain?.();
    },
  };
  response.on("drain", () => unblock(writer));
  response.once("close", () => writer.onDrain?.());
  return writer;
}

interface Pace {
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly rounds: LiveRounds;
}

/** Pulls, frames and writes until the source ends, the client leaves or the hub stops. */
async function pump(writer: Writer, options: StreamOptions, pace: Pace): Promise<void> {
  const { clock, limits } = pace;
  const { response, format, controller, corrId } = options;
  const iterator = isTailed(options.items) ? options.items[liveTail]() : options.items[Symbol.asyncIterator]();
  try {
    let step = await firstStep(iterator, writer, { options, clock });
    while (step.done !== true && !isOver(response, controller)) {
      add(writer, frameOf(step.value, format, limits), clock);
      if (writer.blockedAtMs !== 0) await drained(writer);
      if (isOver(response, controller)) break;
      step = await iterator.next();
    }
    if (step.done === true && isTail(step.value)) await follow(writer, step.value, { options, pace });
  } catch (error) {
    if (!response.headersSent) throw error;
    if (!isOver(response, controller)) add(writer, format.failure(options.toProblem(error), corrId), clock);
  } finally {
    flush(writer, clock);
    if (response.headersSent && !response.writableEnded) response.end();
    // Not awaited: a source that ignores its signal must not keep the response open.
    void iterator.return?.()?.then(undefined, () => {});
  }
}

/** From here on the stream has nothing of its own to run: it is served with all others, until it ends. */
async function follow(
  writer: Writer,
  tail: LiveTail,
  { options, pace }: { readonly options: StreamOptions; readonly pace: Pace },
): Promise<void> {
  const { response, format, controller } = options;
  const { rounds, clock } = pace;
  flush(writer, clock);
  using held = tail;
  writer.tail = held;
  const { socket } = response;
  // Chunks are written past the response, whose own drain tells nothing of them.
  const onDrain = (): void => unblock(writer);
  socket?.on("drain", onDrain);
  try {
    await new Promise<void>((resolve, reject) => {
      const reader: LiveReader = {
        tail: held,
        format,
        roundBytesMax: writer.batchBytesMax,
        isBlocked: () => writer.blockedAtMs !== 0,
        isOver: () => isOver(response, controller),
        write: (runs) => sendRuns(writer, runs, clock),
        enter: () => rounds.enter(reader),
        end: (error) => (error === undefined ? resolve() : reject(error)),
      };
      writer.onDrain = reader.enter;
      reader.enter();
    });
  } finally {
    socket?.off("drain", onDrain);
  }
  writer.onDrain = null;
}

const isTail = (value: unknown): value is LiveTail => typeof value === "object" && value !== null && "onReady" in value;

/**
 * The head goes out with the first item, or after a moment of silence: a source may refuse at once, with a status. A silent
 * source beats with its head, for there are readers and proxies that take an answer without a body for none.
 */
async function firstStep(
  iterator: AsyncIterator<unknown>,
  writer: Writer,
  { options, clock }: { readonly options: StreamOptions; readonly clock: Clock },
): Promise<IteratorResult<unknown>> {
  const { response, begin } = options;
  const isBegun = (): boolean => response.headersSent || response.destroyed;
  const cancel = clock.after(firstItemWaitMs, () => {
    if (isBegun()) return;
    begin(response);
    send(writer, writer.heartbeat, clock);
  });
  try {
    const step = await iterator.next();
    if (!isBegun()) begin(response);
    return step;
  } finally {
    cancel();
  }
}

const isOver = (response: ServerResponse, controller: AbortController): boolean =>
  controller.signal.aborted || response.destroyed || response.writableEnded;

function frameOf(item: unknown, format: StreamFormat, limits: HttpLimits): string {
  const frame = format.item(item);
  if (frame.length <= limits.streamItemBytesMax) return frame;
  throw new Problem(TooLarge, "An item is too large for a stream; read it from the list instead.", {
    sizeBytesMax: limits.streamItemBytesMax,
  });
}

/** Gathers what comes in one turn of the loop into one write. */
function add(writer: Writer, frame: string, clock: Clock): void {
  writer.pending += frame;
  if (writer.pending.length >= writer.batchBytesMax) return flush(writer, clock);
  if (writer.isFlushPlanned) return;
  writer.isFlushPlanned = true;
  clock.soon(() => flush(writer, clock));
}

function flush(writer: Writer, clock: Clock): void {
  writer.isFlushPlanned = false;
  const { response, pending } = writer;
  if (pending === "") return;
  writer.pending = "";
  if (!response.headersSent || response.destroyed || response.writableEnded) return;
  send(writer, pending, clock);
}

/**
 * As one chunk to the socket itself: through the response it would be four pieces, each with a write of its own. An answer in
 * HTTP/1.0 has no chunks, one that waits for its turn has no socket yet, and one that goes nowhere has none that is real.
 */
function send(writer: Writer, text: string, clock: Clock): void {
  const { response } = writer;
  const { socket } = response;
  if (!response.chunkedEncoding || socket === null || !isReal(socket))
    return wrote(writer, response.write(text), clock);
  if (!writer.isDirect) follows(writer, socket);
  wrote(writer, socket.write(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`), clock);
}

/** What an answer is given that goes nowhere is made to look like a socket, and counts no bytes. */
const isReal = (socket: Socket | { readonly bytesWritten: undefined }): boolean =>
  typeof socket.bytesWritten === "number";

/** Chunks are written past the response, whose own drain tells nothing of them. */
function follows(writer: Writer, socket: Socket): void {
  writer.isDirect = true;
  const onDrain = (): void => unblock(writer);
  socket.on("drain", onDrain);
  writer.response.once("close", () => socket.off("drain", onDrain));
}

/**
 * Runs are whole chunks already, so they go to the socket as they are: past the response, which would put a head and an end
 * around each for every client. An answer in HTTP/1.0 has no chunks, and one that waits for its turn has no socket yet.
 */
function sendRuns(writer: Writer, runs: readonly Run[], clock: Clock): void {
  const { response } = writer;
  const { socket } = response;
  const isDirect = response.chunkedEncoding && socket !== null;
  const to = isDirect ? socket : response;
  let canTakeMore = true;
  if (runs.length > 1) to.cork();
  for (const { chunk, bytes } of runs) canTakeMore = to.write(isDirect ? chunk : bytes);
  if (runs.length > 1) to.uncork();
  wrote(writer, canTakeMore, clock);
}

function wrote(writer: Writer, canTakeMore: boolean, clock: Clock): void {
  writer.writtenAtMs = clock.monotonicMs();
  if (!canTakeMore) block(writer, writer.writtenAtMs);
}

function block(writer: Writer, nowMs: number): void {
  if (writer.blockedAtMs !== 0) return;
  writer.blockedAtMs = Math.max(1, nowMs);
  writer.lostBefore = lostBy(writer);
}

const lostBy = ({ tail }: Writer): number => tail?.lostCount ?? 0;

function unblock(writer: Writer): void {
  writer.blockedAtMs = 0;
  writer.onDrain?.();
}

function drained(writer: Writer): Promise<void> {
  return new Promise((resolve) => {
    writer.onDrain = () => {
      writer.onDrain = null;
      resolve();
    };
    if (writer.response.destroyed || writer.blockedAtMs === 0) writer.onDrain();
  });
}

function tend(writer: Writer, nowMs: number, limits: HttpLimits): void {
  const { response } = writer;
  if (!response.headersSent) return;
  if (writer.blockedAtMs !== 0) {
    const isLate = nowMs - writer.blockedAtMs > limits.stalledMsMax;
    if (isLate || lostBy(writer) - writer.lostBefore > limits.stalledEventsMax) response.destroy();
    return;
  }
  if (nowMs - writer.writtenAtMs < limits.heartbeatMs) return;
  writer.writtenAtMs = nowMs;
  if (!response.write(writer.heartbeat)) block(writer, nowMs);
}
