/** Where a record ends before its run does: a secret was cut out of it, or an answer is not kept. */
import type { Bound } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { placeOfDifference, type Replayed, type Replayer } from "../agents/contract.ts";
import { gapOf, judged, type Recording } from "../capsules/contract.ts";
import type { Recorded } from "../episodes/contract.ts";
import { NotReplayable, type Spent } from "./contract.ts";
import { type Answers, asksModel, spentOf } from "./step-answers.ts";

export interface RecordGap {
  /** The last step that the record answers without a gap. */
  readonly step: number;
  /** Why it goes no further. */
  readonly why: string;
}

interface Judging {
  readonly recording: Recording;
  readonly replayer: Replayer;
  readonly signal: AbortSignal;
}

/** Null where the run replays to its end. Throws `NotReplayable` where it goes another way before anything is missing. */
export async function gapIn(asItWas: Replayed, { recording, replayer, signal }: Judging): Promise<RecordGap | null> {
  const { report, departedAt, unknownAfter } = asItWas;
  const isSame = report.verdict !== "diverged" && departedAt === null;
  if (isSame && unknownAfter === null && report.verdict !== "incomplete") return null;
  // A branch goes on behind what differs, so only a replay can say whether that stands behind what is missing.
  const found = isSame && unknownAfter !== null ? incompleteAt(report, unknownAfter.step) : report;
  const alone = isSame ? found : judged((await replayer.replay(recording, { signal })).report, recording.manifest);
  const missing = gapOf(alone, recording.manifest);
  if (missing !== null) return { step: alone.replayableToStep ?? 0, why: missing };
  const { divergence, steps } = alone;
  // Replayed by itself it may come to its end; then the step at which it was left is all that is known. 0 is the start.
  const step = divergence === null ? departedAt || null : divergence.step;
  const place = placeOfDifference(step, divergence === null ? 0 : steps.replayed);
  const why = divergence === null ? "" : `, ${divergence.why}`;
  throw new Problem(NotReplayable, `the run does not replay: it differs ${place}${why}`);
}

const incompleteAt = (report: Replayed["report"], replayableToStep: number): Replayed["report"] => ({
  ...report,
  verdict: "incomplete",
  replayableToStep,
});

/** What the record still tells of the steps behind its gap. */
export interface Behind {
  /** Of calls that are not known whole it is not known either what they were asked. */
  readonly mayAskModel: boolean;
  readonly workedMs: Spent["workedMs"];
}

export function behindGap(
  { events }: Recording,
  answers: Answers,
  operations: ReadonlyMap<string, Pick<Bound, "operation">>,
): Behind {
  const told = new Map<number, Recorded>();
  let isWhole = true;
  for (const { data } of events) {
    const { recorded, isCut } = (data ?? { isCut: true }) as { readonly recorded?: Recorded; readonly isCut?: unknown };
    if (isCut === true) isWhole = false;
    if (recorded !== undefined && answers.of(recorded.step) === undefined) told.set(recorded.step, recorded);
  }
  const rest = [...told.values()];
  const mayAsk = ({ tool }: Recorded): boolean => {
    const known = operations.get(tool);
    return known === undefined || asksModel(known.operation);
  };
  return {
    mayAskModel: !isWhole || rest.some(mayAsk),
    workedMs: isWhole ? rest.reduce((sum, { durationMs }) => sum + durationMs, 0) : "unknown",
  };
}

/** What the whole run took, its steps behind the gap among it. */
export function spentWith({ all }: Answers, { mayAskModel, workedMs }: Behind): Spent {
  const known = spentOf(all);
  return {
    ...(mayAskModel ? { tokens: "unknown", microUsd: "unknown" } : { tokens: known.tokens, microUsd: known.microUsd }),
    workedMs: workedMs === "unknown" || known.workedMs === "unknown" ? "unknown" : workedMs + known.workedMs,
  };
}
