/** Reads a stream of server-sent events across broken connections. Imports nothing but the parser, and is shared like it. */
import { createSseParser, type SseFrame } from "./sse-parser.ts";

export interface ResumingOptions {
  /** Opens the stream after the frame with this id; rejects with what `canRetry` judges. */
  open(lastEventId: string | undefined): Promise<AsyncIterable<Uint8Array>>;
  /** Whether another try may help. Errors of reading, after a stream was open, always may. */
  canRetry(error: unknown): boolean;
  /** The error that a frame stands for: the hub's last word when something failed after the stream began. */
  failureOf(frame: SseFrame): Error | undefined;
  /** Waits, or rejects when the caller leaves. */
  wait(delayMs: number): Promise<void>;
  readonly signal?: AbortSignal | undefined;
  /** Tries without a frame between them before giving up. */
  readonly triesMax?: number;
}

/** Ten tries take about half a minute: long enough for a restart of the hub. */
const triesMaxDefault = 10;
const delayMsFirst = 250;
/** A person who waits notices a hub that came back within this time. */
const delayMsMax = 5000;

/** Milliseconds before the try with this number, from 1. */
export const retryDelayMs = (tries: number, firstMs: number = delayMsFirst): number =>
  Math.min(firstMs * 2 ** (tries - 1), Math.max(delayMsMax, firstMs));

/**
 * A stream whose frames carry ids is endless: when it ends, it is opened again behind the last id. One without ids has said
 * everything when it ends; when it breaks, the break is thrown, for opening it again would repeat.
 */
export async function* resumingFrames(options: ResumingOptions): AsyncGenerator<SseFrame, void, undefined> {
  const at: Position = { lastEventId: "", retryMs: undefined, tries: 1 };
  for (; ; at.tries += 1) {
    let broken: { readonly reason: unknown } | undefined;
    try {
      const bytes = await openChecked(options, at.lastEventId);
      for await (const frame of readFrames(bytes, at)) {
        throwIfFailed(options, frame);
        at.tries = 0;
        at.lastEventId = frame.id || at.lastEventId;
        yield frame;
      }
    } catch (error) {
      if (error instanceof Refused) throw error.cause;
      broken = { reason: error };
    }
    if (broken === undefined && at.lastEventId === "") return;
    options.signal?.throwIfAborted();
    const wouldRepeat = at.lastEventId === "" && at.tries === 0;
    if (wouldRepeat || at.tries >= (options.triesMax ?? triesMaxDefault)) {
      if (broken === undefined) return;
      throw broken.reason;
    }
    await options.wait(retryDelayMs(Math.max(at.tries, 1), at.retryMs));
  }
}

interface Position {
  lastEventId: string;
  retryMs: number | undefined;
  /** Tries since the last frame. */
  tries: number;
}

async function* readFrames(bytes: AsyncIterable<Uint8Array>, at: Position): AsyncGenerator<SseFrame, void, undefined> {
  const parser = createSseParser();
  for await (const chunk of bytes) {
    yield* parser.push(chunk);
    at.lastEventId = parser.lastEventId || at.lastEventId;
    at.retryMs = parser.retryMs ?? at.retryMs;
  }
}

/** Marks a failure that no further try helps. */
class Refused extends Error {}

function throwIfFailed(options: ResumingOptions, frame: SseFrame): void {
  const failure = options.failureOf(frame);
  if (failure === undefined) return;
  throw options.canRetry(failure) ? failure : new Refused("refused", { cause: failure });
}

async function openChecked(options: ResumingOptions, lastEventId: string): Promise<AsyncIterable<Uint8Array>> {
  options.signal?.throwIfAborted();
  try {
    return await options.open(lastEventId === "" ? undefined : lastEventId);
  } catch (error) {
    if (options.canRetry(error)) throw error;
    throw new Refused("refused", { cause: error });
  }
}
