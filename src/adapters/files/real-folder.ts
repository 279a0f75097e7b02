/** Where folders really lie. */
import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** The folder with every link on the way followed; as it is where nothing is there, or nobody may look. */
export const realFolder = (folder: string): Promise<string> => realpath(folder).catch(() => folder);

/** Where a file lies, or would lie: every link on the way followed, as far as there is something. */
export async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPlace(parent), basename(path));
  }
}
