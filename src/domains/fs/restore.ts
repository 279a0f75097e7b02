/** Gives a file a content that was kept, or removes it: what an undo does, one file at a time and byte for byte. */
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import type { Recorder } from "../../kernel/recorder.ts";
import { ContentGone, FileChanged, FolderMoved, OutsideFolder, type Restore } from "./contract.ts";
import type { OpenFolder } from "./port.ts";
import type { FolderReader } from "./reader.ts";

/** The largest file that is changed; its former content has to fit into the store of records. */
const beforeBytesMax = 64_000_000;

/** `.git` holds hooks, which run; no tool reads or writes there. */
export function refuseGit(path: string): void {
  if (path.split("/").some((part) => part.toLowerCase() === ".git"))
    throw new Problem(OutsideFolder, `${path}: .git is off limits`);
}

/** Where a folder lies as its path says it, without the slashes at its end. */
const plainPath = (folder: string): string => folder.replace(/(?<=.)[/\\]+$/, "");

/** Where the folder really lies; undefined where its path says so. */
export const realFolderOf = ({ root }: OpenFolder, folder: string): string | undefined =>
  root === plainPath(folder) ? undefined : root;

/** A link that was put in place of a folder must not lead an undo to the files of somebody else. */
export function refuseMoved(open: OpenFolder, { folder, realFolder }: Place): void {
  const then = realFolder ?? plainPath(folder);
  if (open.root === then) return;
  throw new Problem(FolderMoved, `${folder} leads to ${open.root} now, and the file was changed in ${then}`);
}

/** A folder by its path, and where it really lay. */
export interface Place {
  readonly folder: string;
  readonly realFolder?: string | undefined;
}

/** What is there now, or null when nothing is. */
export async function currentBytes(
  open: OpenFolder,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly bytes: Uint8Array; readonly digest: string } | null> {
  if ((await open.stat(path, signal)) === null) return null;
  const file = await open.readBytes(path, { signal, sizeBytesMax: beforeBytesMax });
  return { bytes: file.bytes, digest: file.digest ?? "" };
}

/** How many folders have to be made on the way to a file. */
export async function missingFolders(open: OpenFolder, path: string, signal: AbortSignal): Promise<number> {
  const steps = path.split("/").slice(0, -1);
  for (let missing = 0; missing < steps.length; missing += 1) {
    const parent = steps.slice(0, steps.length - missing).join("/");
    if ((await open.stat(parent, signal)) !== null) return missing;
  }
  return steps.length;
}

interface Restoring {
  readonly reader: FolderReader;
  readonly recorder: Recorder;
}

export function restore(
  input: Static<typeof Restore.input>,
  ctx: Context,
  { reader, recorder }: Restoring,
): Promise<Static<typeof Restore.output>> {
  const { folder, path, ref, expectedDigest } = input;
  const { signal } = ctx;
  refuseGit(path);
  return reader.within(folder, { signal, isWritable: true }, async (open) => {
    refuseMoved(open, input);
    const before = await currentBytes(open, path, signal);
    const beforeRef = before?.digest ?? null;
    if (beforeRef !== expectedDigest)
      throw new Problem(FileChanged, `${path} is not what it was when the undo looked`, { reason: "changed" });
    const answer = { path, digest: ref, sizeBytes: 0, beforeRef, isChanged: beforeRef !== ref, madeFolders: 0 };
    if (!answer.isChanged) return { ...answer, sizeBytes: before?.bytes.byteLength ?? 0 };
    if (before !== null) await recorder.keepBytes(before.bytes);
    if (ref === null) {
      const emptyFoldersMax = input.emptyFolders ?? 0;
      await open.remove(path, { signal, expectedDigest: beforeRef as string, emptyFoldersMax });
      return answer;
    }
    const bytes = await keptBytes(recorder, ref, path);
    const madeFolders = before === null ? await missingFolders(open, path, signal) : 0;
    await open.writeBytes(path, bytes, { signal, expectedDigest, canMakeFolders: before === null });
    return { ...answer, sizeBytes: bytes.byteLength, madeFolders };
  });
}

async function keptBytes(recorder: Recorder, ref: string, path: string): Promise<Uint8Array> {
  const bytes = await recorder.recallBytes(ref);
  if (bytes !== null) return bytes;
  throw new Problem(ContentGone, `what ${path} is to become, ${ref}, is not kept any more`);
}
