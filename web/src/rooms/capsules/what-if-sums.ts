/** What a what-if comes to in numbers. Pure. */
import type { WhatIf } from "./capsules-api.ts";

type Difference = WhatIf["differences"][number];

export interface QuestionSums {
  readonly askedThen: number;
  /** Behind the horizon nobody knows what would be asked. */
  readonly askedNow: number | null;
  /** Answered by the rules. */
  readonly saved: number;
  /** Not put because the rules refuse the call. */
  readonly blocked: number;
  /** The run does not come to them any more. */
  readonly idle: number;
  readonly added: number;
}

/** Where the questions went: a question that is not put because its call is refused is no question saved. */
export function questionSums({
  approvals: { asked, saved: gone, added },
  differences,
  unknownAfterStep,
}: Pick<WhatIf, "approvals" | "differences" | "unknownAfterStep">): QuestionSums {
  const count = (...results: readonly Difference["result"][]): number =>
    differences.filter(({ was, result }) => was.effect === "ask" && results.includes(result)).length;
  const blocked = Math.min(count("blocked"), gone);
  const saved = Math.min(count("saved", "opened"), gone - blocked);
  const askedNow = unknownAfterStep === null ? asked - gone + added : null;
  return { askedThen: asked, askedNow, saved, blocked, idle: gone - blocked - saved, added };
}
