/** `arw mcp add`: names a server of others that the hub itself is connected to. */
import type { Static } from "../contract/schema.ts";
import { AddServer } from "../domains/mcp/own-servers.ts";
import { createPen } from "../surfaces/cli/pen.ts";
import { type CliParts, exitCodes, type Globals, type OwnCommand, type Transport } from "../surfaces/cli/port.ts";
import { addedText } from "./cli-mcp-answers.ts";

export interface AddOptions {
  readonly terminal: CliParts["terminal"];
  readonly connect: (globals: Globals) => Promise<Transport>;
}

export const addCommand = (given: AddOptions): OwnCommand => ({
  words: "mcp add",
  about: "Connect the hub itself to an MCP server: its own agents and recipes may then call its tools.",
  argument: { name: "name", about: "name of the server, as rules write it" },
  rest: { name: "command", about: "the server's command, behind --" },
  options: [
    ["--server <address>", "a server that is reached by this address, in place of a command"],
    ["--header <line>", "header line for that server, such as `Authorization: Bearer secret:NAME` (may be repeated)"],
    ["--read <folder>", "the server sees this folder (may be repeated)"],
    ["--write <folder>", "the same, and it may change what is in there"],
    ["--env <variable>", "variable of the server with the value of a secret: `API_KEY=secret:NAME` (may be repeated)"],
  ],
  run: ({ argument, rest = [], flags, globals }) => addServer(given, { name: argument, rest, flags, globals }),
});

export const all = (values: unknown): readonly string[] => (Array.isArray(values) ? values.map(String) : []);
export const last = (values: unknown): string | undefined => all(values).at(-1);

/** `Authorization: Bearer secret:NAME` */
export const headersOf = (lines: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    lines.map((line) => {
      const cut = line.indexOf(":");
      return [line.slice(0, cut).trim().toLowerCase(), line.slice(cut + 1).trim()];
    }),
  );

/** `API_KEY=secret:NAME`; null where a value stands in place of a secret's name. */
function variablesOf(words: readonly string[]): Readonly<Record<string, string>> | null {
  const pairs = words.map((word) => /^([^=]+)=(secret:.+)$/u.exec(word)?.slice(1, 3));
  return pairs.every((pair) => pair !== undefined) ? Object.fromEntries(pairs) : null;
}

interface Adding {
  readonly name: string;
  readonly rest: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
  readonly globals: Globals;
}

/** Its folders are the hub's to see, so they are told as whole paths. */
async function addServer({ connect, terminal }: AddOptions, adding: Adding): Promise<number> {
  const { name, rest, flags, globals } = adding;
  const url = last(flags["server"]);
  if ((url === undefined) === (rest.length === 0)) {
    const ways = `arw mcp add ${name} -- COMMAND ARGS, or arw mcp add ${name} --server URL`;
    terminal.writeError(`Name the server's command, or its address: ${ways}\n`);
    return exitCodes.usage;
  }
  const folders = (flag: string): object => {
    const given = all(flags[flag]).map((folder) => terminal.resolvePath(folder));
    return given.length === 0 ? {} : { [flag]: given };
  };
  const headers = headersOf(all(flags["header"]));
  const env = variablesOf(all(flags["env"]));
  if (env === null) {
    terminal.writeError(
      "A value typed here would stand in the history of the shell: `arw secret set NAME` first, then --env API_KEY=secret:NAME\n",
    );
    return exitCodes.usage;
  }
  await using transport = await connect(globals);
  const input = {
    server: name,
    ...(url === undefined ? { command: rest } : { url }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...folders("read"),
    ...folders("write"),
  };
  const { signal } = new AbortController();
  const answer = await transport.call(AddServer.id, input, signal);
  if (answer.kind !== "answer") return exitCodes.problem;
  const added = answer.output as Static<typeof AddServer.output>;
  const pen = createPen(terminal);
  terminal.write(`${globals.json === true ? JSON.stringify(added) : addedText(added, pen)}\n`);
  return added.fault === undefined ? exitCodes.ok : exitCodes.problem;
}
