/** A folder of files that the HTTP surface serves: read-only, plain files alone, nothing outside by any spelling or link. */
import { open, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";

export interface AssetFolder {
  read(path: string): Promise<{ readonly bytes: Uint8Array; readonly modifiedMs: number } | null>;
}

/** Larger than any file of the UI or the documents; what is larger does not belong into memory at once. */
const fileBytesMax = 16_777_216;
/** Names with dots inside, never in front; no backslash, colon or control character that a file system might read as more. */
const partForm = /^[A-Za-z0-9_@~+-][A-Za-z0-9_@~+. -]*$/;

/** null when there is no such folder, e.g. because the UI is not built. */
export async function openAssetFolder(folder: string): Promise<AssetFolder | null> {
  const root = await realpath(folder).catch(() => null);
  if (root === null || !(await stat(root)).isDirectory()) return null;
  return {
    async read(path) {
      if (!path.split("/").every((part) => partForm.test(part))) return null;
      const real = await realpath(join(root, path)).catch(() => null);
      if (real === null || !real.startsWith(root.endsWith(sep) ? root : root + sep)) return null;
      await using file = await open(real, "r");
      const about = await file.stat();
      if (!about.isFile() || about.size > fileBytesMax) return null;
      return { bytes: await file.readFile(), modifiedMs: Math.floor(about.mtimeMs) };
    },
  };
}
