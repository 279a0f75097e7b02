/** `arw secret set`: the value comes from a pipe or is typed unseen, and stands in no list of processes and no history. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { SetSecret } from "../domains/secrets/contract.ts";
import { exitCodes, type CliParts, type Globals, type OwnCommand, type Transport } from "../surfaces/cli/port.ts";

export interface SecretCommandOptions {
  readonly terminal: CliParts["terminal"];
  readonly connect: (globals: Globals) => Promise<Transport>;
  /** The value, and why there is none. Resolves with an empty text when nothing came. */
  readonly readSecret: (question: string) => Promise<string>;
}

export function secretCommand({ terminal, connect, readSecret }: SecretCommandOptions): OwnCommand {
  return {
    words: "secret set",
    about: "Hand over a secret under a name; its value is read from the input, or typed unseen.",
    argument: { name: "name", about: "name in capitals, as GITHUB_TOKEN" },
    options: [],
    async run({ argument: name, globals }) {
      // One line break is the shell's, as `echo` and files have it.
      const value = (await readSecret(`Value of ${name}: `)).replace(/\r?\n$/u, "");
      if (value === "") {
        terminal.writeError("✗ Nothing was read: pipe the value in, or type it.\n");
        return exitCodes.usage;
      }
      await using transport = await connect(globals);
      const { signal } = new AbortController();
      const result = await transport.call(SetSecret.id, { name, value }, signal);
      const output = result.kind === "answer" ? result.output : null;
      terminal.write(
        globals.json ? `${JSON.stringify(output)}\n` : `✓ ${name} is kept. Bind it: arw secret bind ${name} HOST\n`,
      );
      return exitCodes.ok;
    },
  };
}

/** From a pipe all of it, from a person one line that is not shown. */
export async function readSecretFromInput(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return await text(stdin);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true });
  // Only now the terminal shows nothing of what is typed.
  stderr.write(question);
  const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    lines.on("SIGINT", () => lines.close());
    return await Promise.race([lines.question(""), closed]);
  } finally {
    lines.close();
    stderr.write("\n");
  }
}
