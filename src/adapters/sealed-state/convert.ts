/**
 * Encrypts a whole state directory, or undoes it. Each file becomes its new form at once, by its rename, and looks different in
 * the two forms: so whoever goes on after a kill sees what is done, and does the rest.
 */
import { lstat, mkdir, readdir, readFile, unlink, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type BlobPacking, plainPacking, sealedPacking } from "../files/blob-packing.ts";
import { unlessMissing } from "../files/faults.ts";
import { isTemporaryName } from "../files/file-calls.ts";
import { replaceFile, syncFolderAt } from "../files/replace-file.ts";
import { digestOf } from "../files/safe-file.ts";
import { convertStore } from "../sqlite/convert-store.ts";
import type { Sealer } from "./sealer.ts";
import { openBytes, openLine, places, sealLine } from "./sealed-text.ts";

export interface ConversionStep {
  readonly what: "events" | "contents" | "files";
  readonly done: number;
  readonly total: number;
}

export interface StateConversion {
  readonly stateDir: string;
  readonly sealer: Sealer;
  readonly to: "sealed" | "plain";
  readonly onStep: (step: ConversionStep) => void;
}

/** The caller holds the state directory, and no hub runs. Throws a `StoreFault` for a journal that cannot be read. */
export async function convertState(conversion: StateConversion): Promise<void> {
  const { stateDir, onStep } = conversion;
  const path = join(stateDir, "journal.db");
  if ((await lstat(path).catch(() => null)) !== null)
    await convertStore({ ...conversion, path, onProgress: (done, total) => onStep({ what: "events", done, total }) });
  const files = await blobFiles(stateDir);
  for (const [index, file] of files.entries()) {
    await convertBlob(file, conversion);
    onStep({ what: "contents", done: index + 1, total: files.length });
  }
  const rest = await smallFiles(stateDir);
  for (const [index, { path: at, convert }] of rest.entries()) {
    await convert(at, conversion);
    onStep({ what: "files", done: index + 1, total: rest.length });
  }
}

/** Files that were put aside as damaged: in plain words, and no form of them could be told from another. */
export async function damagedFiles(stateDir: string): Promise<readonly string[]> {
  const found = await readdir(stateDir, { recursive: true });
  return found.filter((name) => /\.corrupt-\d+$/.test(name)).toSorted();
}

const fileMode = 0o600;
const shardPattern = /^[0-9a-f]{2}$/;
const blobPattern = /^[0-9a-f]{64}$/;

async function blobFiles(stateDir: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of ["blobs", "capsules"].map((name) => join(stateDir, name))) {
    for (const shard of (await namesIn(folder)).filter((name) => shardPattern.test(name))) {
      const names = (await namesIn(join(folder, shard))).filter(
        (name) => blobPattern.test(name) || isTemporaryName(name),
      );
      found.push(...names.map((name) => join(folder, shard, name)));
    }
  }
  return found;
}

const namesIn = async (folder: string): Promise<readonly string[]> => (await unlessMissing(readdir(folder))) ?? [];

/** What no longer is what its name says goes under its own name: nobody asks for that, and it goes by its age. */
async function convertBlob(path: string, { sealer, to }: StateConversion): Promise<void> {
  if (isTemporaryName(basename(path))) return unlink(path);
  const file = await readFile(path);
  const content = contentOf(basename(path), file, sealedPacking(sealer));
  const packing = to === "sealed" ? sealedPacking(sealer) : plainPacking;
  const ref = digestOf(content);
  const name = packing.nameOf(ref);
  if (name === basename(path)) return;
  const folder = join(dirname(dirname(path)), name.slice(0, 2));
  const { mtimeMs } = await lstat(path);
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  await replaceFile(join(folder, name), packing.pack(ref, content), { mode: fileMode });
  // Its age decides how long it is kept.
  await utimes(join(folder, name), mtimeMs / 1000, mtimeMs / 1000);
  if (made !== undefined) await syncFolderAt(dirname(folder));
  await unlink(path);
}

function contentOf(name: string, file: Uint8Array, packing: BlobPacking): Uint8Array {
  const told = packing.told(name, file.subarray(0, packing.headBytes), file.length);
  return (told === null ? null : packing.unpack(told.ref, file)) ?? file;
}

interface SmallFile {
  readonly path: string;
  readonly convert: (path: string, conversion: StateConversion) => Promise<void>;
}

async function smallFiles(stateDir: string): Promise<readonly SmallFile[]> {
  const names = await namesIn(stateDir);
  const audit = names.filter((name) => /^audit(?:\.\d+)?\.log$/.test(name));
  const logs = names.filter((name) => /^hub\.log(?:\.1)?$/.test(name));
  const secrets = (await namesIn(join(stateDir, "secrets"))).flatMap((file) => {
    const name = /^secret-(.*)\.json$/u.exec(file)?.[1];
    if (name === undefined) return isTemporaryName(file) ? [{ file, convert: remove }] : [];
    return [{ file, convert: bytesAt(places.secret(name)) }];
  });
  const whole = [
    ["audit-head.json", bytesAt(places.auditHead)],
    // The one before is written anew with the next row; it would tell of the row in plain words.
    ["audit-head.json.bak", remove],
    ["capsule-key.pem", bytesAt(places.capsuleKey)],
  ] as const;
  return [
    ...audit.map((name) => ({ path: join(stateDir, name), convert: linesAt(places.auditLine) })),
    ...logs.map((name) => ({ path: join(stateDir, name), convert: linesAt(places.logLine) })),
    ...secrets.map(({ file, convert }) => ({ path: join(stateDir, "secrets", file), convert })),
    ...whole
      .filter(([name]) => names.includes(name))
      .map(([name, convert]) => ({ path: join(stateDir, name), convert })),
  ];
}

const remove = (path: string): Promise<void> => unlink(path);

/** What opens is sealed, and all else is not: a file that was damaged stays as it is, sealed or not. */
const bytesAt =
  (place: string): SmallFile["convert"] =>
  async (path, { sealer, to }) => {
    const bytes = await readFile(path);
    const plain = openBytes(sealer, bytes, place);
    const next = to === "plain" ? plain : plain === null ? sealer.seal(bytes, place) : null;
    if (next !== null) await replaceFile(path, next, { mode: fileMode });
  };

const linesAt =
  (place: string): SmallFile["convert"] =>
  async (path, { sealer, to }) => {
    const text = await readFile(path, "utf8");
    const lines = text.split("\n").map((line) => {
      const plain = line === "" ? "" : openLine(sealer, line, place);
      if (to === "plain") return plain ?? line;
      return plain === null ? sealLine(sealer, line, place) : line;
    });
    await replaceFile(path, new TextEncoder().encode(lines.join("\n")), { mode: fileMode });
  };
