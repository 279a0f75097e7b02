/** How the answers of built-in tools look on the command line: found lines, the time and sums. */
import { counted } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { Evaluate } from "../domains/calculator/contract.ts";
import { Search } from "../domains/fs/contract.ts";
import { Now } from "../domains/time/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

export const toolAnswers = {
  [Search.id]: (output: unknown, pen: Pen) => foundText(output as Static<typeof Search.output>, pen),
  [Now.id]: (output: unknown) => timeText(output as Static<typeof Now.output>),
  [Evaluate.id]: (output: unknown, pen: Pen) => sumText(output as Static<typeof Evaluate.output>, pen),
};

function foundText(
  { found, more, searchedFiles, nextAfterPath, skipped }: Static<typeof Search.output>,
  pen: Pen,
): string {
  const lines = found.flatMap(({ path, line, text, before, after }) => [
    ...before.map((each) => pen.paint("dim", `  ${pen.safe(each)}`)),
    `${pen.paint("cyan", `${pen.safe(path)}:${line}`)}  ${pen.safe(text.trim())}`,
    ...after.map((each) => pen.paint("dim", `  ${pen.safe(each)}`)),
  ]);
  return [
    ...lines,
    ...more.map((each) => pen.paint("dim", `${pen.safe(each.path)}: ${each.lines} more`)),
    ...skipped.map(({ path, reason }) => pen.paint("dim", `${pen.safe(path)}: not searched, ${reason}`)),
    pen.paint("dim", `${counted(found.length, "line")} found in ${counted(searchedFiles, "file")}.`),
    ...(nextAfterPath === null ? [] : [pen.paint("yellow", `There is more: --after-path ${pen.safe(nextAfterPath)}`)]),
  ].join("\n");
}

const timeText = ({ weekday, iso, zone }: Static<typeof Now.output>): string => `${weekday}, ${iso} (${zone})`;

function sumText({ result, isExact, fraction }: Static<typeof Evaluate.output>, pen: Pen): string {
  if (isExact) return result;
  return `${result}  ${pen.paint("dim", fraction === null ? "rounded" : `rounded; exactly ${fraction}`)}`;
}
