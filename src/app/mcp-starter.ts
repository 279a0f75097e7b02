/** Starts servers of others for the hub's own connections: confined where the machine can, with a way out that is their own. */
import { foldersOf, linesOf } from "../adapters/mcp/confined.ts";
import { Problem } from "../contract/problem.ts";
import { Call } from "../domains/mcp/contract.ts";
import { ServerFailed } from "../domains/mcp/own-servers.ts";
import type { ServerStarter } from "../domains/mcp/port.ts";
import type { ProgramSecrets } from "../domains/secrets/port.ts";
import { gateKey } from "../contract/operation.ts";
import { ChildFault } from "../domains/shell/port.ts";
import type { ChildStarter } from "../domains/shell/starter.ts";

/** Characters of one message: what is longer fits into no model's context, and the hub reads all of it. */
const lineLengthMax = 4_000_000;
/** The first of what a server complains about is what is wrong; the rest is read and forgotten. */
const complaintMax = 300;

export const createServerStarter = (starter: ChildStarter, secrets: ProgramSecrets): ServerStarter => ({
  isConfined: async () => (await starter.abilities()).confinesFiles,
  missing: (variables) =>
    Object.values(variables)
      .map(secretNameOf)
      .filter((name) => secrets.secretForProgram(name) === null),
  async start({ server, command: [command = "", ...args], read, write, env, corrId, signal }) {
    try {
      const folders = await foldersOf({ read, write });
      const order = {
        command,
        args,
        env: variablesOf(env, secrets),
        cwd: folders[0]?.path ?? "/",
        folders,
        limits: { timeoutMs: null, outputBytesMax: null },
        signal,
      };
      // Rules about hosts name it as an agent: what it sends is its own doing and nobody else's.
      const caller = { kind: "agent" as const, id: `mcp-${server}` };
      const child = await starter.start(order, { caller, corrId, operation: gateKey(Call) });
      const complaint = firstWords(child.stderr);
      const lines = linesOf(child, { name: server, lengthMax: lineLengthMax });
      const ended = lines.ended.then(async (how) => [how, await complaint].filter((each) => each !== "").join(": "));
      return { ...lines, ended };
    } catch (error) {
      if (!(error instanceof ChildFault)) throw error;
      throw new Problem(ServerFailed, `${server} cannot be started: ${error.message}`, { cause: error });
    }
  },
});

const secretNameOf = (reference: string): string => reference.slice("secret:".length);

/** Read at each start: another value is there from the next one on, and one that was taken away is not there any more. */
function variablesOf(env: Readonly<Record<string, string>>, secrets: ProgramSecrets): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).map(([variable, reference]) => {
      const name = secretNameOf(reference);
      const value = secrets.secretForProgram(name);
      if (value === null)
        throw new ChildFault(`there is no secret ${name} for its ${variable}: arw secret set ${name}`);
      return [variable, value];
    }),
  );
}

async function firstWords(stderr: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stderr) if (text.length < complaintMax) text += decoder.decode(chunk, { stream: true });
  return text.trim().split("\n", 3).join(" ").slice(0, complaintMax);
}
