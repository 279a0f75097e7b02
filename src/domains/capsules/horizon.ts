/** How far a record answers without a gap. */
import type { Envelope } from "../../contract/event.ts";
import type { Manifest } from "./contract.ts";
import { recordedOf, stepOf } from "./describe.ts";

interface Gaps {
  /** Positions of events that something was cut out of. */
  readonly cut: ReadonlySet<number>;
  /** Positions of events that name a content which holds a secret: its digest does not go along either. */
  readonly named: ReadonlySet<number>;
  /** Why a recorded content is not there; null when it is. */
  missing(ref: string): "gone" | "cut" | null;
}

export type Horizon = Manifest["replayable"];

/** The steps before the first one whose answer, or what stands beside it, is not there as it was. */
export function horizonOf(events: readonly Envelope[], ofSteps: number, gaps: Gaps): Horizon {
  const answered = new Set<number>();
  for (const event of events) {
    const step = stepOf(event);
    const reason = gapAt(event, step, gaps);
    if (reason !== null) return { toStep: unbroken(answered), ofSteps, reason, gapSeq: event.seq };
    if (step !== null) answered.add(step);
  }
  const toStep = unbroken(answered);
  const reason = toStep < ofSteps ? `nothing is recorded of step ${toStep + 1}` : null;
  return { toStep, ofSteps, reason };
}

/** Steps of one turn may end in any order. */
function unbroken(answered: ReadonlySet<number>): number {
  let step = 0;
  while (answered.has(step + 1)) step += 1;
  return step;
}

function gapAt(event: Envelope, step: number | null, { cut, named, missing }: Gaps): string | null {
  const told = step === null ? `event ${event.seq}` : `step ${step}`;
  if (cut.has(event.seq)) return `a secret was cut out of ${told}`;
  if (event.dropped === true) return `retention dropped the data of ${told}`;
  const why = missingAnswer(event, missing);
  if (why !== null) return `the answer of ${told} ${why}`;
  return named.has(event.seq) ? `a file of ${told} holds a secret and was left out` : null;
}

function missingAnswer(event: Envelope, missing: Gaps["missing"]): string | null {
  const recorded = recordedOf(event);
  if (recorded === null || recorded.kept === "inline") return null;
  if (recorded.kept === "digest") return "was too large to be kept";
  const why = missing(recorded.resultRef);
  if (why === "cut") return "holds a secret and was left out";
  return why === null ? null : "is no longer kept";
}
