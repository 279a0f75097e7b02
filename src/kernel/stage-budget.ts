/** The stage that takes from allowances what a call can use at most, and gives the rest back once it ran. */
import { isBudgeted, mayBeAsked } from "../contract/budgeted.ts";
import { type Cost, deadlineMsOf } from "../contract/operation.ts";
import { isProblem } from "../contract/problem.ts";
import { type Call, nobody } from "./call.ts";
import type { Budget, BudgetCall, Clock, Reservation } from "./ports.ts";

const free: Cost = {};

/** A job is paid for when a worker runs it. */
export function reserve(call: Call, budget: Budget): void | Promise<void> {
  const { operation } = call.prepared;
  if (!isBudgeted(call.caller ?? nobody, operation)) return undefined;
  if (operation.mode === "job" && call.request.isInline !== true) return undefined;
  const taken = budget.reserve(budgetCallOf(call));
  if (taken === null) return undefined;
  return hold(call, taken);
}

function budgetCallOf(call: Call): BudgetCall {
  const { key, operation } = call.prepared;
  const { corrId, scope } = call;
  const cost = operation.cost?.(call.input as never) ?? free;
  return { key, caller: call.caller ?? nobody, scope, corrId, cost, durationMsMax: deadlineMsOf(operation) };
}

/** Over a soft limit, a call that the policies allow may have to wait for a person. It opens nothing. */
export function narrow(call: Call, budget: Budget): void {
  if (call.ruling?.effect !== "allow" || !mayBeAsked(call.caller ?? nobody, call.prepared.operation)) return;
  const asked = budget.ask(budgetCallOf(call));
  // A lease stands above no ceiling, so such a question is asked each time.
  if (asked !== null) call.ruling = { ...asked, isLeasable: false };
}

async function hold(call: Call, taken: Promise<Reservation>): Promise<void> {
  call.reservation = await taken;
}

/** The last question before a call runs; a refusal gives back all that was taken. */
export function refunded(call: Call, ask: () => void | Promise<void>): void | Promise<void> {
  return call.reservation === null ? ask() : askAndRefund(ask, call.reservation);
}

async function askAndRefund(ask: () => void | Promise<void>, reservation: Reservation): Promise<void> {
  try {
    await ask();
  } catch (error) {
    await reservation.settle(free, 0);
    throw error;
  }
}

/** Runs, and settles whatever came of it. Where nobody can say what a failed call used, all of it counts. */
export function settled(call: Call, clock: Clock, run: () => void | Promise<void>): void | Promise<void> {
  return call.reservation === null ? run() : runAndSettle(call, call.reservation, { clock, run });
}

interface Running {
  readonly clock: Clock;
  readonly run: () => void | Promise<void>;
}

async function runAndSettle(call: Call, reservation: Reservation, { clock, run }: Running): Promise<void> {
  const startedMs = clock.monotonicMs();
  try {
    await run();
  } catch (error) {
    await reservation.settle(spentInVain(call, error), clock.monotonicMs() - startedMs);
    throw error;
  }
  if (isStream(call)) call.output = settledAtEnd(call, reservation, { clock, startedMs });
  else await reservation.settle(spentOf(call), clock.monotonicMs() - startedMs);
}

export const isStream = ({ prepared, outcome }: Call): boolean =>
  prepared.operation.mode === "many" && outcome === null;

/** A stream is paid for once it is over; one that broke off, or that nobody read, leaves all of it taken. */
async function* settledAtEnd(
  { prepared, input, output }: Call,
  reservation: Reservation,
  { clock, startedMs }: { readonly clock: Clock; readonly startedMs: number },
): AsyncGenerator {
  const { spent } = prepared.operation;
  let said: Cost | null = null;
  try {
    for await (const item of output as AsyncIterable<unknown>) {
      said = spent?.(item, input as never) ?? said;
      yield item;
    }
  } catch (error) {
    said ??= spentInVain({ prepared, input }, error);
    throw error;
  } finally {
    await reservation.settle(said, clock.monotonicMs() - startedMs);
  }
}

const spentInVain = ({ prepared, input }: Pick<Call, "prepared" | "input">, error: unknown): Cost | null =>
  isProblem(error) ? (prepared.operation.spentInVain?.(error, input as never) ?? null) : null;

/** What a call used in the end; null when nobody can say. */
export function spentOf(call: Call): Cost | null {
  const { operation } = call.prepared;
  if (call.outcome?.kind === "unchanged") return free;
  if (operation.mode === "many" || operation.spent === undefined) return null;
  return operation.spent(call.output, call.input as never);
}
