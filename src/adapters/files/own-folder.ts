/**
 * Folders as others may use them: without what belongs to the hub itself. Who was granted a folder above the state directory
 * was not granted the rules, the tokens and the journal in it.
 */
import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import {
  FolderFault,
  type Folders,
  type FolderEntry,
  type FolderWalk,
  type OpenFolder,
  type WalkOptions,
} from "../../domains/fs/port.ts";

export interface OwnFiles {
  /** Files and folders of the hub itself, also those that are not there yet. */
  readonly own: readonly string[];
  /** Folders within them that are for everybody. */
  readonly open: readonly string[];
}

export function withoutOwn(folders: Folders, { own, open: openFolders }: OwnFiles): Folders {
  // Asked each time: what is the hub's may have been made, or linked elsewhere, meanwhile. Links are followed at the root of a
  // folder and nowhere below it, so true paths can be compared as they are written.
  const isOwn = async (): Promise<(place: string) => boolean> => {
    const [owned, except] = await Promise.all([placesOf(own), placesOf(openFolders)]);
    return (place) => belongs(place, { own: owned, open: except });
  };
  return {
    async open(root, options) {
      const opened = await folders.open(root, options);
      const refuses = await isOwn();
      if (!refuses(opened.root)) return guarded(opened, refuses);
      await opened[Symbol.asyncDispose]();
      throw refused(root);
    },
  };
}

/** Whether a place is the hub's by its name alone, before anything is opened: what links lead to is looked at above. */
export const namesOwn =
  ({ own, open }: OwnFiles) =>
  (folder: string, path = ""): boolean => {
    const place = resolve(folder, path);
    return belongs(place, { own, open });
  };

/** In whatever folder: what agents are told to do is written there, and who could write it would give themselves orders. */
const ordersFolder = ".arw";
const holdsOrders = (place: string): boolean =>
  place.split(/[\\/]/u).some((part) => part.toLowerCase() === ordersFolder);

const belongs = (place: string, { own, open }: OwnFiles): boolean =>
  (holdsOrders(place) || own.some((each) => isWithin(place, each))) && !open.some((each) => isWithin(place, each));

/** Each where it is named and where that leads: a link is the hub's as much as what lies behind it. */
async function placesOf(paths: readonly string[]): Promise<readonly string[]> {
  const both = paths.map(async (path) => {
    const at = join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path));
    return [at, await realpath(path).catch(() => at)];
  });
  return (await Promise.all(both)).flat();
}

/** File systems of these platforms take names in whatever case. */
const isCaseKept = process.platform !== "darwin" && process.platform !== "win32";
const spelled = (place: string): string => (isCaseKept ? place : place.toLowerCase());
const isWithin = (place: string, folder: string): boolean =>
  `${spelled(place)}${sep}`.startsWith(`${spelled(folder)}${sep}`);

const refused = (path: string): FolderFault =>
  new FolderFault("unreadable", `${JSON.stringify(path)} belongs to the hub itself`);

function guarded(opened: OpenFolder, isOwn: (place: string) => boolean): OpenFolder {
  const placeOf = (path: string): string => join(opened.root, path);
  const check = (path: string): void => {
    if (isOwn(placeOf(path))) throw refused(path);
  };
  return {
    root: opened.root,
    confinement: opened.confinement,
    walk: (options) => without(opened, { options, isLeftOut: (path) => path !== "" && isOwn(placeOf(path)) }),
    async readBytes(path, options) {
      check(path);
      return await opened.readBytes(path, options);
    },
    stat: async (path, signal) => (isOwn(placeOf(path)) ? null : await opened.stat(path, signal)),
    async writeBytes(path, bytes, options) {
      check(path);
      return await opened.writeBytes(path, bytes, options);
    },
    async remove(path, options) {
      check(path);
      return await opened.remove(path, options);
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** Pages of what is left out that one walk goes past. The state directory of a busy hub has fewer entries than they hold. */
const pagesPassedMax = 20;
/** Sorts behind whatever lies in a folder. */
const last = "\u{10FFFF}";

interface Leaving {
  readonly options: WalkOptions;
  readonly isLeftOut: (path: string) => boolean;
}

/** What is left out counts towards the work of a walk and not towards its answer, and no page ends at the name of it. */
function without(open: OpenFolder, { options, isLeftOut }: Leaving): FolderWalk {
  const walks = [open.walk(options)];
  let nextAfterPath: string | null = options.afterPath ?? "";
  return {
    get skipped() {
      return walks.flatMap(({ skipped }) => skipped.filter(({ path }) => !isLeftOut(path)));
    },
    get skippedCount() {
      return walks.reduce((sum, { skippedCount }) => sum + skippedCount, 0);
    },
    get nextAfterPath() {
      return nextAfterPath;
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<FolderEntry> {
      let left = options.limit;
      for (let walk = walks[0]; walk !== undefined; ) {
        for await (const entry of walk) {
          if (isLeftOut(entry.path)) continue;
          left -= 1;
          nextAfterPath = entry.path;
          yield entry;
        }
        const end = walk.nextAfterPath;
        walk = undefined;
        if (end === null || !isLeftOut(end)) nextAfterPath = end;
        else if (walks.length > pagesPassedMax) nextAfterPath = `${folderOf(end, isLeftOut)}/${last}`;
        else {
          walk = open.walk({ ...options, afterPath: end, limit: left });
          walks.push(walk);
        }
      }
    },
  };
}

/** The topmost folder on the way there that is left out as well. */
function folderOf(path: string, isLeftOut: (path: string) => boolean): string {
  const steps = path.split("/");
  const depth = steps.findIndex((_step, index) => isLeftOut(steps.slice(0, index + 1).join("/")));
  return steps.slice(0, depth + 1).join("/");
}
