/** `arw mcp replay`: stands in for the server of a recorded session, and gives the answers that it gave. */
import { createLines } from "../adapters/mcp/lines.ts";
import { digestOf } from "../base/canonical-json.ts";
import type { Static } from "../contract/schema.ts";
import { Answers } from "../domains/capsules/answers.ts";
import { type CliParts, exitCodes, type Globals, type OwnCommand, type Transport } from "../surfaces/cli/port.ts";
import { codes, errorText, type Message, readMessage, resultText } from "../surfaces/mcp/messages.ts";
import { legacyRevisions } from "../surfaces/mcp/serve.ts";
import { withCapsulePaths } from "./capsule-names.ts";

interface ReplayOptions {
  readonly connect: (globals: Globals) => Promise<Transport>;
  readonly version: string;
  readonly terminal: Pick<CliParts["terminal"], "resolvePath">;
}

type Played = Static<typeof Answers.output>;

/** As much as a wrapper takes. */
const lineLengthMax = 16_000_000;

export const mcpReplayCommand = (options: ReplayOptions): OwnCommand => ({
  words: "mcp replay",
  about: "Be the MCP server of a recorded session: list its tools, and answer its calls as they were answered.",
  argument: { name: "capsule", about: "a capsule, its file, or the episode of a wrapped server" },
  options: [],
  run: ({ argument, globals }) => replay(options, argument, globals),
});

async function replay({ connect, version, terminal }: ReplayOptions, capsule: string, globals: Globals) {
  await using transport = await connect(globals);
  const { signal } = new AbortController();
  const input = await withCapsulePaths("capsule")({ capsule }, terminal);
  const found = await transport.call(Answers.id, input, signal);
  const played = (found.kind === "answer" ? found.output : { server: "", tools: [], answers: [] }) as Played;
  const { lines, write } = createLines({ input: process.stdin, output: process.stdout, lengthMax: lineLengthMax });
  const answer = createPlayer(played, version);
  for await (const line of lines) {
    const message = line === null ? null : readMessage(line);
    const text = message === null ? null : answer(message);
    if (text !== null) await write(text);
  }
  return exitCodes.ok;
}

/** Each recorded answer is given once, to the same call; what nobody asked then has no answer. */
export function createPlayer({ server, tools, answers }: Played, version: string): (message: Message) => string | null {
  const left = [...answers];
  const take = (tool: unknown, params: unknown) => {
    const digest = digestOf(params);
    const place = left.findIndex((each) => each.tool === tool && digestOf(each.params) === digest);
    return place < 0 ? undefined : left.splice(place, 1)[0];
  };
  return (message) => {
    if (message.kind === "fault") return errorText(message.id, { code: message.code, message: message.message });
    if (message.kind !== "request") return null;
    const { id, method, params } = message;
    if (method === "initialize") {
      const protocolVersion = legacyRevisions.find((each) => each === params["protocolVersion"]) ?? legacyRevisions[0];
      const serverInfo = { name: `${server} (recorded)`, version };
      return resultText(id, { protocolVersion, capabilities: { tools: {} }, serverInfo });
    }
    if (method === "ping") return resultText(id, {});
    if (method === "tools/list") return resultText(id, { tools });
    if (method !== "tools/call") return errorText(id, { code: codes.method, message: "not in the record" });
    const { name, _meta, ...rest } = params;
    const known = take(name, rest);
    if (known === undefined)
      return errorText(id, {
        code: codes.params,
        message: "the record holds no answer to this call, or gave it before",
      });
    return known.error === undefined ? resultText(id, known.result) : errorText(id, known.error);
  };
}
