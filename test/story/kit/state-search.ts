/** Looks for texts in every file of a state directory, as bytes: journal, log, blobs and whatever else lies there. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Answers `text in file` for each text found anywhere, in plain, in JSON and in UTF-16. */
export async function findInFiles(folder: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    for (const text of texts) {
      const forms = [
        Buffer.from(text, "utf8"),
        Buffer.from(text, "utf16le"),
        Buffer.from(JSON.stringify(text).slice(1, -1)),
      ];
      if (forms.some((form) => bytes.includes(form))) found.push(`${text} in ${path}`);
    }
  }
  return found;
}
