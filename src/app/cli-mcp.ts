/** `arw mcp wrap`: started by somebody else's agent in place of an MCP server, which it then starts behind the hub. */
import { createLines } from "../adapters/mcp/lines.ts";
import { startServer } from "../adapters/mcp/child.ts";
import { digestOf } from "../base/canonical-json.ts";
import { Whoami } from "../domains/access/contract.ts";
import type { Table } from "../kernel/kernel.ts";
import { CallFailed, exitCodes, type Globals, type OwnCommand, type Transport } from "../surfaces/cli/port.ts";
import { codes, errorText, readMessage } from "../surfaces/mcp/messages.ts";
import { type HubSession, type Lines, type Params, Refused } from "../surfaces/mcp/port.ts";
import { type Called, personRefused, servedTools } from "../surfaces/mcp/serve.ts";
import { serveLines } from "../surfaces/mcp/stdio.ts";
import { runWrap } from "../surfaces/mcp/wrap.ts";
import type { Environment } from "./config/places.ts";
import { openSession } from "./mcp-session.ts";
import { serverNameOf } from "./mcp-names.ts";

export interface McpCommandOptions {
  readonly table: Table;
  readonly version: string;
  readonly connect: (globals: Globals) => Promise<Transport>;
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
    ],
    run: ({ rest = [], flags, globals }) =>
      wrap(options, { rest, globals, name: last(flags["name"]), agent: last(flags["agent"]) }),
  },
  {
    words: "mcp serve",
    about: "Offer the hub's own tools to an MCP client over standard input and output, under the token it is given.",
    options: [],
    run: ({ globals }) => serve(options, globals),
  },
];

const last = (values: unknown): string | undefined =>
  Array.isArray(values) && typeof values.at(-1) === "string" ? (values.at(-1) as string) : undefined;

interface Wrapping {
  readonly rest: readonly string[];
  readonly globals: Globals;
  readonly name: string | undefined;
  readonly agent: string | undefined;
}

const say = (text: string): void => void process.stderr.write(`arw: ${text}\n`);

async function wrap({ connect, env }: McpCommandOptions, { rest, globals, name, agent }: Wrapping): Promise<number> {
  const [command, ...args] = rest;
  if (command === undefined) {
    say("name the server's command: arw mcp wrap -- COMMAND ARGS");
    return exitCodes.usage;
  }
  const server = name ?? serverNameOf([command, ...args]);
  // Standard output is the protocol's; everything said to a person goes to standard error.
  const client = createLines({ input: process.stdin, output: process.stdout, lengthMax: lineLengthMax });
  let session: HubSession;
  try {
    session = await openSession({
      transport: await connect(globals),
      server,
      command: digestOf([command, ...args]),
      ...(agent === undefined ? {} : { agent }),
    });
  } catch (error) {
    const reason = `${error instanceof Error ? error.message : String(error)} Start the hub with \`arw\`, then restart this server`;
    say(`${server} is not started, because its calls could not be watched: ${reason}.`);
    await refuseAll(client, reason);
    return exitCodes.unreachable;
  }
  await using _held = session;
  const child = startServer([command, ...args], { lengthMax: lineLengthMax, env: withoutOwn(env) });
  void child.ended.then(say);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.stdin.destroy());
  await runWrap({ client, server: child, session, clock, say });
  return exitCodes.ok;
}

async function serve({ connect, table, version }: McpCommandOptions, globals: Globals): Promise<number> {
  await using transport = await connect(globals);
  const { signal } = new AbortController();
  const who = await transport.call(Whoami.id, {}, signal);
  const { caller } = (who.kind === "answer" ? who.output : { caller: "nobody" }) as { readonly caller: string };
  if (!caller.startsWith("agent:")) throw new CallFailed(personRefused(caller));
  const client = createLines({ input: process.stdin, output: process.stdout, lengthMax: lineLengthMax });
  const tools = servedTools(table);
  const call = async (operationId: string, input: Params): Promise<Called> => {
    const isStream = tools.some((each) => each.operationId === operationId && each.isStream);
    try {
      if (!isStream) return await transport.call(operationId, input, signal);
      return { kind: "items", items: await gathered(transport.stream(operationId, input, signal)) };
    } catch (error) {
      throw error instanceof CallFailed ? new Refused(error.document) : error;
    }
  };
  await serveLines(client, { tools, version, call });
  return exitCodes.ok;
}

/** Items of a stream that fit into one answer; a stream that goes on is left there. */
const itemsMax = 1_000;

async function gathered(stream: AsyncIterable<unknown>): Promise<readonly unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) if (items.push(item) >= itemsMax) break;
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
