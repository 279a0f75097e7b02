/**
 * Notices of a folder from the operating system, with everything below it. Linux tells of one folder at a time, and Node's own
 * way to watch a tree there watches each file of it, so folders are watched one by one, up to a limit.
 */
import { type FSWatcher, statSync, watch as watchPath } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import type { FolderNotices, RecipeFiles } from "../../domains/schedules/port.ts";

/** Of the 8,192 that an old Linux lets one user watch; in what lies beyond, changes are seen once something else changes. */
const foldersMax = 2000;
/** Where programs keep what is not the user's: large, and of no interest to anybody. */
const leftOut = new Set([".git", "node_modules"]);

export const folderNotices: FolderNotices = {
  watch: (folder, onNotice) => createWatching(folder, { onNotice, isTree: process.platform !== "linux" }),
};

interface Watching {
  readonly onNotice: (notice: { readonly isOver: boolean }) => void;
  /** The system watches whole trees by itself. */
  readonly isTree: boolean;
}

function createWatching(folder: string, { onNotice, isTree }: Watching): Disposable {
  const watchers = new Map<string, FSWatcher>();
  let isOver = false;
  const close = (): void => {
    isOver = true;
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
  };
  const fail = (): void => {
    if (isOver) return;
    close();
    onNotice({ isOver: true });
  };
  const forget = (path: string): void => {
    for (const [each, watcher] of watchers) {
      if (each !== path && !each.startsWith(`${path}${sep}`)) continue;
      watcher.close();
      watchers.delete(each);
    }
  };
  const follow = (path: string): void => {
    const watcher = watchPath(path, { persistent: false, recursive: isTree }, (event, name) => {
      if (isOver) return;
      onNotice({ isOver: false });
      if (event !== "rename" || isTree) return;
      // Something came or went: it may be a folder, and another one of the same name than before.
      if (name !== null) forget(join(path, name));
      void below(path);
    });
    watcher.on("error", () => (path === folder ? fail() : forget(path)));
    watchers.set(path, watcher);
  };
  /** Folders that are not watched yet, and all that is in them. */
  const below = async (path: string): Promise<void> => {
    const waiting = [path];
    for (let at = waiting.pop(); at !== undefined && !isOver; at = waiting.pop()) {
      for (const inner of await foldersIn(at)) {
        if (isOver || watchers.size >= foldersMax) return;
        if (watchers.has(inner) || !tried(() => follow(inner))) continue;
        waiting.push(inner);
        // What lay in it before it was watched nobody was told of.
        onNotice({ isOver: false });
      }
    }
  };
  // A folder that is not there is no fault to Node, which then tells nothing at all. Told from inside the call, it would be
  // too early for whoever waits for its answer.
  const isWatched = tried(() => {
    statSync(folder);
    follow(folder);
  });
  if (!isWatched) queueMicrotask(fail);
  else if (!isTree) void below(folder);
  return { [Symbol.dispose]: close };
}

/** A folder may go between its listing and this; what is gone needs no watching. */
function tried(run: () => void): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}

async function foldersIn(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((each) => each.isDirectory() && !leftOut.has(each.name)).map(({ name }) => join(path, name));
  } catch {
    return [];
  }
}

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
