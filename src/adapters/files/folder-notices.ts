/** Notices of a folder from the operating system, with everything below it. */
import { type FSWatcher, statSync, watch as watchFolder } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { FolderNotices, RecipeFiles } from "../../domains/schedules/port.ts";

export const folderNotices: FolderNotices = {
  watch(folder, onNotice) {
    let watcher: FSWatcher | null = null;
    let isOver = false;
    const close = (): void => {
      isOver = true;
      watcher?.close();
      watcher = null;
    };
    const fail = (): void => {
      if (isOver) return;
      close();
      onNotice({ isOver: true });
    };
    try {
      // A folder that is not there is no fault to Node, which then tells nothing at all.
      statSync(folder);
      watcher = watchFolder(folder, { persistent: false, recursive: true }, () => {
        if (!isOver) onNotice({ isOver: false });
      });
      watcher.on("error", fail);
    } catch {
      // Asked from inside the call that is to say so would be too early for whoever waits for its answer.
      queueMicrotask(fail);
    }
    return { [Symbol.dispose]: close };
  },
};

/** A character takes at most four bytes. */
const bytesPerChar = 4;

export const recipeFiles: RecipeFiles = {
  async read(path, charsMax) {
    try {
      const { size } = await stat(path);
      const text = size <= charsMax * bytesPerChar ? await readFile(path, "utf8") : null;
      return text !== null && text.length <= charsMax ? text : null;
    } catch {
      return null;
    }
  },
};
