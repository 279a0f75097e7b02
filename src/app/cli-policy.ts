/** How rules, and what they say of a call, look on the command line. */
import { wrapWords } from "../base/text-marks.ts";
import { formatDurationMs } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { ListKeys } from "../domains/gating/contract.ts";
import { Explain, type StageAnswer } from "../domains/policy/contract.ts";
import type { Pen, Style } from "../surfaces/cli/pen.ts";

export const policyAnswers = {
  [Explain.id]: (output: unknown, pen: Pen) => explainedText(output as Static<typeof Explain.output>, pen),
  [ListKeys.id]: (output: unknown, pen: Pen) =>
    (output as Static<typeof ListKeys.output>).keys.map((row) => keyText(row, pen)).join("\n"),
};

const verdictStyles: Readonly<Record<StageAnswer["verdict"] | "allow", Style>> = {
  allow: "green",
  pass: "green",
  ask: "yellow",
  deny: "red",
};
/** However narrow the terminal says it is. */
const textWidthMin = 20;
const nameWidth = 8;
const stageWidth = 8;
const verdictWidth = 4;

function explainedText(explained: Static<typeof Explain.output>, pen: Pen): string {
  const { verdict, key, caller, decidedBy, stages } = explained;
  const head = `${pen.paint(verdictStyles[verdict], verdict)}  ${pen.safe(key)} for ${pen.safe(caller)}`;
  const decided = decidedBy === null ? [] : [...decidingLines(decidedBy, pen), ""];
  return [head, ...decided, ...stages.flatMap((each) => stageLines(each, pen))].join("\n");
}

function decidingLines({ reason, rule, source, next, retryAfterMs }: StageAnswer, pen: Pen): readonly string[] {
  const again = retryAfterMs === undefined ? undefined : `passes again in ${formatDurationMs(retryAfterMs)}`;
  const told = [
    ["why", reason],
    ["rule", rule],
    ["source", source],
    ["next", next],
    ["wait", again],
  ] as const;
  return told.flatMap(([name, text]) => (text === undefined ? [] : hanging(name.padEnd(nameWidth), text, pen)));
}

const stageLines = ({ stage, verdict, reason }: StageAnswer, pen: Pen): readonly string[] =>
  hanging(`${stage.padEnd(stageWidth)}${verdict.padEnd(verdictWidth)}  `, reason, pen);

/** A name, and its text beside it in as many lines as it takes. */
function hanging(name: string, text: string, pen: Pen): readonly string[] {
  const indent = name.length + 2;
  const lines = wrapWords(pen.safe(text).replaceAll(/\s+/gu, " "), Math.max(textWidthMin, pen.columns - indent));
  return lines.map((line, place) => `  ${place === 0 ? pen.paint("dim", name) : " ".repeat(name.length)}${line}`);
}

/** Room for most keys; longer ones push what is behind them. */
const keyWidth = 36;
const titleWidth = 26;

function keyText(row: Static<typeof ListKeys.output>["keys"][number], pen: Pen): string {
  const { key, title, stability, about, deniedBy } = row;
  const denied = deniedBy === null ? [] : [`    ${pen.paint("red", `denied by ${pen.safe(deniedBy)}`)}`];
  const purpose = wrapWords(about, Math.max(textWidthMin, pen.columns - 4));
  return [
    `${pen.paint("bold", key.padEnd(keyWidth))}  ${title.padEnd(titleWidth)}  ${stability}`,
    ...denied,
    ...purpose.map((line) => `    ${pen.paint("dim", line)}`),
  ].join("\n");
}
