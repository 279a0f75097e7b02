/** Where recordings come from: the shelf, a file, or the record of this hub. */
import { isAbsolute } from "node:path";
import { canonicalJson } from "../../base/canonical-json.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { type CapsuleFile, openCapsule, sealCapsule } from "./capsule-file.ts";
import { collect, recordingOf } from "./collect.ts";
import { type Contents, readContents } from "./contents.ts";
import { CapsuleHoldsSecret, CapsuleUnsound, capsuleBytesMax, FileNotTaken } from "./contract.ts";
import { CapsuleFileFault, type CapsuleMeans, type Cutter } from "./port.ts";
import { breatheWith, type Waiting } from "./pieces.ts";
import type { SignedSource } from "./recording.ts";
import { unsound } from "./refusal.ts";
import type { Shelf } from "./shelf.ts";
import type { Signers } from "./signers.ts";

export interface Opened {
  readonly file: CapsuleFile;
  readonly bytes: Uint8Array;
  readonly contents: Contents;
}

export interface CapsuleSource extends SignedSource {
  /** A capsule, whatever it is named by; of an episode of this hub the one that its export would make. */
  open(name: string, waiting: Waiting): Promise<Opened>;
  /** What somebody hands over, by its path or as it is. */
  given(input: Given, waiting: Waiting): Promise<Opened>;
  /** What leaves this hub: a kept capsule as it is kept, to the byte, or the capsule of an episode. */
  exported(name: string, waiting: Waiting): Promise<Opened>;
}

interface Given {
  readonly file?: string | undefined;
  readonly content?: string | undefined;
}

export function createSource(
  parts: KernelParts,
  means: CapsuleMeans & { readonly signers: Signers },
  shelf: Shelf,
): CapsuleSource {
  const openBytes = async (bytes: Uint8Array, waiting: Waiting): Promise<Opened> => {
    const file = openCapsule(bytes);
    const proving = { seal: parts.archive.seal, breathe: breatheWith(means.clock, waiting) };
    return { file, bytes, contents: await readContents(file, proving) };
  };
  const fromFile = async (path: string, waiting: Waiting): Promise<Opened> =>
    await openBytes(await fileWords(() => means.files.read(path, capsuleBytesMax)), waiting);
  const kept = async (name: string, waiting: Waiting): Promise<Opened | null> => {
    const row = shelf.find(name);
    if (row === null) return null;
    const bytes = await shelf.bytes(row);
    if (bytes === null) throw new Problem(NotFound, `the file of the capsule ${row.digest} is gone; import it again`);
    return await openBytes(bytes, waiting);
  };
  const made = async (episode: string, waiting: Waiting): Promise<Opened> => {
    const { manifest, parts: pieces } = await collect(episode, { parts, means, waiting });
    return await openBytes(sealCapsule(manifest, pieces, await means.keys.own()), waiting);
  };
  return {
    signerOf: async ({ signed }) => (signed === undefined ? null : await means.signers.of(signed)),
    async exported(name, waiting) {
      const copy = await kept(name, waiting);
      if (copy === null) return await made(name, waiting);
      refuseHeld(copy, means.cutter);
      return copy;
    },
    async of(name, signal, onPlace) {
      const waiting: Waiting = onPlace === undefined ? { signal } : { signal, onPlace };
      if (isAbsolute(name)) return (await fromFile(name, waiting)).contents;
      return (await kept(name, waiting))?.contents ?? (await recordingOf(name, { parts, means, waiting }));
    },
    async open(name, waiting) {
      if (isAbsolute(name)) return await fromFile(name, waiting);
      return (await kept(name, waiting)) ?? (await made(name, waiting));
    },
    async given({ file, content }, waiting) {
      if (file !== undefined) return await fromFile(file, waiting);
      const bytes = content === undefined ? null : Buffer.from(content, "base64");
      if (bytes === null) throw new Problem(FileNotTaken, "name the file of a capsule, or send its content");
      return await openBytes(bytes, waiting);
    },
  };
}

/** Nothing can be cut out of what is signed, so a copy that holds a secret by now stays here. */
function refuseHeld({ file }: Opened, { isHeld }: Cutter): void {
  const { manifest, digest } = file;
  const texts = [
    canonicalJson(manifest),
    ...manifest.parts.map((_each, place) => Buffer.from(file.part(place)).toString("utf8")),
  ];
  if (texts.some(isHeld))
    throw new Problem(
      CapsuleHoldsSecret,
      `the capsule ${digest} was kept before a secret in it was known; export its run anew by the episode ${manifest.run.episode}`,
    );
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
