/** Counts what a connection of a child sends against the allowances that speak of it, before it leaves. */
import { Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { Budget, BudgetCall, Reservation } from "../../kernel/ports.ts";

interface ChildMeter {
  /** Before so many bytes more go out. Throws what is in their way. One at a time. */
  sends(bytes: number): void | Promise<void>;
  /** Gives back what was not sent. */
  settle(bytesOut: number): Promise<void>;
}

export type ChildBudget = Pick<Budget, "reserve" | "ask" | "bytesOutLeft">;
type Sender = Pick<BudgetCall, "key" | "caller" | "scope" | "corrId">;

/** Small, so that connections beside each other leave room for each other; what sends much takes as much again each time. */
const chunkBytesMin = 16_384;
const chunkBytesMax = 16_777_216;

interface Taken {
  readonly reservation: Reservation;
  readonly bytes: number;
}

/** Throws where nothing may be sent at all. */
export async function openMeter(sender: Sender, budget: ChildBudget): Promise<ChildMeter> {
  const taken: Taken[] = [];
  let takenTotal = 0;
  let room = 0;
  let uncounted = 0;
  const take = async (part: NonNullable<BudgetCall["part"]>, bytes: number): Promise<void> => {
    const call = { ...sender, part, cost: { bytesOut: bytes }, durationMsMax: null };
    refuseAsked(call, budget);
    const reservation = await budget.reserve(call);
    if (reservation !== null) taken.push({ reservation, bytes });
    takenTotal += bytes;
    room += bytes;
  };
  const extend = async (bytes: number, by: number): Promise<void> => {
    await take("bytes", by);
    room -= bytes;
  };
  const chunkOf = (left: number): number =>
    Math.min(left, Math.max(chunkBytesMin, Math.min(chunkBytesMax, takenTotal)));
  const first = budget.bytesOutLeft(sender);
  await take("connection", first === null ? 0 : Math.max(1, chunkOf(first)));
  return {
    sends(bytes) {
      if (bytes <= room) {
        room -= bytes;
        return undefined;
      }
      const left = budget.bytesOutLeft(sender);
      const needed = bytes - room;
      if (left !== null) return extend(bytes, Math.max(needed, chunkOf(left)));
      room = 0;
      uncounted += needed;
      return undefined;
    },
    async settle(bytesOut) {
      const parts = taken.splice(0);
      let rest = Math.max(0, bytesOut - uncounted);
      for (const [index, { reservation, bytes }] of parts.entries()) {
        // What headers and frames came to beyond what was taken counts, too.
        const used = index === parts.length - 1 ? rest : Math.min(bytes, rest);
        rest -= used;
        await reservation.settle({ bytesOut: used }, 0);
      }
    },
  };
}

function refuseAsked(call: BudgetCall, budget: ChildBudget): void {
  const asked = budget.ask(call);
  if (asked === null) return;
  const { rule, source, reason } = asked;
  const next = "wait for the next window, or set a larger allowance in place of this one: arw allowances";
  throw new Problem(Denied, `nobody can be asked on the way: ${reason}`, { rule, source, next });
}
