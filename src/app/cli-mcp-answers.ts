/** How the tools of wrapped servers look on the command line. What servers say is a stranger's text. */
import type { Static } from "../contract/schema.ts";
import { Accept, Show, Tools } from "../domains/mcp/contract.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

type Shown = Static<typeof Show.output>;
type Line = Static<typeof Tools.output>["tools"][number];

export const mcpAnswers = {
  [Show.id]: (output: unknown, pen: Pen) => shownText(output as Shown, pen),
  [Accept.id]: (output: unknown, pen: Pen) => acceptedText(output as Shown, pen),
  [Tools.id]: (output: unknown, pen: Pen) => toolsText((output as Static<typeof Tools.output>).tools, pen),
};

/** As much of a digest as is typed. */
const shortLength = 12;

function shownText({ server, tool, status, definition, digest, diff }: Shown, pen: Pen): string {
  const head = `${pen.paint("bold", `${server}/${pen.safe(tool)}`)}  ${digest.slice(0, shortLength)}`;
  if (status === "known") return `${head}\n${pen.safe(definition)}`;
  const next = `arw mcp accept ${server} ${pen.safe(tool)} ${digest.slice(0, shortLength)}`;
  return `${head}  ${pen.paint("red", "held: its server says something else than before")}\n${pen.safe(diff)}\n\`${next}\` takes it.`;
}

const acceptedText = ({ server, tool, digest }: Shown, pen: Pen): string =>
  `${pen.paint("green", "✓")} ${server}/${pen.safe(tool)} is offered as it is now, ${digest.slice(0, shortLength)}.`;

const nameWidth = 28;
const aboutWidth = 46;

function toolsText(tools: readonly Line[], pen: Pen): string {
  if (tools.length === 0) return "No server was wrapped yet. `arw connect` puts those of your agents behind the hub.";
  const servers = [...new Set(tools.map(({ server }) => server))];
  return servers
    .map((name) => {
      const lines = tools.filter(({ server }) => server === name).map((tool) => toolText(tool, pen));
      return [pen.paint("bold", name), ...lines].join("\n");
    })
    .join("\n");
}

function toolText({ server, tool, status, isAllowed, about }: Line, pen: Pen): string {
  const named = pen.safe(tool).padEnd(nameWidth);
  if (status === "changed") return `  ${pen.paint("red", "!")} ${named} held: arw mcp show ${server} ${pen.safe(tool)}`;
  const mark = isAllowed ? pen.paint("green", "✓") : "?";
  return `  ${mark} ${named} ${pen.paint("dim", pen.safe(about).slice(0, aboutWidth))}`.trimEnd();
}
