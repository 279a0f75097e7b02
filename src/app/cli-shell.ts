/** How a command that ran looks on the command line: what it printed, and one line about how it ended. */
import { formatBytes, formatDurationMs } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { Run } from "../domains/shell/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

type Ran = Static<typeof Run.output>;

export const shellAnswers = {
  [Run.id]: (output: unknown, pen: Pen) => ranText(output as Ran, pen),
};

/** As in a shell: what did not end well ends the line of commands that it stands in. */
export const shellFailures = {
  [Run.id]: (output: unknown) => (output as Ran).exitCode !== 0,
};

function ranText({ stdout, stderr, ...ran }: Ran, pen: Pen): string {
  const parts = [pen.safe(stdout.trimEnd()), pen.paint("red", pen.safe(stderr.trimEnd()))];
  return [...parts.filter((part) => part !== ""), pen.paint("dim", endText(ran))].join("\n");
}

function endText(ran: Omit<Ran, "stdout" | "stderr">): string {
  const how = ran.exitCode === null ? `ended by ${ran.signal ?? "a signal"}` : `exit code ${ran.exitCode}`;
  const why = whys[ran.endedBy];
  const cut = ran.isCut ? `, ${formatBytes(ran.stdoutBytes + ran.stderrBytes)} printed` : "";
  const where = ran.isConfined ? "confined" : "without confinement";
  return `${how}${why} after ${formatDurationMs(ran.durationMs)}${cut}, ${where}`;
}

const whys: Readonly<Record<Ran["endedBy"], string>> = {
  itself: "",
  time: ", its time was over",
  output: ", it printed too much",
  memory: ", it used more memory than shell.memoryBytesMax lets it",
  processes: ", it started more processes than shell.processesMax lets it",
};
