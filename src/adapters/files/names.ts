/** The names of one folder in the order of their UTF-8 bytes, with bounded memory however many there are. */
import { isUtf8 } from "node:buffer";
import { opendir } from "node:fs/promises";

export interface NamesPage {
  /** The smallest names behind the bound, sorted. */
  readonly names: readonly string[];
  /** Whether these are all of them. */
  readonly isComplete: boolean;
}

export interface NamesBound {
  /** The page starts behind this name, or with it when `isInclusive`; null starts at the first. */
  readonly after: string | null;
  readonly isInclusive: boolean;
}

export interface NamesOptions {
  readonly namesMax: number;
  /** Called now and then, to throw when the caller is gone. */
  readonly check: () => void;
  /** A name that is not UTF-8 cannot be a path; it arrives here in a readable spelling. */
  refuse(shownName: string): void;
}

// Names fetched from the system at once: large enough to be fast, and small enough to be aborted in between.
const namesPerFetch = 512;

/**
 * One page of names. A folder of n names takes n / `namesMax` pages, each reading the folder anew: more reading for a
 * giant folder, but no memory that grows with it.
 */
export async function readNames(folder: string, bound: NamesBound, options: NamesOptions): Promise<NamesPage> {
  let names: string[] = [];
  let isComplete = true;
  const keepSmallest = () => {
    names.sort(compareNames);
    if (names.length <= options.namesMax) return;
    names = names.slice(0, options.namesMax);
    isComplete = false;
  };
  let count = 0;
  // Raw bytes: a decoded name that was not UTF-8 would name another file, or none.
  for await (const entry of await openNames(folder)) {
    if (++count % namesPerFetch === 0) options.check();
    const raw: Uint8Array = entry.name;
    if (!isUtf8(raw)) {
      options.refuse(shownName(raw));
      continue;
    }
    const name = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("utf8");
    if (!isBehind(name, bound)) continue;
    names.push(name);
    // Twice the page is let in before sorting, so that each name is sorted a constant number of times on average.
    if (names.length >= 2 * options.namesMax) keepSmallest();
  }
  keepSmallest();
  return { names, isComplete };
}

function openNames(folder: string): Promise<AsyncIterable<{ readonly name: Uint8Array }>> {
  // The types of Node know only text names, but "buffer" is a documented encoding and gives buffers.
  const options = { encoding: "buffer" as BufferEncoding, bufferSize: namesPerFetch };
  return opendir(folder, options) as Promise<unknown> as Promise<AsyncIterable<{ readonly name: Uint8Array }>>;
}

function isBehind(name: string, bound: NamesBound): boolean {
  if (bound.after === null) return true;
  const order = compareNames(name, bound.after);
  return order > 0 || (order === 0 && bound.isInclusive);
}

/** Orders names as their UTF-8 bytes do; the plain `<` of strings differs above U+FFFF. */
export function compareNames(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

// Halves of surrogate pairs stand for code points above all others, so they go last.
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Orders paths as a walk meets them: name by name, a folder before its content. */
export function comparePaths(left: string, right: string): number {
  const [a, b] = [left.split("/"), right.split("/")];
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const order = compareNames(a[index] ?? "", b[index] ?? "");
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function shownName(raw: Uint8Array): string {
  return Array.from(raw, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`,
  ).join("");
}
