/** What the replay of a record says of it that ends before its run: a secret was cut out of it, or an answer is not kept. */
import type { ReplayReport } from "../agents/contract.ts";
import type { Manifest } from "./manifest.ts";

/** As the manifest says it, where it speaks of the same step. */
export const gapOf = ({ verdict, replayableToStep }: ReplayReport, { replayable }: Manifest): string | null =>
  verdict !== "incomplete"
    ? null
    : replayable.toStep === replayableToStep && replayable.reason !== null
      ? replayable.reason
      : `the answer of step ${(replayableToStep ?? 0) + 1} is not kept, or a secret was cut out of it`;

/** A replay of what leaves a hub is judged as far as it left whole. */
export const judged = (report: ReplayReport, manifest: Manifest): ReplayReport =>
  beyondCut(report, manifest) ? incomplete(report, manifest) : report;

/** What differs behind the place where a secret was cut out differs for that. */
function beyondCut({ verdict, divergence }: ReplayReport, { cuts, replayable }: Manifest): boolean {
  if (verdict !== "diverged" || cuts.events + cuts.blobs === 0) return false;
  if (divergence === null) return true;
  if (divergence.step !== null) return divergence.step > replayable.toStep;
  // What is said between two steps has no number; its place tells on which side of the gap it stands. Without a place of the
  // gap nothing is behind it: a signer who leaves that out hides no words of their own.
  return replayable.gapSeq !== undefined && (divergence.seq === null || divergence.seq >= replayable.gapSeq);
}

const incomplete = (report: ReplayReport, { replayable }: Manifest): ReplayReport => ({
  ...report,
  verdict: "incomplete",
  divergence: null,
  replayableToStep: Math.min(replayable.toStep, report.steps.replayed),
});
