/** Tells the story of a job while it grows: read in pulses, so that a fast job costs no more calls than a slow one. */
import { createLimiter } from "../../base/async.ts";
import { CallFailed } from "./port.ts";

export interface StoryOptions {
  readonly afterSeq: number;
  /** Tells a page of what came after a position, and answers how far that went. */
  tellAfter(afterSeq: number): Promise<{ readonly seq: number; readonly isMore: boolean }>;
  wait(delayMs: number, signal: AbortSignal): Promise<void>;
  /** The story cannot be read at all. */
  failed(error: unknown): void;
  readonly signal: AbortSignal;
}

export interface Story {
  /** There is something to tell up to this position; it is told at once or with the next pulse. */
  due(seq: number): void;
  /** Tells all that is due, and answers whether it could: before a question, and after the last event. */
  now(): Promise<boolean>;
}

/** A person reads no quicker than this, and a hub answers 1,200 reads a minute, which several terminals may share. */
export const pulseMs = 250;
const tooManyStatus = 429;

export function createStory({ afterSeq, tellAfter, wait, failed, signal }: StoryOptions): Story {
  const turns = createLimiter(1);
  let toldSeq = afterSeq;
  let dueSeq = afterSeq;
  let isBeating = false;

  const tell = (): Promise<void> =>
    turns.run(async () => {
      // What becomes due meanwhile is for the next pulse: a job may be quicker than the reading.
      const upTo = dueSeq;
      while (toldSeq < upTo) {
        const { seq, isMore } = await tellAfter(toldSeq);
        toldSeq = isMore ? seq : Math.max(upTo, seq);
      }
    });

  const beat = async (): Promise<void> => {
    while (toldSeq < dueSeq) await wait(await restAfter(tell), signal);
    isBeating = false;
  };

  return {
    due(seq) {
      dueSeq = Math.max(dueSeq, seq);
      if (isBeating || toldSeq >= dueSeq) return;
      isBeating = true;
      beat().catch((error: unknown) => {
        if (!signal.aborted) failed(error);
      });
    },
    now: () => tell().then(() => true, refusedForNow),
  };
}

/** How long it is quiet after one reading. */
const restAfter = (tell: () => Promise<void>): Promise<number> =>
  tell().then(
    () => pulseMs,
    (error: unknown) => {
      refusedForNow(error);
      return Math.max(pulseMs, retryAfterMsOf(error) ?? 0);
    },
  );

function refusedForNow(error: unknown): false {
  if (retryAfterMsOf(error) === undefined) throw error;
  return false;
}

/** When a call that came too often may come again; undefined for every other failure. */
export function retryAfterMsOf(error: unknown): number | undefined {
  if (!(error instanceof CallFailed) || error.document.status !== tooManyStatus) return undefined;
  const { retryAfterMs } = error.document;
  return typeof retryAfterMs === "number" ? retryAfterMs : pulseMs;
}
