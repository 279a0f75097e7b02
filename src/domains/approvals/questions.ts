/** The questions that wait: who is to be told the answer, and when it is too late for one. */
import { type Deferred, deferred } from "../../base/async.ts";
import type { Clock, Decision, Log } from "../../kernel/ports.ts";

export interface Questions {
  /** `timeoutMs` is what it was given when it was asked: a clock that was set back since makes no more of it. */
  open(approvalId: string, until: { readonly expiresAtMs: number; readonly timeoutMs: number }): void;
  answer(approvalId: string): Promise<Decision>;
  /** True for the one who may answer now: two answers at the same moment must not both be written. */
  claim(approvalId: string): boolean;
  /** The answer was not written; the question waits on. */
  release(approvalId: string): void;
  /** Tells whoever waits; a question that nobody knows any more is none. */
  settle(approvalId: string, decision: Decision): void;
}

interface QuestionsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly expire: (approvalId: string) => Promise<void>;
}

/** Timers hold 31 bits; a later end is armed again. */
const timerMsMax = 2_000_000_000;
/** An end that could not be written is tried again: the disk may have space by then. */
const expireAgainMs = 60_000;

interface Question {
  readonly answered: Deferred<Decision>;
  isClaimed: boolean;
  cancel: () => void;
}

export function createQuestions({ clock, log, expire }: QuestionsOptions): Questions {
  const open = new Map<string, Question>();
  const arm = (approvalId: string, leftMs: number): (() => void) =>
    clock.after(Math.min(timerMsMax, leftMs), () => {
      const question = open.get(approvalId);
      if (question === undefined) return;
      if (leftMs > timerMsMax) question.cancel = arm(approvalId, leftMs - timerMsMax);
      else
        expire(approvalId).catch((error: unknown) => {
          log.error("an approval could not expire", { approvalId, error: String(error) });
          question.cancel = arm(approvalId, expireAgainMs);
        });
    });
  return {
    open(approvalId, { expiresAtMs, timeoutMs }) {
      const leftMs = Math.max(0, Math.min(timeoutMs, expiresAtMs - clock.nowMs()));
      open.set(approvalId, { answered: deferred<Decision>(), isClaimed: false, cancel: arm(approvalId, leftMs) });
    },
    answer: (approvalId) =>
      open.get(approvalId)?.answered.promise ?? Promise.resolve({ kind: "denied", reason: "the question is closed" }),
    claim(approvalId) {
      const question = open.get(approvalId);
      if (question === undefined || question.isClaimed) return false;
      question.isClaimed = true;
      return true;
    },
    release(approvalId) {
      const question = open.get(approvalId);
      if (question !== undefined) question.isClaimed = false;
    },
    settle(approvalId, decision) {
      const question = open.get(approvalId);
      open.delete(approvalId);
      question?.cancel();
      question?.answered.resolve(decision);
    },
  };
}
