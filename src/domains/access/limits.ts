/** How often callers from outside may try, change and read, each counted by itself. */
import { createRateWindow, type RateWindow } from "../../base/rate-window.ts";
import type { Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { TooManyRequests } from "../../contract/standard-problems.ts";

/** So many within so long. */
export interface Rate {
  readonly limit: number;
  readonly windowMs: number;
}

export interface Rates {
  /** Wrong tokens and codes per address, and apart from them changes per token and address. */
  readonly admin: Rate;
  /** Reads per token and address. A page that reads much leaves its person the right to change something. */
  readonly reads: Rate;
}

/** Who calls from where, and whether it is a person. */
export interface Holder {
  readonly name: string;
  readonly isPerson: boolean;
}

type Wanted = Pick<Operation, "id" | "effect" | "isRoutine" | "isWayOut">;

export interface Limits {
  /** Counts a wrong token or code. Throws `TooManyRequests` above the limit. */
  wrong(address: string, nowMs: number): void;
  /** Counts a call under a right one. Throws `TooManyRequests` above the limit. */
  call(holder: Holder, wanted: Wanted, nowMs: number): void;
}

/** Addresses remembered for their wrong tokens; the window forgets the quiet ones first. */
const addressesMax = 4_096;
/** Tokens and sign-ins, each from the few addresses that their holder has. */
const holdersMax = 2_048;
/** A person has about twenty calls that stop or take back, each counted by itself. */
const waysOutMax = 4 * holdersMax;

export function createLimits({ admin, reads }: Rates): Limits {
  // Apart, so that no flood of wrong tokens takes anything from whoever has the right one.
  const wrong = createRateWindow({ ...admin, keysMax: addressesMax });
  const changing = createRateWindow({ ...admin, keysMax: holdersMax });
  // Whatever else a person does, and however often, takes no stop and no taking back from them.
  const takingBack = createRateWindow({ ...reads, keysMax: waysOutMax });
  const reading = createRateWindow({ ...reads, keysMax: holdersMax });
  return {
    wrong: (address, nowMs) => take(wrong, address, { nowMs, what: "Too many wrong tokens or codes." }),
    call({ name: holder, isPerson }, { id, effect, isRoutine, isWayOut }, nowMs) {
      const often = `in ${reads.windowMs / 1000} s.`;
      if (isWayOut === true && isPerson)
        return take(takingBack, `${holder} ${id}`, { nowMs, what: `Over ${reads.limit} calls of ${id} ${often}` });
      // Receipts and renewals come with the work, as often as it does: they change nothing that a person decides.
      if (effect === "read" || isRoutine === true)
        take(reading, holder, { nowMs, what: `Over ${reads.limit} reads ${often}` });
      else take(changing, holder, { nowMs, what: `Over ${admin.limit} changes in ${admin.windowMs / 1000} s.` });
    },
  };
}

function take(window: RateWindow, key: string, { nowMs, what }: { nowMs: number; what: string }): void {
  const answer = window.take(key, nowMs);
  if (!answer.ok) throw new Problem(TooManyRequests, what, { retryAfterMs: answer.retryAfterMs });
}
