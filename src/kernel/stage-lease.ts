/**
 * The stage where a lease that lets a call pass is taken hold of: one use of it, and the most that the call can use up. What
 * is taken is written down right before the call runs; a call that comes to nothing before that gives it back.
 */
import type { Cost } from "../contract/operation.ts";
import type { Call, DispatchOptions } from "./call.ts";
import { isStream, spentOf } from "./stage-budget.ts";
import type { Budget, LeaseHold } from "./ports.ts";
import { isForQueue } from "./stage-gate.ts";
import { obey, policyCallOf } from "./stage-policy.ts";

const free: Cost = {};

/** What goes into the queue is asked about again when a worker runs it, and held then. */
export function lease(call: Call, { leases, budget }: Pick<DispatchOptions, "leases" | "budget">): void {
  const { ruling, request, prepared } = call;
  if (ruling?.otherwise === undefined || isForQueue(prepared.operation, request)) return;
  // A person has answered this very call: that is no use of anybody's lease.
  const isAnswered = request.approvalId !== undefined && ruling.otherwise.effect === "ask";
  const cost = budget.amounts(prepared.operation.cost?.(call.input as never) ?? free, call.scope);
  const hold = isAnswered ? null : (leases?.enter({ ...policyCallOf(call), cost }) ?? null);
  if (hold === null) return obey(call, ruling.otherwise);
  // It may be another one than the policies named, where that had too little left.
  call.ruling = { ...ruling, rule: `lease:${hold.leaseId}`, source: hold.grantedBy, leaseId: hold.leaseId };
  call.lease = hold;
  call.abort = call.abort === undefined ? hold.signal : AbortSignal.any([call.abort, hold.signal]);
}

/** Written down before the call runs. */
export const counted = (call: Call): void | Promise<void> => call.lease?.use();

/** Runs, and gives back what was not used. What a failed call used nobody can say, so all of it counts. */
export function leased(call: Call, budget: Budget, run: () => void | Promise<void>): void | Promise<void> {
  return call.lease === null ? run() : runAndSettle(call, call.lease, { budget, run });
}

interface Running {
  readonly budget: Budget;
  readonly run: () => void | Promise<void>;
}

async function runAndSettle(call: Call, hold: LeaseHold, { budget, run }: Running): Promise<void> {
  await run();
  if (isStream(call)) call.output = endedWithLease(call.output as AsyncIterable<unknown>, call, { hold, budget });
  else await settle(call, spentOf(call), { hold, budget });
}

interface Held {
  readonly hold: LeaseHold;
  readonly budget: Budget;
}

async function settle(call: Call, spent: Cost | null, { hold, budget }: Held): Promise<void> {
  if (spent !== null) await hold.settle(budget.amounts(spent, call.scope));
}

/** A stream lasts longer than its call. It ends with the lease even where its handler heeds no signal. */
async function* endedWithLease(items: AsyncIterable<unknown>, call: Call, { hold, budget }: Held): AsyncGenerator {
  const { spent } = call.prepared.operation;
  let said: Cost | null = null;
  try {
    for await (const item of items) {
      if (hold.signal.aborted) throw hold.signal.reason;
      said = spent?.(item, call.input as never) ?? said;
      yield item;
    }
  } finally {
    await settle(call, said, { hold, budget });
  }
}
