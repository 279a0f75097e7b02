/** How much is kept of runs, for the health check: answers, and files as they were before they were changed. */
import { formatBytes, formatDurationMs } from "../base/units.ts";
import type { HubFacts } from "../domains/system/port.ts";
import type { Recorder } from "../kernel/recorder.ts";

type Check = Awaited<ReturnType<HubFacts["checks"]>>[number];

/** Over the ceiling is no fault: the next sweep drops the oldest. */
export const recordsCheck = (recorder: () => Pick<Recorder, "usage">): { health(): Check } => ({
  health() {
    const usage = recorder().usage();
    if (usage === null) return { name: "records", ok: true, detail: "not counted yet" };
    const { contents, sizeBytes, sizeBytesMax, ageMsMax } = usage;
    const kept = `${contents} contents, ${formatBytes(sizeBytes)} of ${formatBytes(sizeBytesMax)}`;
    return { name: "records", ok: true, detail: `${kept}, none older than ${formatDurationMs(ageMsMax)}` };
  },
});
