/** What the first visit downloads: the shell and Home, compressed as a server would. Run by the tests, or by hand. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Budgets of the interface guide, bytes after gzip. */
export const scriptBytesMax = 170_000;
export const styleBytesMax = 15_000;

export interface FirstVisit {
  readonly scriptBytes: number;
  readonly styleBytes: number;
}

interface Chunk {
  readonly file: string;
  readonly isEntry?: boolean;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
}

export function measureFirstVisit(dist: string): FirstVisit {
  const manifest = JSON.parse(readFileSync(join(dist, ".vite", "manifest.json"), "utf8")) as Readonly<
    Record<string, Chunk>
  >;
  const entry = Object.keys(manifest).find((name) => manifest[name]?.isEntry);
  const scripts = new Set<string>();
  const styles = new Set<string>();
  const visit = (name: string): void => {
    const chunk = manifest[name];
    if (!chunk || scripts.has(chunk.file)) return;
    scripts.add(chunk.file);
    for (const file of chunk.css ?? []) styles.add(file);
    for (const next of chunk.imports ?? []) visit(next);
  };
  visit(entry ?? "");
  const size = (files: ReadonlySet<string>): number =>
    [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file)), { level: 9 }).length, 0);
  return { scriptBytes: size(scripts), styleBytes: size(styles) };
}

/** Every style of the interface: rooms that load later count too. */
export function measureStyles(dist: string): number {
  const manifest = JSON.parse(readFileSync(join(dist, ".vite", "manifest.json"), "utf8")) as Readonly<
    Record<string, Chunk>
  >;
  const files = new Set(Object.values(manifest).flatMap((chunk) => chunk.css ?? []));
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file)), { level: 9 }).length, 0);
}
