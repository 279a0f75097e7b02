/** Starts the MCP server in namespaces of its own: it sees the folders that it was given, and no network. */
import { realpath } from "node:fs/promises";
import { Readable, Writable } from "node:stream";
import { type Child, type ChildEnd, ChildFault, type ChildFolder, type Confinement } from "../../domains/shell/port.ts";
import type { StartedServer } from "./child.ts";
import { createLines } from "./lines.ts";

export interface ConfinedOptions {
  readonly confinement: Confinement;
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly lengthMax: number;
}

/** What the confinement sets by itself. */
const ownNames = new Set(["PATH", "HOME", "TMPDIR", "LANG"]);

/** Throws `ChildFault` where nothing confines, or for a folder that no child may be given. */
export async function startConfined(
  [command, ...args]: readonly [string, ...string[]],
  { confinement, read, write, env, lengthMax }: ConfinedOptions,
): Promise<StartedServer> {
  const { lack } = await confinement.abilities();
  if (lack !== null) throw new ChildFault(lack);
  const folders = await foldersOf({ read, write });
  const stop = new AbortController();
  const child = await confinement.start({
    command,
    args,
    env: Object.fromEntries(
      Object.entries(env).filter(
        (entry): entry is [string, string] => entry[1] !== undefined && !ownNames.has(entry[0]),
      ),
    ),
    cwd: folders[0]?.path ?? "/",
    folders,
    network: { kind: "none" },
    limits: { timeoutMs: null, outputBytesMax: null },
    signal: stop.signal,
  });
  void tell(child.stderr);
  return linesOf(child, { name: command, lengthMax });
}

interface FolderPaths {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** As they are really called, those that are written first. Throws `ChildFault` for one that is not there. */
export const foldersOf = ({ read, write }: FolderPaths): Promise<readonly ChildFolder[]> =>
  Promise.all([...write.map(folderOf("write")), ...read.map(folderOf("read"))]);

const folderOf =
  (mode: ChildFolder["mode"]) =>
  async (path: string): Promise<ChildFolder> => ({
    path: await realpath(path).catch(() => {
      throw new ChildFault(`${path} is not there`);
    }),
    mode,
  });

/** A child that speaks the protocol over its input and output. Its complaints are read by whoever started it. */
export function linesOf(
  child: Pick<Child, "stdin" | "stdout" | "exited" | "end">,
  { name, lengthMax }: { readonly name: string; readonly lengthMax: number },
): StartedServer {
  const input = new Writable({
    write: (chunk: Buffer, _encoding, done) => void forward(child.stdin.write(chunk), done),
    final(done) {
      child.stdin.end();
      done();
    },
  });
  const { lines, write, close } = createLines({ input: Readable.from(child.stdout), output: input, lengthMax });
  const ended = child.exited.then((end) => `${name} ended with ${endWords(end)}`);
  return {
    lines,
    write,
    ended,
    async close() {
      await close();
      child.end();
      await ended;
    },
  };
}

async function forward(written: Promise<void>, done: () => void): Promise<void> {
  await written;
  done();
}

/** What the server says beside the protocol goes where the client looks for it. */
async function tell(stderr: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of stderr) process.stderr.write(chunk);
}

const endWords = ({ exitCode, signal, endedBy }: ChildEnd): string =>
  endedBy === "fault" ? "its confinement, which could not be made" : (signal ?? `code ${exitCode ?? 0}`);
