/** Writes a backup of a running hub: a consistent copy of the journal, the blobs, and the small files that cannot be made anew. */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, createReadStream, fstatSync, openSync } from "node:fs";
import { lstat, rm, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { backup, DatabaseSync } from "node:sqlite";
import { createGzip } from "node:zlib";
import { BackupFault, type BackupManifest, type Backups } from "../../domains/backup/port.ts";
import type { BlobStore } from "../../kernel/ports.ts";
import { errnoOf, faultOf, isMissing } from "../files/faults.ts";
import { type FileCalls, fileCalls, writeNewFile } from "../files/file-calls.ts";
import { takeFreeName } from "../files/new-file.ts";
import {
  auditNames,
  backupFormat,
  type ContentFolder,
  contentName,
  journalName,
  leftOut,
  manifestName,
  smallNames,
} from "./layout.ts";
import { type TarEntry, writeTar } from "./tar.ts";

export interface BackupOptions {
  readonly stateDir: string;
  readonly blobs: Pick<BlobStore, "list" | "get">;
  /** The shelf of kept run capsules, where there is one. */
  readonly capsules?: Pick<BlobStore, "list" | "get">;
  readonly version: string;
  readonly node: string;
  readonly nowMs: () => number;
  /** The disk's own unless a test stands in. */
  readonly calls?: FileCalls;
}

/** Pages copied in one step on another thread: all of them, as a commit between two steps would begin the copy anew. */
const pagesPerStep = 1_000_000_000;
/** More often tells nobody more. */
const filesPerProgress = 100;

export function createBackups(options: BackupOptions): Backups {
  return {
    check: (file) => checkPlace(file, options.stateDir),
    async make(file, { signal, onProgress }) {
      await checkPlace(file, options.stateDir);
      const mark = randomBytes(12).toString("hex");
      const copy = join(options.stateDir, `.arw-${mark}.tmp`);
      const draft = `${file}.${mark}.tmp`;
      try {
        const { calls = fileCalls } = options;
        const journal = await copyJournal(join(options.stateDir, journalName), copy, calls);
        const told = { files: 0, onProgress, signal };
        const entries = entriesOf(options, { journal, copy, told });
        const packed = Readable.from(writeTar(entries, { modifiedMs: options.nowMs() }));
        const write = (zipped: AsyncIterable<Uint8Array>) => writeNewFile(calls, draft, zipped);
        const { sizeBytes } = await pipeline(packed, createGzip(), write, { signal });
        await takeName(draft, file, calls);
        onProgress({ files: told.files, filesTotal: told.files });
        return { file, sizeBytes, files: told.files, journalSeq: journal.seq, leftOut: [...leftOut] };
      } catch (error) {
        signal.throwIfAborted();
        const fault = faultOf(error, file);
        throw fault instanceof BackupFault
          ? fault
          : new BackupFault("disk", (fault as Error).message, { cause: fault });
      } finally {
        for (const left of [copy, `${copy}-wal`, `${copy}-shm`, `${copy}-journal`, draft])
          await rm(left, { force: true });
      }
    },
  };
}

async function checkPlace(file: string, stateDir: string): Promise<void> {
  const refuse = (why: string): never => {
    throw new BackupFault("refused", `${JSON.stringify(file)}: ${why}`);
  };
  if (!isAbsolute(file)) refuse("the path must be absolute");
  const inside = relative(stateDir, file);
  if (inside === "" || (inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)))
    refuse("a backup must not lie in what it is a backup of");
  const folder = await stat(dirname(file)).catch(() => null);
  if (folder?.isDirectory() !== true) refuse("its folder does not exist");
  if ((await lstat(file).catch(() => null)) !== null) refuse("it exists, and a backup replaces no file");
}

interface CopiedJournal {
  readonly seq: number;
  readonly hash: string;
  readonly storeFormat: number;
}

async function copyJournal(path: string, copy: string, calls: FileCalls): Promise<CopiedJournal> {
  // Made first, so that no moment shows the copy to others.
  await (await calls.open(copy, "wx", 0o600)).close();
  const source = new DatabaseSync(path, { readOnly: true });
  try {
    await backup(source, copy, { rate: pagesPerStep });
  } finally {
    source.close();
  }
  const copied = new DatabaseSync(copy);
  try {
    copied.exec("PRAGMA journal_mode=DELETE");
    const { user_version: storeFormat } = copied.prepare("PRAGMA user_version").get() as { user_version: number };
    const head = copied.prepare("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").get();
    const { seq, hash } = (head ?? { seq: 0, hash: "0".repeat(64) }) as { seq: number; hash: string };
    return { seq, hash, storeFormat };
  } finally {
    copied.close();
  }
}

interface Packing {
  readonly journal: CopiedJournal;
  readonly copy: string;
  readonly told: {
    files: number;
    readonly onProgress: Parameters<Backups["make"]>[1]["onProgress"];
    readonly signal: AbortSignal;
  };
}

/** The journal first and the blobs after it: what the journal names was there when it was copied. The manifest is last. */
async function* entriesOf(options: BackupOptions, { journal, copy, told }: Packing): AsyncGenerator<TarEntry> {
  const files: BackupManifest["files"] = [];
  const opened = openFiles(options.stateDir, copy);
  try {
    for (let next = opened.shift(); next !== undefined; next = opened.shift()) {
      const { name, file } = next;
      told.files += 1;
      yield fileEntry(name, file, (digest, sizeBytes) => files.push({ name, sizeBytes, digest }));
    }
  } finally {
    for (const { file } of opened) closeSync(file);
  }
  const blobs = { count: 0, sizeBytes: 0 };
  yield* contentEntries("blobs", options.blobs, { counted: blobs, told });
  const capsules = { count: 0, sizeBytes: 0 };
  if (options.capsules !== undefined) yield* contentEntries("capsules", options.capsules, { counted: capsules, told });
  const { seq, hash, storeFormat } = journal;
  const manifest: BackupManifest = {
    program: "arw",
    format: backupFormat,
    version: options.version,
    storeFormat,
    madeAtMs: options.nowMs(),
    node: options.node,
    journal: { seq, hash },
    files,
    blobs,
    capsules,
    leftOut: [...leftOut],
  };
  const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
  yield { name: manifestName, sizeBytes: bytes.length, content: Readable.from([bytes]) };
}

interface Counting extends Pick<Packing, "told"> {
  readonly counted: { count: number; sizeBytes: number };
}

async function* contentEntries(
  folder: ContentFolder,
  store: Pick<BlobStore, "list" | "get">,
  { counted, told }: Counting,
): AsyncGenerator<TarEntry> {
  for await (const { ref } of store.list()) {
    told.signal.throwIfAborted();
    const bytes = await store.get(ref);
    // Removed since, by its age: then nothing that is kept needs it.
    if (bytes === null) continue;
    counted.count += 1;
    counted.sizeBytes += bytes.length;
    told.files += 1;
    if (told.files % filesPerProgress === 0) told.onProgress({ files: told.files, filesTotal: null });
    yield { name: contentName(folder, ref), sizeBytes: bytes.length, content: Readable.from([bytes]) };
  }
}

/** All at once, without a turn in between: a log that rotates meanwhile would be copied twice, or not at all. */
function openFiles(stateDir: string, copy: string): { readonly name: string; readonly file: number }[] {
  const places = [
    { name: journalName, path: copy },
    ...[...auditNames, ...smallNames].map((name) => ({ name, path: join(stateDir, name) })),
  ];
  return places.flatMap(({ name, path }) => {
    try {
      return [{ name, file: openSync(path, "r") }];
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  });
}

function fileEntry(name: string, file: number, done: (digest: string, sizeBytes: number) => void): TarEntry {
  const source = createReadStream("", { fd: file, start: 0 });
  const { size } = fstatSync(file);
  const content = async function* (): AsyncGenerator<Uint8Array> {
    const hash = createHash("sha256");
    let left = size;
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      // A log that grows meanwhile: as far as it went.
      const part = chunk.subarray(0, left);
      left -= part.length;
      hash.update(part);
      if (part.length > 0) yield part;
      if (left === 0) break;
    }
    done(`sha256:${hash.digest("hex")}`, size);
  };
  return { name, sizeBytes: size, content: content() };
}

async function takeName(draft: string, file: string, calls: FileCalls): Promise<void> {
  try {
    await takeFreeName(calls, draft, file);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    throw new BackupFault("refused", `${JSON.stringify(file)}: it exists by now, and a backup replaces no file`);
  }
}
