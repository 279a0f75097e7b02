/** `arw capsule …`: where files lie, how capsules are named, and the question before one is kept. */
import { existsSync } from "node:fs";
import { formatBytes } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import {
  type CapsuleInfo,
  contentCharsMax,
  Diff,
  Export,
  FileNotTaken,
  Import,
  Preview,
  Show,
  Verify,
} from "../domains/capsules/contract.ts";
import { createPen, type Pen } from "../surfaces/cli/pen.ts";
import {
  CallFailed,
  type CliParts,
  exitCodes,
  type Globals,
  type Input,
  type OwnCommand,
  type Presentation,
  type ShortId,
  type Terminal,
  type Transport,
} from "../surfaces/cli/port.ts";
import { capsuleText, signerText } from "./cli-run-capsule-answers.ts";

type Paths = Pick<Terminal, "resolvePath">;

/** A file is meant from where the person stands; what is none is a kept capsule or an episode. */
const named =
  (...fields: readonly string[]) =>
  (input: Input, { resolvePath }: Paths): Promise<Input> => {
    const found = fields.flatMap((field) => {
      const path = resolvePath(String(input[field]));
      return existsSync(path) ? [[field, path] as const] : [];
    });
    return Promise.resolve({ ...input, ...Object.fromEntries(found) });
  };

const withFile = (input: Input, { resolvePath }: Paths): Promise<Input> =>
  Promise.resolve(typeof input["file"] === "string" ? { ...input, file: resolvePath(input["file"]) } : input);

/** `-` is what the file itself goes to, or comes from. */
export const streamWord = "-";

/** Without a file, or to `-`, the answer holds the capsule. */
export const withoutStream = async (input: Input, paths: Paths): Promise<Input> => {
  const { file, ...rest } = input;
  return file === streamWord ? rest : await withFile(input, paths);
};

/** Of an export without a file: the capsule itself, as it stands in one. */
export const runCapsuleFiles: NonNullable<Presentation["files"]> = {
  [Export.id]: (output) => {
    const { content } = output as Static<typeof Export.output>;
    return content === null ? null : Buffer.from(content, "base64");
  },
};

export const runCapsulePrepare: NonNullable<Presentation["prepare"]> = {
  [Export.id]: withoutStream,
  [Preview.id]: withFile,
  [Verify.id]: named("capsule"),
  [Show.id]: named("capsule"),
  [Diff.id]: named("a", "b"),
};

const episodeIn = (field: string): ShortId => ({ field, list: "state.episodes", key: "id" });
export const runCapsuleShortIds: Presentation["shortIds"] = {
  [Export.id]: [episodeIn("episode")],
  [Verify.id]: [episodeIn("capsule")],
  [Show.id]: [episodeIn("capsule")],
  [Diff.id]: [episodeIn("a"), episodeIn("b")],
};

export const runCapsuleShortcuts: Presentation["shortcuts"] = [{ words: "capsule ls", operation: "state.capsules" }];

export interface RunCapsuleCommandOptions {
  readonly terminal: CliParts["terminal"];
  /** All that comes in, up to so many bytes; null for more. */
  readonly readInput: (sizeBytesMax: number) => Promise<Uint8Array | null>;
  readonly connect: (globals: Globals) => Promise<Transport>;
}

type Looked = { readonly kind: "seen"; readonly capsule: CapsuleInfo } | { readonly kind: "held" };

/** Two calls: what is shown is what is kept, or the hub refuses. */
export const importCommand = ({ terminal, connect, readInput }: RunCapsuleCommandOptions): OwnCommand => ({
  words: "capsule import",
  about: "Show who signed a run capsule and what is in it, and keep it on your yes.",
  argument: { name: "file", about: "the capsule, as `arw capsule export` wrote it; - for what comes in by a pipe" },
  options: [["--yes", "keep it without asking, once its signature and digests hold"]],
  async run({ argument, flags, globals }) {
    const signal = AbortSignal.any([]);
    await using transport = await connect(globals);
    const given = argument === streamWord ? await streamed(readInput) : { file: terminal.resolvePath(argument) };
    const looked = await lookAt(given, transport, signal);
    if (looked.kind === "held") return told(terminal, "A person is asked about it first: arw approvals");
    const { capsule } = looked;
    if (globals.json !== true) terminal.write(`${capsuleText(capsule, createPen(terminal))}\n`);
    if (flags["yes"] !== true && !(await isAllowed(terminal, signal)))
      return told(terminal, "Nothing is kept. Keep it with --yes.");
    const kept = await transport.call(Import.id, { ...given, digest: capsule.digest }, signal);
    if (kept.kind !== "answer") return told(terminal, "A person is asked about it first: arw approvals");
    const output = kept.output as Static<typeof Import.output>;
    const words = `✓ ${keptText(output, capsule, createPen(terminal))} Replay it: arw replay ${capsule.digest.slice(0, 19)}\n`;
    terminal.write(globals.json === true ? `${JSON.stringify(output)}\n` : words);
    return exitCodes.ok;
  },
});

/** The copy of another signer may be there already, and stay. */
function keptText({ capsule, isNew }: Static<typeof Import.output>, given: CapsuleInfo, pen: Pen): string {
  if (isNew) return "Kept.";
  if (capsule.signer.keyId === given.signer.keyId) return "It was kept before.";
  return `It was kept before, and that copy stays. It is signed by ${signerText(capsule.signer, pen)}.`;
}

type Given = { readonly file: string } | { readonly content: string };

/** In a request there is room for less than in a file. */
async function streamed(readInput: RunCapsuleCommandOptions["readInput"]): Promise<Given> {
  const bytes = await readInput(contentBytesMax);
  if (bytes !== null) return { content: Buffer.from(bytes).toString("base64") };
  throw new CallFailed({
    type: `/problems/${FileNotTaken.code}`,
    title: FileNotTaken.title,
    status: FileNotTaken.status,
    code: FileNotTaken.code,
    detail: `more than ${formatBytes(contentBytesMax)} came in by the pipe; name the file instead`,
    instance: "",
  });
}
const contentBytesMax = Math.floor(contentCharsMax / 4) * 3;

async function lookAt(given: Given, transport: Transport, signal: AbortSignal): Promise<Looked> {
  const result = await transport.call(Preview.id, given, signal);
  // The corridor has held the answer to its schema.
  return result.kind === "answer" ? { kind: "seen", capsule: result.output as CapsuleInfo } : { kind: "held" };
}

async function isAllowed(terminal: CliParts["terminal"], signal: AbortSignal): Promise<boolean> {
  if (!terminal.isTty) return false;
  const said = await terminal.ask("Keep it? Nothing of it runs. [y/N] ", signal).catch(() => "");
  return /^y(?:es)?$/i.test(said.trim());
}

function told(terminal: Pick<Terminal, "writeError">, text: string): number {
  terminal.writeError(`${text}\n`);
  return exitCodes.problem;
}
