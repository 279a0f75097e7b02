/** How a replay looks on the command line. */
import { counted } from "../base/units.ts";
import { placeOfDifference } from "../domains/agents/contract.ts";
import { Replay, type Replayed } from "../domains/capsules/replay.ts";
import type { Pen, Style } from "../surfaces/cli/pen.ts";
import type { Presentation } from "../surfaces/cli/port.ts";
import { withCapsulePaths } from "./capsule-names.ts";
import { differenceLines } from "./cli-differences.ts";
import { agentText, signerText } from "./cli-run-capsule-answers.ts";

export const replayPrepare: NonNullable<Presentation["prepare"]> = {
  [Replay.id]: (input, paths) => withCapsulePaths("capsule")(input, paths),
};
export const replayShortIds = { [Replay.id]: [{ field: "capsule", list: "state.episodes", key: "id" }] };
export const replayFailures = {
  [Replay.id]: (output: unknown): boolean => (output as Replayed).report.verdict === "diverged",
};
export const replayAnswers = { [Replay.id]: (output: unknown, pen: Pen) => replayText(output as Replayed, pen) };

type Report = Replayed["report"];

function replayText({ report, gap, table, signer }: Replayed, pen: Pen): string {
  const { agent, episode, steps } = report;
  return [
    headText(report, gap, pen),
    pen.line(
      `  ${agentText(agent)}, episode ${episode}, ${endWords[report.end]}; ${steps.replayed} of ${counted(steps.recorded, "step")}.`,
    ),
    pen.line(`  ${madeText(report)}`),
    ...(signer === null ? [] : [`  The rest is the word of whoever signed it: ${signerText(signer, pen)}.`]),
    ...divergenceLines(report, pen),
    table.isSame
      ? pen.paint("dim", `  Same table as ${table.asOf === "run" ? "in the run" : "where it was exported"}.`)
      : pen.paint("yellow", `  Another table than ${table.asOf === "run" ? "in the run" : "where it was exported"}.`),
    pen.paint("dim", "  No model was asked, no key used and no socket opened."),
  ].join("\n");
}

/** What was held against the record, and what was taken from it unseen: when things were, and what tools and persons answered. */
function madeText({ mode, verdict, events, steps, agent }: Report): string {
  const all = counted(events.total, "event");
  if (mode === "answers")
    return `${all}. ${agent} is no code of this hub: its ${counted(steps.replayed, "answer")} and what was decided about its calls were checked, and what it said was not.`;
  const made = `${all}: ${events.madeAgain} made again and equal`;
  return verdict === "incomplete"
    ? `${made}; the others were taken from the record, or not looked at.`
    : `${made}, ${events.taken} taken from the record.`;
}

const endWords = {
  finished: "which finished",
  failed: "which failed",
  cancelled: "which was stopped",
  open: "which was cut off",
} as const;

function headText(
  { verdict, mode, replayableToStep, steps, divergence }: Report,
  gap: string | null,
  pen: Pen,
): string {
  const isMade = mode === "program";
  const upTo = `step ${replayableToStep} of ${steps.recorded}`;
  const heads: Readonly<Record<Report["verdict"], readonly [style: Style, text: string]>> = {
    equal: isMade
      ? ["green", "✓ It happened again, event by event."]
      : ["yellow", "! Its answers fit its record. Nothing happened again."],
    incomplete: [
      "yellow",
      `! ${isMade ? "It happened again" : "Nothing happened again; its answers fit its record"} up to ${upTo}. Behind it nothing was compared: ${gap ?? "nothing more is recorded"}.`,
    ],
    diverged: [
      "red",
      `✗ ${isMade ? "It went another way" : "Its record does not fit"}: ${placeOfDifference(divergence?.step ?? null, steps.replayed)}, ${divergence?.why}.`,
    ],
  };
  const [style, text] = heads[verdict];
  return pen.paint(style, pen.line(text));
}

function divergenceLines({ divergence }: Report, pen: Pen): readonly string[] {
  if (divergence === null) return [];
  const { at, recorded, made } = divergence;
  const lines = differenceLines(recorded, made, pen);
  if (lines.length === 0) return at === "" ? [] : [pen.line(`  they differ in ${at}`)];
  return [pen.paint("dim", "  - as it was recorded   + as it is now"), ...lines];
}
