/** A file under a name that was free: there as a whole, or not at all. */
import { lstat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf } from "./faults.ts";
import { type FileCalls, temporaryName, writeNewFile } from "./file-calls.ts";
import { syncFolderAt } from "./replace-file.ts";

/** What file systems without links say; a memory stick may be one. */
const linkless = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Somebody else has the name; as `link` would say it. */
class NameTaken extends Error {
  readonly code = "EEXIST";
  constructor(path: string, options: ErrorOptions) {
    super(`EEXIST: ${path}`, options);
    this.name = "NameTaken";
  }
}

/**
 * Gives a finished file its name, and makes that durable. Link refuses a name that is taken, at the very moment; rename would
 * replace it. Throws EEXIST; the draft is the caller's to remove.
 */
export async function takeFreeName(calls: FileCalls, draft: string, path: string): Promise<void> {
  try {
    await calls.link(draft, path);
  } catch (error) {
    if ((await lstat(path).catch(() => null)) !== null) throw new NameTaken(path, { cause: error });
    if (!linkless.has(errnoOf(error))) throw error;
    await calls.rename(draft, path);
  }
  try {
    await syncFolderAt(dirname(path), calls);
  } catch (error) {
    // What may be gone after a power cut was not written, and the name must be free for the next try.
    await calls.unlink(path).catch(() => undefined);
    throw error;
  }
}

/** Whoever is cut off leaves a hidden draft and no half file. Throws EEXIST where the name is taken. */
export async function makeWholeFile(calls: FileCalls, path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const draft = join(dirname(path), temporaryName());
  await writeNewFile(calls, draft, content);
  try {
    await takeFreeName(calls, draft, path);
  } finally {
    await calls.unlink(draft).catch(() => undefined);
  }
}
