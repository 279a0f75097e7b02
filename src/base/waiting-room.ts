/** What waits for a person: who is to be told the answer, and when it is too late for one. */
import { type Deferred, deferred } from "./async.ts";

export interface Opening<Waiting> {
  readonly expiresAtMs: number;
  /** What it was given when it was asked: a clock that was set back since makes no more of it. */
  readonly timeoutMs: number;
  /** What is known of one that waits inside and will come for the answer; gone with the hub. */
  readonly waiting?: Waiting;
}

export interface WaitingRoom<Answer, Waiting = never> {
  open(questionId: string, opening: Opening<Waiting>): void;
  waiting(questionId: string): Waiting | undefined;
  /** The answer to a question that waits or was answered since it was asked; null when nobody knows it. */
  answer(questionId: string): Promise<Answer> | null;
  /** True for the one who may answer now: two answers at the same moment must not both be written. */
  claim(questionId: string): boolean;
  /** The answer was not written; the question waits on. */
  release(questionId: string): void;
  /** Tells whoever waits; a question that nobody knows any more is none. */
  settle(questionId: string, answer: Answer): void;
  /** Nobody waits any more. */
  forget(questionId: string): void;
}

interface WaitingRoomOptions {
  readonly clock: { nowMs(): number; after(delayMs: number, run: () => void): () => void };
  readonly log: { error(message: string, fields: Readonly<Record<string, unknown>>): void };
  /** What the log says of one whose end could not be written, which is tried again. */
  readonly unexpired: string;
  readonly expire: (questionId: string) => Promise<void>;
}

/** Timers hold 31 bits; a later end is armed again. */
const timerMsMax = 2_000_000_000;
/** An end that could not be written is tried again: the disk may have space by then. */
const expireAgainMs = 60_000;

interface Question<Answer, Waiting> {
  readonly answered: Deferred<Answer>;
  readonly waiting: Waiting | undefined;
  isClaimed: boolean;
  isSettled: boolean;
  cancel: () => void;
}

export function createWaitingRoom<Answer, Waiting = never>({
  clock,
  log,
  unexpired,
  expire,
}: WaitingRoomOptions): WaitingRoom<Answer, Waiting> {
  const open = new Map<string, Question<Answer, Waiting>>();
  const arm = (questionId: string, leftMs: number): (() => void) =>
    clock.after(Math.min(timerMsMax, leftMs), () => {
      const question = open.get(questionId);
      if (question === undefined || question.isSettled) return;
      if (leftMs > timerMsMax) question.cancel = arm(questionId, leftMs - timerMsMax);
      else
        expire(questionId).catch((error: unknown) => {
          log.error(unexpired, { questionId, error: String(error) });
          question.cancel = arm(questionId, expireAgainMs);
        });
    });
  return {
    open(questionId, { expiresAtMs, timeoutMs, waiting }) {
      const leftMs = Math.max(0, Math.min(timeoutMs, expiresAtMs - clock.nowMs()));
      const cancel = arm(questionId, leftMs);
      open.set(questionId, { answered: deferred<Answer>(), waiting, isClaimed: false, isSettled: false, cancel });
    },
    waiting: (questionId) => open.get(questionId)?.waiting,
    answer: (questionId) => open.get(questionId)?.answered.promise ?? null,
    claim(questionId) {
      const question = open.get(questionId);
      if (question === undefined || question.isClaimed) return false;
      question.isClaimed = true;
      return true;
    },
    release(questionId) {
      const question = open.get(questionId);
      if (question !== undefined) question.isClaimed = false;
    },
    settle(questionId, answer) {
      const question = open.get(questionId);
      if (question === undefined) return;
      question.cancel();
      question.isSettled = true;
      question.answered.resolve(answer);
      // Whoever waits inside may not have come to ask for the answer yet, which may hold what they are to run.
      if (question.waiting === undefined) open.delete(questionId);
    },
    forget(questionId) {
      open.get(questionId)?.cancel();
      open.delete(questionId);
    },
  };
}
