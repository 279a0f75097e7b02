/** What the replay of a record says of it that ends before its run: a secret was cut out of it, or an answer is not kept. */
import type { ReplayReport } from "../agents/contract.ts";
import { noDigest } from "./cut.ts";
import type { Manifest } from "./manifest.ts";

/** As the manifest says it, where it speaks of the same step. */
export const gapOf = ({ verdict, replayableToStep }: ReplayReport, { replayable }: Manifest): string | null =>
  verdict !== "incomplete"
    ? null
    : replayable.toStep === replayableToStep && replayable.reason !== null
      ? replayable.reason
      : `the answer of step ${(replayableToStep ?? 0) + 1} is not kept, or a secret was cut out of it`;

/** A replay of what leaves a hub is judged as far as it left whole. */
export function judged(report: ReplayReport, manifest: Manifest): ReplayReport {
  // Steps that were cut out whole are steps of the run, too.
  const recorded = Math.max(report.steps.recorded, manifest.replayable.ofSteps);
  const counted = { ...report, steps: { ...report.steps, recorded } };
  return beyondCut(counted, manifest) ? incomplete(counted, manifest) : counted;
}

/**
 * What differs behind the place where a secret was cut out differs for that. Without such a place nothing is behind it: a signer
 * who leaves that out hides no words of their own.
 */
function beyondCut({ verdict, divergence }: ReplayReport, { cuts, replayable }: Manifest): boolean {
  const { gapSeq, toStep } = replayable;
  if (verdict !== "diverged" || cuts.events + cuts.blobs === 0 || gapSeq === undefined) return false;
  if (divergence === null || divergence.seq === null || divergence.seq >= gapSeq) return true;
  // Of the steps behind the gap also what is told before it has lost its digests.
  return divergence.step !== null && divergence.step > toStep && hasLostDigests(divergence.recorded);
}

const hasLostDigests = (recorded: unknown): boolean => JSON.stringify(recorded ?? null).includes(noDigest);

const incomplete = (report: ReplayReport, { replayable }: Manifest): ReplayReport => ({
  ...report,
  verdict: "incomplete",
  divergence: null,
  replayableToStep: Math.min(replayable.toStep, report.steps.replayed),
});
