/**
 * Folders as others may use them: without what belongs to the hub itself. Who was granted a folder above the state directory
 * was not granted the rules, the tokens and the journal in it.
 */
import { realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import {
  FolderFault,
  type Folders,
  type FolderEntry,
  type FolderWalk,
  type OpenFolder,
} from "../../domains/fs/port.ts";

export interface OwnFolder {
  /** The hub's; made before anything is opened. */
  readonly path: string;
  /** Names in it that are for everybody. */
  readonly open: readonly string[];
}

export function withoutOwn(folders: Folders, { path, open: openNames }: OwnFolder): Folders {
  let known: Promise<(place: string) => boolean> | null = null;
  // Links are followed at the root of a folder and nowhere below it, so true paths can be compared as they are written.
  const isOwn = async (): Promise<(place: string) => boolean> => {
    const own = await realpath(path);
    const except = openNames.map((name) => join(own, name));
    return (place) => isWithin(place, own) && !except.some((each) => isWithin(place, each));
  };
  return {
    async open(root, options) {
      const opened = await folders.open(root, options);
      known ??= isOwn();
      const refuses = await known;
      if (!refuses(opened.root)) return guarded(opened, refuses);
      await opened[Symbol.asyncDispose]();
      throw refused(root);
    },
  };
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
    walk: (options) => without(opened.walk(options), (path) => isOwn(placeOf(path))),
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

/** What is left out counts towards the work of a walk and not towards its answer. */
function without(walk: FolderWalk, isLeftOut: (path: string) => boolean): FolderWalk {
  return {
    get skipped() {
      return walk.skipped.filter(({ path }) => !isLeftOut(path));
    },
    get skippedCount() {
      return walk.skippedCount;
    },
    get nextAfterPath() {
      return walk.nextAfterPath;
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<FolderEntry> {
      for await (const entry of walk) if (!isLeftOut(entry.path)) yield entry;
    },
  };
}
