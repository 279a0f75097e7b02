/** How a replay looks on the command line. */
import { existsSync } from "node:fs";
import { counted } from "../base/units.ts";
import { Replay, type Replayed } from "../domains/capsules/replay.ts";
import type { Pen, Style } from "../surfaces/cli/pen.ts";
import type { Input, Terminal } from "../surfaces/cli/port.ts";
import { differenceLines } from "./cli-differences.ts";

/** A file is meant from where the person stands; what is none is a kept capsule or an episode. */
export const withCapsulePath = async (input: Input, { resolvePath }: Pick<Terminal, "resolvePath">): Promise<Input> => {
  const path = resolvePath(String(input["capsule"]));
  return existsSync(path) ? { ...input, capsule: path } : input;
};

export const replayPrepare = { [Replay.id]: withCapsulePath };
export const replayShortIds = { [Replay.id]: [{ field: "capsule", list: "state.episodes", key: "id" }] };
export const replayFailures = {
  [Replay.id]: (output: unknown): boolean => (output as Replayed).report.verdict === "diverged",
};
export const replayAnswers = { [Replay.id]: (output: unknown, pen: Pen) => replayText(output as Replayed, pen) };

type Report = Replayed["report"];

function replayText({ report, gap, table }: Replayed, pen: Pen): string {
  const { agent, episode, events, steps, mode } = report;
  const made =
    mode === "program"
      ? `${counted(events.total, "event")}: ${events.madeAgain} made again and equal, ${events.taken} taken from the record.`
      : `${counted(events.total, "event")}. ${agent} is no code of this hub: its ${counted(steps.replayed, "answer")} and what was decided about its calls were checked, and nothing was made again.`;
  return [
    headText(report, gap, pen),
    pen.safe(
      `  ${agent}, episode ${episode}, ${endWords[report.end]}; ${steps.replayed} of ${counted(steps.recorded, "step")}.`,
    ),
    pen.safe(`  ${made}`),
    ...divergenceLines(report, pen),
    table.isSame
      ? pen.paint("dim", `  Same table as ${table.asOf === "run" ? "in the run" : "where it was exported"}.`)
      : pen.paint("yellow", `  Another table than ${table.asOf === "run" ? "in the run" : "where it was exported"}.`),
    pen.paint("dim", "  No model was asked, no key used and no socket opened."),
  ].join("\n");
}

const endWords = {
  finished: "which finished",
  failed: "which failed",
  cancelled: "which was stopped",
  open: "which was cut off",
} as const;
const heads: Readonly<Record<Report["verdict"], readonly [style: Style, text: string]>> = {
  equal: ["green", "✓ It happened again, event by event."],
  incomplete: ["yellow", "! It happened again as far as the record goes:"],
  diverged: ["red", "✗ It went another way:"],
};

function headText({ verdict, replayableToStep, steps, divergence }: Report, gap: string | null, pen: Pen): string {
  const [style, text] = heads[verdict];
  const more =
    verdict === "incomplete"
      ? ` replayable to step ${replayableToStep} of ${steps.recorded}: ${gap ?? "nothing more is recorded"}.`
      : verdict === "diverged"
        ? ` ${placeOf(divergence?.step ?? null, steps.replayed)}, ${divergence?.why}.`
        : "";
  return pen.paint(style, pen.safe(`${text}${more}`));
}

/** What an agent says between two steps has the number of none. */
function placeOf(step: number | null, replayed: number): string {
  if (step !== null) return `at step ${step}`;
  return replayed === 0 ? "before the first step" : `behind step ${replayed}`;
}

function divergenceLines({ divergence }: Report, pen: Pen): readonly string[] {
  if (divergence === null) return [];
  const { at, recorded, made } = divergence;
  const lines = differenceLines(recorded, made, pen);
  if (lines.length === 0) return [pen.safe(`  they differ in ${at}`)];
  return [pen.paint("dim", "  - as it was recorded   + as it is now"), ...lines];
}
