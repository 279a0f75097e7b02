/** What the journal tells of a run when its task is tried again: how the run ended, or that nobody runs it. */
import { Problem, type ProblemDefinition } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Cancelled, Internal } from "../../contract/standard-problems.ts";
import {
  Interrupted,
  TaskCancelled,
  TaskEnqueued,
  TaskFailed,
  TaskFinished,
  TaskRetried,
  TaskStarted,
} from "../../contract/task.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { Run, RunCancelled, RunDidNotFinish, RunFailed, RunFinished, RunInterrupted } from "./contract.ts";

type Parts = Pick<KernelParts, "kernel">;

function newest({ kernel }: Parts, corrId: string, kinds: readonly string[]) {
  return kernel.journal.read({ corrId, kinds, order: "desc", limit: 1 })[0];
}

/** The queue tries a run's task once, so a retry stands for an attempt that the end of the hub cut off. */
export const isTriedAgain = (parts: Parts, episode: string): boolean =>
  newest(parts, episode, [TaskEnqueued.kind, TaskRetried.kind])?.kind === TaskRetried.kind;

const taskKinds = [TaskEnqueued, TaskStarted, TaskRetried, TaskFinished, TaskFailed, TaskCancelled].map(
  (each) => each.kind,
);

/** A run that was resumed, and whose task no worker took before the hub ended: its turn will come. */
export function waitsForWorker(parts: Parts, episode: string): boolean {
  const last = newest(parts, episode, taskKinds);
  return last?.kind === TaskEnqueued.kind && (last.data as { operation?: string } | null)?.operation === Run.id;
}

const endKinds = [RunFinished, RunFailed, RunCancelled, RunInterrupted].map((each) => each.kind);

/** Ends as the run ended. Throws the problem that it ended with; an interrupted run waits for a person. */
export function formerEnd(parts: Parts, episode: string): Static<typeof Run.output> {
  const end = newest(parts, episode, endKinds);
  if (end?.kind === RunFinished.kind) {
    const { outcome, notDone, output } = end.data as Static<typeof RunFinished.data>;
    return { episode, outcome, notDone: [...notDone], output: output ?? null };
  }
  if (end?.kind === RunFailed.kind) throw failureOf(end.data as Static<typeof RunFailed.data>);
  if (end?.kind === RunCancelled.kind) throw new Problem(Cancelled, (end.data as { reason: string }).reason);
  throw new Problem(Interrupted, "the hub ended while the run was going");
}

function failureOf({ code, error }: Static<typeof RunFailed.data>): Problem {
  const known: readonly ProblemDefinition[] = [...Run.problems, Internal];
  const own = known.find((each) => each.code === code);
  return own === undefined ? new Problem(RunDidNotFinish, error, { causeCode: code }) : new Problem(own, error);
}
