/** How the way out and what came in by it look on the command line. */
import type { Static } from "../contract/schema.ts";
import { Preview, type PostureState, type PreviewAnswer, SetPosture, ShowPosture } from "../domains/egress/contract.ts";
import { Fetch } from "../domains/web/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";
import { formatBytes } from "../base/units.ts";

export const egressAnswers = {
  // The text alone, so that it can be piped on.
  [Fetch.id]: (output: unknown, pen: Pen) => pen.safe((output as Static<typeof Fetch.output>).text),
  [ShowPosture.id]: (output: unknown, pen: Pen) => postureText(output as PostureState, pen),
  [SetPosture.id]: (output: unknown, pen: Pen) => postureText(output as PostureState, pen),
  [Preview.id]: (output: unknown, pen: Pen) => previewText(output as PreviewAnswer, pen),
};

function postureText({ posture, hosts, source }: PostureState, pen: Pen): string {
  const head = `${pen.paint("bold", posture)}  set by ${source}`;
  if (posture !== "allowlist") return head;
  return [head, ...hosts.map((host) => `  ${host}`)].join("\n");
}

function previewText(answer: PreviewAnswer, pen: Pen): string {
  const { method, url, isOpen, rule, source, reason, addresses, bytesOut, headers, secrets } = answer;
  const mark = isOpen ? pen.paint("green", "open") : pen.paint("red", "closed");
  const lines = [
    `${mark}  ${method} ${pen.safe(url)}`,
    `  ${pen.safe(reason)}`,
    `  rule ${rule}, by ${source}`,
    ...addresses.map((each) => `  ${each.address}  ${each.kind}${each.isOpen ? "" : ", closed"}`),
    `  ${formatBytes(bytesOut)} would be sent${headers.length === 0 ? "" : `, with ${headers.join(", ")}`}`,
    ...secrets.map((name) => `  the secret ${name} would go along`),
  ];
  return lines.join("\n");
}
