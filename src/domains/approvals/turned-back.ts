/** A call that waits for no answer hears of no refusal, so the list of what left the hub is told of it with the answer. */
import type { Exits } from "../../kernel/ports.ts";
import type { Approval } from "./contract.ts";

/** Asked late, as what leaves the hub is ruled by answers, too. */
export interface ExitDesk {
  readonly exits?: (() => Exits) | undefined;
}

export function turnedBack(known: Approval, reason: string, { exits }: ExitDesk): readonly Promise<void>[] {
  const { isResumable, host, key, caller, corrId, rule, ruleSource = "policies" } = known;
  if (!isResumable || host === undefined || exits === undefined) return [];
  return [exits().turnedBack({ key, caller, corrId, host, rule, source: ruleSource, reason })];
}
