/** How the tools of wrapped servers look on the command line. What servers say is a stranger's text. */
import type { Static } from "../contract/schema.ts";
import { Accept, Allow, Disallow, Show, Tools } from "../domains/mcp/contract.ts";
import { type AddServer, ListServers, type OwnServer, RemoveServer } from "../domains/mcp/own-servers.ts";
import type { Pen } from "../surfaces/cli/pen.ts";

type Shown = Static<typeof Show.output>;
type Line = Static<typeof Tools.output>["tools"][number];

export const mcpAnswers = {
  [Show.id]: (output: unknown, pen: Pen) => shownText(output as Shown, pen),
  [Accept.id]: (output: unknown, pen: Pen) => acceptedText(output as Shown, pen),
  [Allow.id]: (output: unknown, pen: Pen) => allowedText(output as Line, pen),
  [Disallow.id]: (output: unknown, pen: Pen) => {
    const { server, tool } = output as Line;
    return `${pen.paint("green", "✓")} ${server}/${pen.safe(tool)} is asked about again.`;
  },
  [ListServers.id]: (output: unknown, pen: Pen) =>
    serversText((output as Static<typeof ListServers.output>).servers, pen),
  [RemoveServer.id]: (output: unknown, pen: Pen) =>
    `${pen.paint("green", "✓")} ${pen.safe((output as OwnServer).server)} is ended, and called no more`,
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

const allowedText = ({ server, tool }: Line, pen: Pen): string =>
  `${pen.paint("green", "✓")} ${server}/${pen.safe(tool)} is called without asking, until its server says something else of it.`;

/** What it offers, and what a person does next. */
export function addedText(added: Static<typeof AddServer.output>, pen: Pen): string {
  const { server, tools, fault, isConfined } = added;
  const held = isConfined === false ? "\nNothing confines programs here: it runs with your rights." : "";
  if (tools === null)
    return `${pen.paint("red", "!")} ${server} is kept, and does not answer: ${pen.safe(fault ?? "")}${held}`;
  const offers = `${tools} tool${tools === 1 ? "" : "s"}, each of which you are asked about`;
  const next = `\`arw mcp tools ${server}\` lists them; \`arw mcp allow ${server} TOOL\` lets one that only reads be called without asking.`;
  return `${pen.paint("green", "✓")} ${server} offers ${offers}.${held}\n${pen.paint("dim", next)}`;
}

type Listed = Static<typeof ListServers.output>["servers"];

const serversText = (servers: Listed, pen: Pen): string =>
  servers.length === 0
    ? "The hub itself is connected to no server. `arw mcp add NAME -- COMMAND` names one."
    : servers.map((each) => serverText(each, pen)).join("\n");

function serverText(listed: Listed[number], pen: Pen): string {
  const { server, command, url, read = [], write = [], env = {}, isRunning } = listed;
  const way = command?.join(" ") ?? url ?? "";
  const folders = [...read.map((path) => `sees ${path}`), ...write.map((path) => `changes ${path}`)];
  const variables = Object.entries(env).map(([name, secret]) => `${name} from ${secret}`);
  const about = [way, ...folders, ...variables].map((each) => pen.safe(each)).join(", ");
  const mark = isRunning ? pen.paint("green", "●") : pen.paint("dim", "○");
  return `${mark} ${pen.safe(server)}  ${pen.paint("dim", about)}`;
}

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
