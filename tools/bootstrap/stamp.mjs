/**
 * Stamps say which inputs a part of the set-up was made from. A part is removed from the stamps before work on it begins
 * and written after it ends, so an interrupted set-up is stale, not half done.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

const skippedNames = new Set(["node_modules", "dist", ".DS_Store"]);

/**
 * A hash over words and over the contents of files and folders, with their names. Missing files count as empty.
 * @param {{ root: string, words?: string[], paths: string[] }} inputs
 */
export function fingerprint({ root, words = [], paths }) {
  const hash = createHash("sha256").update(JSON.stringify(words));
  for (const path of paths.flatMap((each) => filesOf(join(root, each)))) {
    // The same name on every platform; the length keeps neighbours apart.
    const content = readIfThere(path);
    hash.update(`\0${relative(root, path).split(sep).join("/")}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

function filesOf(path) {
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch {
    return [path];
  }
  return entries
    .filter((entry) => !skippedNames.has(entry.name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesOf(join(path, entry.name)) : [join(path, entry.name)]));
}

function readIfThere(path) {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

/** @param {string} path @param {string} print */
export function isStamped(path, print) {
  return readIfThere(path).toString("utf8").trim() === print;
}

/** @param {string} path */
export function removeStamp(path) {
  rmSync(path, { force: true });
}

/** Whole or not at all: a stamp cut short by a crash would only cost one set-up, but one rename avoids it. */
export function writeStamp(path, print) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${print}\n`);
  renameSync(`${path}.new`, path);
}
