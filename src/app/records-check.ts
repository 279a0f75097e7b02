/** How much is kept of runs: answers, and files as they were before they were changed. */
import { formatBytes, formatDurationMs } from "../base/units.ts";
import { ObservationRecorded } from "../domains/episodes/contract.ts";
import type { RetentionRule } from "../domains/journal/port.ts";
import type { HubFacts } from "../domains/system/port.ts";
import type { Recorder } from "../kernel/recorder.ts";

type Check = Awaited<ReturnType<HubFacts["checks"]>>[number];

/** Answers up to 64 KiB stand in events, and go by the same age as contents beside the journal, with a ceiling of their own. */
export const recordedRule = (limits: {
  readonly ageMsMax: number;
  readonly inlineBytesMax: number;
}): RetentionRule => ({
  prefix: ObservationRecorded.kind,
  ageMsMax: limits.ageMsMax,
  sizeBytesMax: limits.inlineBytesMax,
});

/** Over the ceiling is no fault: the next sweep drops the oldest. */
export const recordsCheck = (recorder: () => Pick<Recorder, "usage">): { health(): Check } => ({
  health() {
    const usage = recorder().usage();
    if (usage === null) return { name: "records", ok: true, detail: "not counted yet" };
    const { contents, sizeBytes, sizeBytesMax, ageMsMax } = usage;
    const kept = `beside the journal ${contents} contents, ${formatBytes(sizeBytes)} of ${formatBytes(sizeBytesMax)}`;
    return { name: "records", ok: true, detail: `${kept}, none older than ${formatDurationMs(ageMsMax)}` };
  },
});
