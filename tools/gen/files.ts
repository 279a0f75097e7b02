/** Generated files: what they should hold against what they hold, and a first line that says where they come from. */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { generatedMark } from "../tidy/source.ts";

/** Text by path from the root of the clone. */
export type Files = ReadonlyMap<string, string>;

const notice = `${generatedMark}; never edited by hand.`;

export const markdownFile = (text: string): string => `<!-- ${notice} -->\n${text.trimEnd()}\n`;
export const hashFile = (text: string): string => `# ${notice}\n${text.trimEnd()}\n`;

/** JSON has no comments; `$comment` means the same to a reader and nothing to a validator. */
export function jsonFile(value: object): string {
  const text = JSON.stringify({ $comment: notice, ...value }, null, 2);
  return `${text.replace(/^\{\n {2}/, "{ ")}\n`;
}

/** Folders that hold nothing but generated files: what is not generated any more goes. */
const ownFolders = ["spec", "docs/reference"];

/** Paths that are missing, differ, or should not be there. */
export function staleFiles(root: string, files: Files): string[] {
  const changed = [...files].filter(([file, text]) => textOf(join(root, file)) !== text).map(([file]) => file);
  return [...changed, ...strayFiles(root, files)].toSorted();
}

/** Writes what differs and removes what should not be there; gives back both. */
export function writeFiles(root: string, files: Files): string[] {
  const stale = staleFiles(root, files);
  for (const file of stale) {
    const path = join(root, file);
    const text = files.get(file);
    if (text === undefined) {
      rmSync(path);
      continue;
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return stale;
}

function strayFiles(root: string, files: Files): string[] {
  return globSync(`{${ownFolders.join(",")}}/**/*.*`, { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => !files.has(file));
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
