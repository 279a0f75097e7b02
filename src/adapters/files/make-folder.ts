/**
 * Makes a folder wherever somebody says, and what is missing above it. Node's own way of doing so goes round for ever where
 * a folder that is there takes none inside, as `/proc` does on Linux: each of our steps is tried once.
 */
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { FolderFault } from "../../domains/fs/port.ts";
import { errnoOf, isMissing } from "./faults.ts";
import type { FileCalls } from "./file-calls.ts";

export interface MakeFolderOptions {
  readonly mode?: number;
  readonly calls?: Pick<FileCalls, "mkdir">;
}

/** Leaves alone what is there. Throws Node's error, or a `FolderFault` for a place that takes no folder. */
export async function makeFolder(folder: string, options: MakeFolderOptions = {}): Promise<void> {
  const path = resolve(folder);
  for (const missing of await missingOf(path)) await makeStep(missing, path, options);
}

/** The outermost first. What cannot be looked at counts as missing: the step that makes it is refused in the system's words. */
async function missingOf(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = path; (await stat(at).catch(() => null)) === null; at = dirname(at)) {
    missing.unshift(at);
    if (at === dirname(at)) break;
  }
  return missing.length === 0 ? [path] : missing;
}

async function makeStep(step: string, path: string, { mode = 0o777, calls = { mkdir } }: MakeFolderOptions) {
  try {
    await calls.mkdir(step, { recursive: false, mode });
  } catch (error) {
    // It was there, or somebody else was faster.
    if (errnoOf(error) === "EEXIST" && (await isFolder(step))) return;
    if (!isMissing(error)) throw error;
    const [at, above] = [JSON.stringify(path), JSON.stringify(dirname(step))];
    throw new FolderFault("read-only", `${at}: ${above} takes no new folders (${errnoOf(error)})`, { cause: error });
  }
}

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isDirectory() === true;
