/** The files of one tee: `events.jsonl`, and behind it `events.1.jsonl.gz`, which is newer than `events.2.jsonl.gz`. */
import { basename, dirname, extname, join } from "node:path";

export const rotatedPath = (path: string, number: number): string => {
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}.${number}${extension}`);
};

export const archivedPath = (path: string, number: number): string => `${rotatedPath(path, number)}.gz`;

/** Numbers of the rotated files among the names of a folder, ascending; both forms of one number count once. */
export function rotatedNumbers(path: string, names: readonly string[]): readonly number[] {
  const extension = extname(path);
  const stem = `${basename(path, extension)}.`;
  const found = names.flatMap((name) => {
    const plain = name.endsWith(".gz") ? name.slice(0, -".gz".length) : name;
    if (!plain.startsWith(stem) || !plain.endsWith(extension)) return [];
    const digits = plain.slice(stem.length, plain.length - extension.length);
    return /^[1-9]\d{0,5}$/u.test(digits) ? [Number(digits)] : [];
  });
  return [...new Set(found)].toSorted((a, b) => a - b);
}
