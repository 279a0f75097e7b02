/** What `arw connect` wrote, so that `--undo` finds it: beside each file a copy of it as it was, and a note in the state. */
import { chmod, readFile, readdir, realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../adapters/files/make-folder.ts";
import { replaceFile } from "../../adapters/files/replace-file.ts";
import { sha256Hex } from "../../base/canonical-json.ts";

export interface ConnectRecord {
  readonly path: string;
  /** The copy of the file as it was before the first change. */
  readonly backup: string;
  /** Digest of what was written; null once the file was changed by others in between. */
  readonly written: string | null;
  readonly atMs: number;
}

const backupSuffix = ".before-arw";
/** Configuration files hold secrets as they are. */
const recordMode = 0o600;

export interface Records {
  all(): Promise<readonly ConnectRecord[]>;
  /** Writes the file, if it still is what the person was shown, with a copy of what it was. */
  write(
    path: string,
    change: { readonly before: string; readonly after: string; readonly nowMs: number },
  ): Promise<void>;
  /** Writes the file back and forgets the record. */
  takeBack(record: ConnectRecord, change: { readonly before: string; readonly after: string }): Promise<void>;
  forget(record: ConnectRecord): Promise<void>;
}

/** The file is no longer what the person was shown. */
export class Changed extends Error {
  override readonly name = "Changed";
}

export function createRecords(folder: string): Records {
  const noteOf = (path: string): string => join(folder, `${sha256Hex(path).slice(0, 32)}.json`);
  const noted = async (path: string): Promise<ConnectRecord | null> => {
    const text = await textOf(noteOf(path));
    return text === null ? null : (JSON.parse(text) as ConnectRecord);
  };
  return {
    async all() {
      const names = await readdir(folder).catch(() => []);
      const notes = await Promise.all(
        names.filter((name) => name.endsWith(".json")).map((name) => textOf(join(folder, name))),
      );
      return notes.flatMap((text) => (text === null ? [] : [JSON.parse(text) as ConnectRecord]));
    },
    async write(path, { before, after, nowMs }) {
      const former = await noted(path);
      const backup = former?.backup ?? `${path}${backupSuffix}`;
      // An older copy stays what it is: how the file was before anything of ours was in it.
      if (former === null) await replaceText(backup, before, await modeOf(path));
      // Written by us again, with nobody in between: the copy is still all that there was before.
      const isOurs = former === null || former.written === sha256Hex(before);
      const written = isOurs ? sha256Hex(after) : null;
      await makeFolder(folder, { mode: 0o700 });
      const record: ConnectRecord = { path, backup, written, atMs: nowMs };
      await replaceFile(noteOf(path), Buffer.from(JSON.stringify(record)), { mode: recordMode });
      await replaceUnchanged(path, before, after);
    },
    async takeBack(record, { before, after }) {
      await replaceUnchanged(record.path, before, after);
      await this.forget(record);
    },
    async forget({ path, backup }) {
      await rm(noteOf(path), { force: true });
      await rm(backup, { force: true });
    },
  };
}

async function replaceUnchanged(path: string, before: string, after: string): Promise<void> {
  if ((await textOf(path)) !== before) throw new Changed(`${path} was changed meanwhile`);
  await replaceText(path, after, await modeOf(path));
}

/** A link is followed: what it leads to is the file that somebody keeps. */
async function replaceText(path: string, text: string, mode: number): Promise<void> {
  const target = await realpath(path).catch(() => path);
  await replaceFile(target, Buffer.from(text), { mode });
  await chmod(target, mode);
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

/** Larger files are no configuration of servers. */
const sizeBytesMax = 20_000_000;

/** Null when there is none that can be read. */
export async function textOf(path: string): Promise<string | null> {
  try {
    if ((await stat(path)).size > sizeBytesMax) return null;
    return await readFile(path, "utf8");
  } catch {
    return null;
  }
}
