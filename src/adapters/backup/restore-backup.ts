/** Makes a state directory from a backup: everything is checked beside it first, and then moved into place at once. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { DatabaseSync } from "node:sqlite";
import { createGunzip } from "node:zlib";
import { BackupFault, type BackupManifest } from "../../domains/backup/port.ts";
import { FolderFault } from "../../domains/fs/port.ts";
import { StoreFault } from "../../kernel/ports.ts";
import { plainLines, sealedLines } from "../audit/chain.ts";
import { verifyFiles } from "../audit/read-log.ts";
import { sealedPacking } from "../files/blob-packing.ts";
import { createFileBlobs } from "../files/blobs.ts";
import { diskFree } from "../files/disk.ts";
import { errnoOf, isMissing } from "../files/faults.ts";
import { makeFolder } from "../files/make-folder.ts";
import { syncFolderAt } from "../files/replace-file.ts";
import { keysName } from "../sealed-state/keys.ts";
import type { Sealer } from "../sealed-state/sealer.ts";
import {
  auditNames,
  backupFormat,
  type ContentFolder,
  contentFolders,
  contentOf,
  isKnownName,
  journalName,
  manifestName,
  parseManifest,
} from "./layout.ts";
import { readTar, type TarEntry } from "./tar.ts";

export interface RestoreOptions {
  readonly file: string;
  /** Missing or empty. */
  readonly stateDir: string;
  /** Checks everything and leaves nothing. */
  readonly isDryRun: boolean;
  /** Newest store format that this program knows. */
  readonly storeFormat: number;
  /** Asks for the way into the backup of an encrypted state; null for one in plain. */
  readonly unlock?: (folder: string) => Promise<Sealer | null>;
  /** Walks the journal's chain; the reason it does not hold, or null. */
  readonly verifyJournal: (path: string, sealer: Sealer | null) => string | null;
  /** Looks into the checked copy before it goes into place, or away. */
  readonly examine?: (folder: string, sealer: Sealer | null) => Promise<void>;
}

export interface Restored {
  readonly manifest: BackupManifest;
  readonly files: number;
  readonly sizeBytes: number;
}

/** Of the disk, left alone: a restore must not fill it up. */
const reserveBytes = 50_000_000;
/** A journal of years has far fewer; more is a file made to hurt. */
const entriesMax = 10_000_000;
const manifestBytesMax = 1_000_000;
/** More than any content has; the ceilings of a hub are below it. */
const contentBytesMax = 1_000_000_000;

/** Throws a `BackupFault`; the state directory is then as it was. */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { file, stateDir, isDryRun } = options;
  // Nothing goes there in a dry run, so a hub may live there.
  if (!isDryRun) await assertEmpty(stateDir);
  const staging = `${stateDir}.restore-${randomBytes(6).toString("hex")}`;
  try {
    await makeFolder(dirname(stateDir));
    await mkdir(staging, { mode: 0o700 });
    const unpacked = await unpack(file, staging);
    const sealer = (await options.unlock?.(staging)) ?? null;
    const manifest = await check(unpacked, staging, { ...options, sealer });
    if (sealer !== null) await checkSealed(unpacked, staging, sealer);
    await options.examine?.(staging, sealer);
    if (!isDryRun) await moveIn(staging, stateDir);
    return { manifest, files: unpacked.files, sizeBytes: unpacked.sizeBytes };
  } catch (error) {
    throw asFault(error, file);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function assertEmpty(stateDir: string): Promise<void> {
  const names = await readdir(stateDir).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw new BackupFault("refused", `${stateDir} is not a folder that can be read`, { cause: error });
  });
  if (names.length === 0) return;
  throw new BackupFault("refused", `${stateDir} is not empty; restore into a new --state-dir, or move this one away`);
}

function asFault(error: unknown, file: string): unknown {
  if (error instanceof BackupFault) return error;
  if (error instanceof FolderFault) return new BackupFault("refused", error.message, { cause: error });
  if (error instanceof StoreFault) return new BackupFault("refused", error.message, { cause: error });
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code.startsWith("Z_"))
    return new BackupFault("unsound", `${file} is no backup, or ends too early`, { cause: error });
  if (code === "ENOENT") return new BackupFault("refused", `there is no file ${file}`, { cause: error });
  return code === "" ? error : new BackupFault("disk", `${file}: ${(error as Error).message}`, { cause: error });
}

interface Unpacked {
  files: number;
  sizeBytes: number;
  readonly digests: Map<string, { readonly sizeBytes: number; readonly digest: string }>;
  readonly contents: Readonly<Record<ContentFolder, { count: number; sizeBytes: number }>>;
  manifest: BackupManifest | null;
}

async function unpack(file: string, staging: string): Promise<Unpacked> {
  const unpacked: Unpacked = {
    files: 0,
    sizeBytes: 0,
    digests: new Map(),
    contents: { blobs: { count: 0, sizeBytes: 0 }, capsules: { count: 0, sizeBytes: 0 } },
    manifest: null,
  };
  const source = createReadStream(file);
  const bytes = source.pipe(createGunzip());
  source.on("error", (error) => bytes.destroy(error));
  try {
    for await (const entry of readTar(bytes)) await takeEntry(entry, staging, unpacked);
  } finally {
    source.destroy();
    bytes.destroy();
  }
  return unpacked;
}

async function takeEntry(entry: TarEntry, staging: string, unpacked: Unpacked): Promise<void> {
  const { name, sizeBytes } = entry;
  const shown = JSON.stringify(name);
  if (!isKnownName(name)) throw new BackupFault("unsound", `${shown} does not belong into a backup`);
  if (unpacked.manifest !== null) throw new BackupFault("unsound", `${shown} comes after the end`);
  if (unpacked.files >= entriesMax) throw new BackupFault("unsound", "it has more files than any hub");
  if (name === manifestName) {
    if (sizeBytes > manifestBytesMax) throw new BackupFault("unsound", "the manifest is too long");
    unpacked.manifest = parseManifest(await text(entry.content));
    if (unpacked.manifest === null)
      throw new BackupFault("unsound", "the manifest says nothing that can be understood");
    return;
  }
  const { freeBytes } = await diskFree(staging);
  if (sizeBytes > freeBytes - reserveBytes) throw new BackupFault("disk", `there is no room for ${shown}`);
  const digest = await writeEntry(entry, join(staging, name));
  unpacked.files += 1;
  unpacked.sizeBytes += sizeBytes;
  const content = contentOf(name);
  if (content === null) {
    unpacked.digests.set(name, { sizeBytes, digest });
    return;
  }
  // The keys come before the contents.
  const isNamedByDigest = !unpacked.digests.has(keysName);
  if (isNamedByDigest && digest !== `sha256:${content.hex}`)
    throw new BackupFault("unsound", `${shown} is not what its name says`);
  const counted = unpacked.contents[content.folder];
  counted.count += 1;
  counted.sizeBytes += sizeBytes;
}

/** A name that comes twice meets the file of the first, and is refused. */
async function writeEntry({ name, content }: TarEntry, path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  const handle = await open(path, "wx", 0o600).catch((error: unknown) => {
    if (errnoOf(error) === "EEXIST") throw new BackupFault("unsound", `${JSON.stringify(name)} is there twice`);
    throw error;
  });
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return `sha256:${hash.digest("hex")}`;
}

interface CheckOptions extends RestoreOptions {
  readonly sealer: Sealer | null;
}

async function check(unpacked: Unpacked, staging: string, options: CheckOptions): Promise<BackupManifest> {
  const { manifest, digests, contents } = unpacked;
  if (manifest === null) throw new BackupFault("unsound", "it has no manifest: the file was cut short");
  if (manifest.format > backupFormat || manifest.storeFormat > options.storeFormat) {
    throw new BackupFault(
      "newer",
      `it was made by ARW ${manifest.version} (backup format ${manifest.format}, store format ${manifest.storeFormat}); this one knows ${backupFormat} and ${options.storeFormat}. Use the newer ARW.`,
    );
  }
  const promised = new Map(manifest.files.map((each) => [each.name, each]));
  for (const name of new Set([...promised.keys(), ...digests.keys(), journalName])) {
    const [said, found] = [promised.get(name), digests.get(name)];
    if (said === undefined || found === undefined || said.digest !== found.digest || said.sizeBytes !== found.sizeBytes)
      throw new BackupFault("unsound", `${JSON.stringify(name)} is not what the manifest says`);
  }
  for (const folder of contentFolders) {
    const [said, found] = [manifest[folder] ?? none, contents[folder]];
    if (said.count !== found.count || said.sizeBytes !== found.sizeBytes)
      throw new BackupFault("unsound", `the number of ${folder} is not what the manifest says`);
  }
  checkJournal(join(staging, journalName), manifest, options);
  const lines = options.sealer === null ? plainLines : sealedLines(options.sealer);
  const audit = await verifyFiles(
    auditNames.toReversed().map((name) => join(staging, name)),
    null,
    lines,
  );
  if (audit.fault !== null)
    throw new BackupFault("unsound", `${audit.fault.file} line ${audit.fault.line}: ${audit.fault.reason}`);
  return manifest;
}

const none = { count: 0, sizeBytes: 0 };

/** Each content of an encrypted state opens, under its own name. */
async function checkSealed({ contents }: Unpacked, staging: string, sealer: Sealer): Promise<void> {
  const packing = sealedPacking(sealer);
  for (const folder of contentFolders) {
    const store = createFileBlobs({ folder: join(staging, folder), sizeBytesMaxEach: contentBytesMax, packing });
    let count = 0;
    for await (const { ref } of store.list()) if ((await store.get(ref)) !== null) count += 1;
    if (count !== contents[folder].count)
      throw new BackupFault("unsound", `${contents[folder].count - count} of its ${folder} do not open`);
  }
}

function checkJournal(path: string, { journal }: BackupManifest, options: CheckOptions): void {
  const { storeFormat, verifyJournal, sealer } = options;
  const found = readStore(path);
  if (found.format > storeFormat)
    throw new BackupFault("newer", `its journal has store format ${found.format}; this ARW knows ${storeFormat}`);
  if (found.verdict !== "ok") throw new BackupFault("unsound", `its journal is damaged: ${found.verdict}`);
  const reason = verifyJournal(path, sealer);
  if (reason !== null) throw new BackupFault("unsound", `its journal does not hold together: ${reason}`);
  if (found.seq !== journal.seq || found.hash !== journal.hash)
    throw new BackupFault("unsound", "its journal ends elsewhere than the manifest says");
}

function readStore(path: string): { format: number; verdict: string; seq: number; hash: string } {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const { user_version: format } = database.prepare("PRAGMA user_version").get() as { user_version: number };
    const { quick_check: verdict } = database.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
    const head = database.prepare("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").get();
    return { format, verdict, ...((head ?? { seq: 0, hash: "0".repeat(64) }) as { seq: number; hash: string }) };
  } catch (error) {
    throw new BackupFault("unsound", "its journal cannot be opened", { cause: error });
  } finally {
    database.close();
  }
}

async function moveIn(staging: string, stateDir: string): Promise<void> {
  await syncFolderAt(staging);
  // An empty folder gives way; one that was filled meanwhile does not, and the restore fails.
  if ((await stat(stateDir).catch(() => null)) !== null) await rmdir(stateDir);
  await rename(staging, stateDir);
  await syncFolderAt(dirname(stateDir));
}
