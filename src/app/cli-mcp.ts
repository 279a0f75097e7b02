/** `arw mcp wrap`: started by somebody else's agent in place of an MCP server, which it then starts behind the hub. */
import { dirname } from "node:path";
import { createLines } from "../adapters/mcp/lines.ts";
import { createConfinement } from "../adapters/confine/confinement.ts";
import { type StartedServer, startServer } from "../adapters/mcp/child.ts";
import { startConfined } from "../adapters/mcp/confined.ts";
import { digestOf } from "../base/canonical-json.ts";
import { ChildFault } from "../domains/shell/port.ts";
import { Whoami } from "../domains/access/contract.ts";
import type { Table } from "../kernel/kernel.ts";
import { CallFailed, exitCodes, type Globals, type OwnCommand } from "../surfaces/cli/port.ts";
import { codes, errorText, readMessage } from "../surfaces/mcp/messages.ts";
import { type Lines, type Params, Refused } from "../surfaces/mcp/port.ts";
import { type Called, type Live, personRefused, servedTools } from "../surfaces/mcp/serve.ts";
import { serveLines } from "../surfaces/mcp/stdio.ts";
import { runWrap } from "../surfaces/mcp/wrap.ts";
import type { Environment } from "./config/places.ts";
import { addCommand, type AddOptions, all, headersOf, last } from "./cli-mcp-add.ts";
import { mcpReplayCommand } from "./cli-mcp-replay.ts";
import { createReopening, type OpenedSession, openSession, type Reopening } from "./mcp-session.ts";
import { createFarServer } from "./mcp-far.ts";
import { asName, serverNameOf } from "./mcp-names.ts";

export interface McpCommandOptions extends AddOptions {
  readonly table: Table;
  readonly version: string;
  readonly stateDirOf: (globals: Globals) => string;
  readonly env: Environment;
}

/** Characters of one message. Pictures come as text, and larger ones than this no model takes. */
const lineLengthMax = 16_000_000;

export const mcpCommands = (options: McpCommandOptions): readonly OwnCommand[] => [
  {
    words: "mcp wrap",
    about: "Run an MCP server behind the hub: its tools are called under your rules, with your yes, and recorded.",
    rest: { name: "command", about: "the server's command, behind --" },
    options: [
      ["--name <name>", "name of the server, as rules write it"],
      ["--agent <name>", "name of the agent that uses it, as rules write it"],
      ["--server <address>", "a server that is reached by this address, in place of a command"],
      ["--header <line>", "header line for that server, such as `Authorization: Bearer secret:NAME` (may be repeated)"],
      ["--read <folder>", "confine the server: it sees this folder, and reaches no network (may be repeated)"],
      ["--write <folder>", "the same, and it may change what is in there"],
      ["--ask-in-client", "put questions to you in this agent's own window; what its program answers counts as yours"],
    ],
    run: ({ rest = [], flags, globals }) =>
      wrap(options, {
        rest,
        globals,
        name: last(flags["name"]),
        agent: last(flags["agent"]),
        url: last(flags["server"]),
        headers: all(flags["header"]),
        asksInClient: flags["askInClient"] === true,
        folders: { read: all(flags["read"]), write: all(flags["write"]) },
      }),
  },
  addCommand(options),
  mcpReplayCommand(options),
  {
    words: "mcp serve",
    about: "Offer the hub's own tools to an MCP client over standard input and output, under the token it is given.",
    options: [],
    run: ({ globals }) => serve(options, globals),
  },
];

interface Wrapping {
  readonly rest: readonly string[];
  readonly globals: Globals;
  readonly name: string | undefined;
  readonly agent: string | undefined;
  readonly url: string | undefined;
  readonly headers: readonly string[];
  readonly asksInClient: boolean;
  readonly folders: { readonly read: readonly string[]; readonly write: readonly string[] };
}

const say = (text: string): void => void process.stderr.write(`arw: ${text}\n`);

async function wrap(options: McpCommandOptions, wrapping: Wrapping): Promise<number> {
  const words = wordsOf(wrapping);
  if (words === null) {
    say("name the server's command, or its address: arw mcp wrap -- COMMAND ARGS, or arw mcp wrap --server URL");
    return exitCodes.usage;
  }
  // Standard output is the protocol's; everything said to a person goes to standard error.
  const client = createLines({ input: process.stdin, output: process.stdout, lengthMax: lineLengthMax });
  const refuse = async (error: unknown, next: string): Promise<number> => {
    const reason = `${error instanceof Error ? error.message : String(error)} ${next}`;
    say(`${wrapping.name ?? words[0]} is not started: ${reason}.`);
    await refuseAll(client, reason);
    return exitCodes.unreachable;
  };
  let session: Reopening;
  try {
    session = await createReopening(() => openWrapSession(options, wrapping, words));
  } catch (error) {
    return refuse(error, "Its calls could not be watched: start the hub with `arw`, then restart this server");
  }
  await using _held = session;
  let server: StartedServer;
  try {
    server =
      wrapping.url === undefined
        ? await begin(options, wrapping, words)
        : createFarServer({
            hub: () => ({ transport: session.now().transport, session: session.now().id }),
            headers: headersOf(wrapping.headers),
          });
  } catch (error) {
    if (!(error instanceof ChildFault)) throw error;
    return refuse(error, "- it cannot be confined; leave out --read and --write to run it with your own rights");
  }
  void server.ended.then(say);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.stdin.destroy());
  const end = await runWrap({ client, server, session: session.now(), reopen: session.reopen, clock, say });
  if (end === "client left") return exitCodes.ok;
  // The client holds its end open; it sees that this program ended and may start it again.
  process.stdin.destroy();
  return exitCodes.problem;
}

type Words = readonly [string, ...string[]];

/** A command, or the address in its place; never both. */
const wordsOf = ({ rest: [command, ...args], url }: Wrapping): Words | null => {
  if (url !== undefined) return command === undefined ? [url] : null;
  return command === undefined ? null : [command, ...args];
};

const openWrapSession = async (
  { connect }: McpCommandOptions,
  { name, agent, url, asksInClient, globals }: Wrapping,
  words: Words,
): Promise<OpenedSession> =>
  openSession({
    transport: await connect(globals),
    say,
    server: name ?? (url !== undefined && URL.canParse(url) ? asName(new URL(url).hostname) : serverNameOf(words)),
    command: digestOf(words),
    ...(agent === undefined ? {} : { agent }),
    ...(url === undefined ? {} : { url }),
    ...(asksInClient ? { asksInClient } : {}),
  });

/** With folders it sees those and no network; without, it is a program like any other of this person's. */
async function begin(
  { env, stateDirOf }: McpCommandOptions,
  { folders, globals }: Wrapping,
  words: Words,
): Promise<StartedServer> {
  const given = { lengthMax: lineLengthMax, env: withoutOwn(env) };
  if (folders.read.length + folders.write.length === 0) return startServer(words, given);
  const confinement = createConfinement({
    environment: env,
    own: [stateDirOf(globals)],
    // Most servers are programs of Node, and this one is at hand.
    programs: [dirname(dirname(process.execPath))],
    platform: process.platform,
    nodePath: process.execPath,
  });
  return startConfined(words, { ...given, ...folders, confinement });
}

async function serve({ connect, table, version }: McpCommandOptions, globals: Globals): Promise<number> {
  await using transport = await connect(globals);
  const { signal: never } = new AbortController();
  const who = await transport.call(Whoami.id, {}, never);
  const { caller } = (who.kind === "answer" ? who.output : { caller: "nobody" }) as { readonly caller: string };
  if (!caller.startsWith("agent:")) throw new CallFailed(personRefused(caller));
  const client = createLines({ input: process.stdin, output: process.stdout, lengthMax: lineLengthMax });
  const tools = servedTools(table);
  const call = async (operationId: string, input: Params, { signal = never, onItem }: Live): Promise<Called> => {
    const isStream = tools.some((each) => each.operationId === operationId && each.isStream);
    try {
      if (!isStream) return await transport.call(operationId, input, signal);
      return { kind: "items", items: await gathered(transport.stream(operationId, input, signal), onItem) };
    } catch (error) {
      throw error instanceof CallFailed ? new Refused(error.document) : error;
    }
  };
  await serveLines(client, { tools, version, timer: clock, call });
  return exitCodes.ok;
}

/** Items of a stream that fit into one answer; a stream that goes on is left there. */
const itemsMax = 1_000;

async function gathered(stream: AsyncIterable<unknown>, onItem: () => void): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) {
    onItem();
    if (items.push(item) >= itemsMax) break;
  }
  return items;
}

const clock = {
  nowMs: () => performance.now(),
  after(delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The server gets what the client set for it, and nothing by which it could speak to the hub as its person. */
const withoutOwn = (env: Environment): Environment =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("ARW_")));

/** Every request is answered, so that the client shows why instead of waiting. */
async function refuseAll({ lines, write }: Lines, reason: string): Promise<void> {
  for await (const line of lines) {
    const message = line === null ? null : readMessage(line);
    if (message?.kind === "request")
      await write(errorText(message.id, { code: codes.unreachable, message: `ARW: ${reason}.` }));
  }
}
