/** How far a record answers without a gap. */
import { keptOf } from "../../base/kept-result.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Recorded } from "../episodes/contract.ts";
import type { Manifest } from "./contract.ts";
import { recordedOf, stepOf } from "./describe.ts";

interface Gaps {
  /** Positions of events that something was cut out of. */
  readonly cut: ReadonlySet<number>;
  /** Positions of events that name a content which holds a secret: its digest does not go along either. */
  readonly named: ReadonlySet<number>;
  /** Why a recorded content is not there; null when it is. */
  missing(ref: string): "gone" | "cut" | null;
  /** Whether an answer that stands in its event is the one that its digest names. */
  isAsNamed(recorded: Recorded): boolean;
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

function gapAt(event: Envelope, step: number | null, gaps: Gaps): string | null {
  const { cut, named } = gaps;
  const told = toldOf(event, step);
  if (cut.has(event.seq)) return cutWords(told);
  if (event.dropped === true) return `retention dropped the data of ${told}`;
  const why = missingAnswer(event, gaps);
  if (why !== null) return `the answer of ${told} ${why}`;
  return named.has(event.seq) ? namedWords(told) : null;
}

const toldOf = ({ seq }: Envelope, step: number | null): string => (step === null ? `event ${seq}` : `step ${step}`);
const cutWords = (told: string): string => `a secret was cut out of ${told}`;
const namedWords = (told: string): string => `a file of ${told} holds a secret and was left out`;
const cutAnswer = "holds a secret and was left out";
const goneAnswer = "is no longer kept";
const largeAnswer = "was too large to be kept";
const otherAnswer = "is not the one that its digest names";

function missingAnswer(event: Envelope, { missing, isAsNamed }: Gaps): string | null {
  const recorded = recordedOf(event);
  if (recorded === null) return null;
  if (recorded.kept === "inline") return isAsNamed(recorded) ? null : otherAnswer;
  if (recorded.kept === "digest") return largeAnswer;
  const why = missing(recorded.resultRef);
  if (why === "cut") return cutAnswer;
  return why === null ? null : goneAnswer;
}

/** What can be said of an event that something was cut out of, or that lost its digests: it does not show which it was. */
export function gapWords(event: Envelope): ReadonlySet<string> {
  const told = toldOf(event, stepOf(event));
  const answers = [cutAnswer, goneAnswer, largeAnswer, otherAnswer].map((why) => `the answer of ${told} ${why}`);
  return new Set([cutWords(told), namedWords(told), ...answers]);
}

/** All of it: what the replay takes for the answer is what the step was answered. */
export function isAsDigested({ kept, resultRef, resultSizeBytes, result }: Recorded): boolean {
  const found = keptOf(result ?? null).kept;
  return found.kept === kept && found.resultRef === resultRef && found.resultSizeBytes === resultSizeBytes;
}
