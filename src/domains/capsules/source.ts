/** Where recordings come from: the shelf, a file, or the record of this hub. */
import { isAbsolute } from "node:path";
import { isProblem, Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { type CapsuleFile, openCapsule, sealCapsule } from "./capsule-file.ts";
import { collect, recordingOf } from "./collect.ts";
import { type Contents, readContents } from "./contents.ts";
import { CapsuleUnsound, capsuleBytesMax, FileNotTaken } from "./contract.ts";
import { CapsuleFileFault, type CapsuleMeans } from "./port.ts";
import type { RecordingSource } from "./recording.ts";
import { unsound } from "./refusal.ts";
import type { Shelf } from "./shelf.ts";

export interface Opened {
  readonly file: CapsuleFile;
  readonly bytes: Uint8Array;
  readonly contents: Contents;
}

export interface CapsuleSource extends RecordingSource {
  /** A capsule, whatever it is named by; of an episode of this hub the one that its export would make. */
  open(name: string, signal: AbortSignal): Promise<Opened>;
  /** What somebody hands over, by its path or as it is. */
  given(input: { readonly file?: string | undefined; readonly content?: string | undefined }): Promise<Opened>;
  /** The capsule of an episode of this hub. */
  exported(episode: string, signal: AbortSignal): Promise<Opened>;
}

export function createSource(parts: KernelParts, means: CapsuleMeans, shelf: Shelf): CapsuleSource {
  const openBytes = (bytes: Uint8Array): Opened => {
    const file = openCapsule(bytes);
    return { file, bytes, contents: readContents(file, parts.archive.seal) };
  };
  const fromFile = async (path: string): Promise<Opened> =>
    openBytes(await fileWords(() => means.files.read(path, capsuleBytesMax)));
  const kept = async (name: string): Promise<Opened | null> => {
    const row = shelf.find(name);
    if (row === null) return null;
    const bytes = await shelf.bytes(row);
    if (bytes === null) throw new Problem(NotFound, `the file of the capsule ${row.digest} is gone; import it again`);
    return openBytes(bytes);
  };
  const exported = async (episode: string, signal: AbortSignal): Promise<Opened> => {
    const { manifest, parts: pieces } = await collect(episode, { parts, means, signal });
    return openBytes(sealCapsule(manifest, pieces, await means.keys.own()));
  };
  return {
    exported,
    async of(name, signal) {
      if (isAbsolute(name)) return (await fromFile(name)).contents;
      return (await kept(name))?.contents ?? (await recordingOf(name, { parts, means, signal }));
    },
    async open(name, signal) {
      if (isAbsolute(name)) return await fromFile(name);
      return (await kept(name)) ?? (await exported(name, signal));
    },
    async given({ file, content }) {
      if (file !== undefined) return await fromFile(file);
      const bytes = content === undefined ? null : Buffer.from(content, "base64");
      if (bytes === null) throw new Problem(FileNotTaken, "name the file of a capsule, or send its content");
      return openBytes(bytes);
    },
  };
}

/** What is wrong with a file, in the words of the contract. */
export async function fileWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isProblem(error, CapsuleUnsound) || !(error instanceof CapsuleFileFault)) throw error;
    if (error.reason === "too-large") throw unsound("too-large", error.message);
    throw new Problem(FileNotTaken, error.message, { reason: error.reason, cause: error });
  }
}
