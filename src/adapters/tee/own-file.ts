/**
 * Whether a file may become the tee's own: it is cut, written, renamed and removed later, so what belongs to the hub or to
 * somebody else is refused before anything is opened for writing.
 */
import { lstat, open, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { errnoOf, isMissing, unlessMissing } from "../files/faults.ts";
import { fileOf, type TeeFile } from "./files.ts";
import { lineLengthMax, readLines } from "./lines.ts";
import { archivedPath, rotatedNumbers, rotatedPath } from "./names.ts";

/** The hub names none of its own files so; every other name in its folder is, or may become, one that it needs. */
const ownExtension = /\.(jsonl|ndjson)$/iu;
/** The head of an event's line fits: its number, and an id. */
const headBytes = 200;
const chunkBytes = 65_536;

/** Why the file cannot be the tee's, with the next step; null when it can. Only reads. */
export async function teePathFault(path: string, stateDir: string): Promise<string | null> {
  const real = await realPathOf(path);
  if (real === null) return "is a link that leads nowhere. Name the file itself.";
  const state = (await realPathOf(stateDir)) ?? stateDir;
  const inside = relative(state, real);
  const isInside = inside === "" || (inside !== ".." && !inside.startsWith(`..${sep}`) && inside !== real);
  if (isInside && (inside.includes(sep) || !ownExtension.test(inside)))
    return `is ${JSON.stringify(inside)} in the state folder, where other files belong to the hub. Use "events.jsonl", or a file outside.`;
  const info = await ifThere(lstat(real));
  if (info === null) return strangerAmong(real);
  if (!info.isFile()) return "is not a file. Name one.";
  if (info.nlink > 1 && (await hasTwin(state, { path: real, dev: info.dev, ino: info.ino })))
    return "is one of the hub's own files under another name. Name a file of its own.";
  if (!(await isTeeAt(real))) return "holds something else than events, and is left as it is. Name another file.";
  return strangerAmong(real);
}

/** Whether the file holds events from its first line on, is empty, or was left so by a crash. */
export async function beginsAsTee(file: Pick<TeeFile, "sizeBytes" | "read">): Promise<boolean> {
  const sizeBytes = await file.sizeBytes();
  const head = await file.read(0, headBytes);
  if (isEventHead(head, sizeBytes)) return true;
  if (head[0] !== 0) return false;
  // A power cut may leave zeros at the front, which end within a line; nothing else of a tee begins with them.
  const rest = await firstWritten(file, sizeBytes);
  if (rest === sizeBytes) return true;
  const bytes = await file.read(rest, chunkBytes);
  const newline = bytes.indexOf(0x0a);
  const fragment = newline < 0 ? bytes : bytes.subarray(0, newline);
  if (fragment.some((byte) => byte < 0x20 && byte !== 0)) return false;
  if (newline < 0) return true;
  const next = rest + newline + 1;
  return isEventHead(await file.read(next, headBytes), sizeBytes - next);
}

function isEventHead(head: Uint8Array, restBytes: number): boolean {
  const text = new TextDecoder().decode(head);
  if (/^\{"seq":\d{1,16},"id":"[^"]{1,100}",/u.test(text)) return true;
  // Cut off within its first line; an empty file is nobody's.
  const begin = '{"seq":';
  return (
    restBytes < headBytes && !text.includes("\n") && (begin.startsWith(text.slice(0, begin.length)) || text === "")
  );
}

async function firstWritten(file: Pick<TeeFile, "read">, sizeBytes: number): Promise<number> {
  for (let position = 0; position < sizeBytes; ) {
    const bytes = await file.read(position, chunkBytes);
    if (bytes.length === 0) return sizeBytes;
    const at = bytes.findIndex((byte) => byte !== 0);
    if (at >= 0) return position + at;
    position += bytes.length;
  }
  return sizeBytes;
}

/** Where writing would end up, also when the file, or its folder, is not there yet; null for a link to nothing. */
async function realPathOf(path: string): Promise<string | null> {
  const known = await ifThere(realpath(path));
  if (known !== null) return known;
  if ((await ifThere(lstat(path))) !== null) return null;
  const above = dirname(path);
  if (above === path) return path;
  const real = await realPathOf(above);
  return real === null ? null : join(real, basename(path));
}

interface Twin {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
}

/** A second name of the same bytes among the hub's files. */
async function hasTwin(stateDir: string, { path, dev, ino }: Twin): Promise<boolean> {
  for (const name of (await ifThere(readdir(stateDir, { recursive: true }))) ?? []) {
    const other = join(stateDir, name);
    if (other === path) continue;
    const info = await ifThere(lstat(other));
    if (info?.isFile() === true && info.ino === ino && info.dev === dev) return true;
  }
  return false;
}

async function isTeeAt(path: string): Promise<boolean> {
  const handle = await open(path, "r");
  try {
    return await beginsAsTee(fileOf(handle));
  } finally {
    await handle.close();
  }
}

/** Files that a rotation would rename and remove: those beside it that bear its name and a number. */
async function strangerAmong(path: string): Promise<string | null> {
  const names = new Set((await ifThere(readdir(dirname(path)))) ?? []);
  for (const number of rotatedNumbers(path, [...names])) {
    for (const candidate of [rotatedPath(path, number), archivedPath(path, number)]) {
      if (names.has(basename(candidate)) && !(await isArchive(candidate)))
        return `would be rotated over ${JSON.stringify(basename(candidate))} beside it, which holds no events. Name another file, or move that one.`;
    }
  }
  return null;
}

async function isArchive(path: string): Promise<boolean> {
  if (!(await stat(path)).isFile()) return false;
  try {
    for await (const line of readLines(path)) return isEventHead(new TextEncoder().encode(line), lineLengthMax);
  } catch (error) {
    // A damaged archive is still one; a file that may not be read is for whoever rotates to fail on.
    if (errnoOf(error) === "LINE_TOO_LONG") return false;
  }
  return true;
}

/** A part of the way that is no folder leads to nothing, too. */
const ifThere = <T>(result: Promise<T>): Promise<T | null> =>
  unlessMissing(result, (error) => isMissing(error) || errnoOf(error) === "ENOTDIR");
