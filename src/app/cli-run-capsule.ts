/** `arw capsule …`: where files lie, how capsules are named, and the question before one is kept. */
import { setTimeout as pause } from "node:timers/promises";
import { formatBytes } from "../base/units.ts";
import type { Static } from "../contract/schema.ts";
import {
  type CapsuleInfo,
  CapsuleProgress,
  contentCharsMax,
  Diff,
  Export,
  FileNotTaken,
  Import,
  Preview,
  Show,
  Verify,
} from "../domains/capsules/contract.ts";
import { Replay } from "../domains/capsules/replay.ts";
import { callTelling, type LongCall } from "../surfaces/cli/long-call.ts";
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
import { withCapsulePaths } from "./capsule-names.ts";
import { capsuleText, signerText } from "./cli-run-capsule-answers.ts";

type Paths = Pick<Terminal, "resolvePath">;

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
  [Verify.id]: (input, paths) => withCapsulePaths("capsule")(input, paths),
  [Show.id]: (input, paths) => withCapsulePaths("capsule")(input, paths),
  [Diff.id]: (input, paths) => withCapsulePaths("a", "b")(input, paths),
};

const episodeIn = (field: string): ShortId => ({ field, list: "state.episodes", key: "id" });
export const runCapsuleShortIds: Presentation["shortIds"] = {
  [Export.id]: [episodeIn("episode")],
  [Verify.id]: [episodeIn("capsule")],
  [Show.id]: [episodeIn("capsule")],
  [Diff.id]: [episodeIn("a"), episodeIn("b")],
};

const heard = { kind: CapsuleProgress.kind, subject: "capsule" };
export const runCapsuleProgress: NonNullable<Presentation["progress"]> = Object.fromEntries(
  [Export, Preview, Import, Verify, Show, Diff, Replay].map(({ id }) => [id, heard]),
);

export const runCapsuleShortcuts: Presentation["shortcuts"] = [{ words: "capsule ls", operation: "state.capsules" }];

export interface RunCapsuleCommandOptions {
  readonly terminal: CliParts["terminal"];
  /** All that comes in, up to so many bytes; null for more. */
  readonly readInput: (sizeBytesMax: number) => Promise<Uint8Array | null>;
  readonly connect: (globals: Globals) => Promise<Transport>;
  readonly follow: Presentation["follow"];
}

type Looked = { readonly kind: "seen"; readonly capsule: CapsuleInfo } | { readonly kind: "held" };

/** Two calls: what is shown is what is kept, or the hub refuses. */
export const importCommand = (options: RunCapsuleCommandOptions): OwnCommand => ({
  words: "capsule import",
  about: "Show who signed a run capsule and what is in it, and keep it on your yes.",
  argument: { name: "file", about: "the capsule, as `arw capsule export` wrote it; - for what comes in by a pipe" },
  options: [["--yes", "keep it without asking, once its signature and digests hold"]],
  async run({ argument, flags, globals }) {
    const { terminal, connect, follow } = options;
    const leaving = new AbortController();
    const stopListening = terminal.onInterrupt(() => leaving.abort());
    try {
      await using transport = await connect(globals);
      const importing: LongCall = {
        transport,
        terminal,
        presentation: { progress: runCapsuleProgress, follow },
        wait: (delayMs, signal) => pause(delayMs, undefined, { signal }),
        pen: createPen(terminal),
        signal: leaving.signal,
        isJson: globals.json === true,
      };
      const file = argument === streamWord ? null : terminal.resolvePath(argument);
      const given = file === null ? await streamed(options.readInput) : { file };
      return await importGiven(given, importing, flags["yes"] === true);
    } catch (error) {
      if (leaving.signal.aborted) return exitCodes.interrupted;
      throw error;
    } finally {
      stopListening();
    }
  },
});

async function importGiven(given: Given, importing: LongCall, isYes: boolean): Promise<number> {
  const { terminal, signal, pen, isJson } = importing;
  const looked = await lookAt(given, importing);
  if (looked.kind === "held") return told(terminal, "A person is asked about it first: arw approvals");
  const { capsule } = looked;
  if (!isJson) terminal.write(`${capsuleText(capsule, pen)}\n`);
  const isAgreed = isYes || (await isAllowed(terminal, signal));
  signal.throwIfAborted();
  if (!isAgreed) return told(terminal, "Nothing is kept. Keep it with --yes.");
  const kept = await callTelling(Import.id, { ...given, digest: capsule.digest }, importing);
  if (kept.kind !== "answer") return told(terminal, "A person is asked about it first: arw approvals");
  const output = kept.output as Static<typeof Import.output>;
  const words = `✓ ${keptText(output, capsule, pen)} Replay it: arw replay ${capsule.digest.slice(0, 19)}\n`;
  terminal.write(isJson ? `${JSON.stringify(output)}\n` : words);
  return exitCodes.ok;
}

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

async function lookAt(given: Given, importing: LongCall): Promise<Looked> {
  const result = await callTelling(Preview.id, given, importing);
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
