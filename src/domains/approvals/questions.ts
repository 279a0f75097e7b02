/** The questions that wait: who is to be told the answer, and when it is too late for one. */
import { type Deferred, deferred } from "../../base/async.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Clock, Decision, Log } from "../../kernel/ports.ts";

/** A caller that waits inside its call, and what it asked for; both are gone with the hub. */
export interface WaitingCall {
  readonly caller: Caller;
  readonly input: unknown;
}

interface Opening {
  readonly expiresAtMs: number;
  /** What it was given when it was asked: a clock that was set back since makes no more of it. */
  readonly timeoutMs: number;
  readonly waiting?: WaitingCall;
}

export interface Questions {
  open(approvalId: string, opening: Opening): void;
  waiting(approvalId: string): WaitingCall | undefined;
  /** The answer to a question that waits or was answered since it was asked; null when nobody knows it. */
  answer(approvalId: string): Promise<Decision> | null;
  /** True for the one who may answer now: two answers at the same moment must not both be written. */
  claim(approvalId: string): boolean;
  /** The answer was not written; the question waits on. */
  release(approvalId: string): void;
  /** Tells whoever waits; a question that nobody knows any more is none. */
  settle(approvalId: string, decision: Decision): void;
  /** Nobody waits any more. */
  forget(approvalId: string): void;
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
  readonly waiting: WaitingCall | undefined;
  isClaimed: boolean;
  isSettled: boolean;
  cancel: () => void;
}

export function createQuestions({ clock, log, expire }: QuestionsOptions): Questions {
  const open = new Map<string, Question>();
  const arm = (approvalId: string, leftMs: number): (() => void) =>
    clock.after(Math.min(timerMsMax, leftMs), () => {
      const question = open.get(approvalId);
      if (question === undefined || question.isSettled) return;
      if (leftMs > timerMsMax) question.cancel = arm(approvalId, leftMs - timerMsMax);
      else
        expire(approvalId).catch((error: unknown) => {
          log.error("an approval could not expire", { approvalId, error: String(error) });
          question.cancel = arm(approvalId, expireAgainMs);
        });
    });
  return {
    open(approvalId, { expiresAtMs, timeoutMs, waiting }) {
      const leftMs = Math.max(0, Math.min(timeoutMs, expiresAtMs - clock.nowMs()));
      const cancel = arm(approvalId, leftMs);
      open.set(approvalId, { answered: deferred<Decision>(), waiting, isClaimed: false, isSettled: false, cancel });
    },
    waiting: (approvalId) => open.get(approvalId)?.waiting,
    answer: (approvalId) => open.get(approvalId)?.answered.promise ?? null,
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
      if (question === undefined) return;
      question.cancel();
      question.isSettled = true;
      question.answered.resolve(decision);
      // Whoever waits inside may not have come to ask for the answer yet, which may hold what they are to run.
      if (question.waiting === undefined) open.delete(approvalId);
    },
    forget(approvalId) {
      open.get(approvalId)?.cancel();
      open.delete(approvalId);
    },
  };
}
