/** `arw capsule export EPISODE FILE --debug`: a bundle for whoever helps, and how it says what is in it. */
import { formatBytes } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import { Debug } from "../domains/capsules/debug-bundle.ts";
import type { Pen } from "../surfaces/cli/pen.ts";
import type { Presentation } from "../surfaces/cli/port.ts";
import { withoutStream } from "./cli-run-capsule.ts";

export const debugAliases = [{ word: "capsule export", flag: "--debug", means: ["capsule", "debug"] }];
export const debugShortIds = { [Debug.id]: [{ field: "episode", list: "state.episodes", key: "id" }] };
export const debugPrepare: NonNullable<Presentation["prepare"]> = {
  [Debug.id]: withoutStream,
};
export const debugAnswers = {
  [Debug.id]: (output: unknown, pen: Pen) => debugText(output as Static<typeof Debug.output>, pen),
};

function debugText({ file, sizeBytes, holds, cut, content }: Static<typeof Debug.output>, pen: Pen): string {
  if (file === null) return pen.safe(content ?? "").trimEnd();
  return [
    `${pen.paint("green", "✓")} Wrote ${pen.safe(file)}, ${formatBytes(sizeBytes)}. Look through it before you send it. It holds:`,
    ...holds.map((line) => `  ${line}`),
    pen.paint("dim", `  ${cut.texts} texts with ${cut.chars} characters were cut.`),
  ].join("\n");
}
