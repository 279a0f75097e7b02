/**
 * A disk that fails as it is told, and forgets in a power cut what was never synced. It stands on a real folder: calls do
 * what they say there, and beside it a model keeps what a disk would hold.
 *
 * Bytes are durable once their file was synced; of changes that were not, any may be there after a cut, and the last one
 * torn. Names are durable once their folder was synced; of changes to names that were not, the first so many are there, in
 * their order, as every journaling file system has it. A sync that fails drops the bytes it was to write, and a later one
 * does not bring them back.
 */
import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { type FileCalls, type FileCallsNow, fileCalls, fileCallsNow } from "../../src/adapters/files/file-calls.ts";

/** What one call does instead of its work. `short` takes half of the bytes; `cut` ends this process before the call. */
export type Fault = "EIO" | "ENOSPC" | "short" | "cut";

/** Which calls fail, counted from 1 over all of them, and how. */
export type Plan = ReadonlyMap<number, Fault>;

export interface FaultyDisk {
  readonly calls: FileCalls;
  readonly now: FileCallsNow;
  /** How many calls there were, and what each was. */
  readonly made: readonly string[];
  /** Begins to count anew. */
  plan(next: Plan): void;
  /** Puts the folder into a state that a power cut could leave. Which of the unsynced things it keeps is chance. */
  powerCut(random: () => number): void;
}

type Change = { readonly position: number; readonly bytes: Uint8Array } | { readonly sizeBytes: number };

interface FileRecord {
  readonly kind: "file";
  durable: Uint8Array;
  pending: Change[];
}
interface FolderRecord {
  readonly kind: "folder";
  /** What the names were after each change since the last sync; the first is durable. */
  history: Map<string, Record>[];
}
type Record = FileRecord | FolderRecord;

/** The process is dead: whatever it still wanted to do does not happen. */
class Cut extends Error {}

const systemError = (code: string, syscall: string): Error =>
  Object.assign(new Error(`${code}: told to fail, ${syscall}`), { code, syscall, errno: -1 });

/** `folder` must exist; what is in it counts as durable. */
export function createFaultyDisk(folder: string): FaultyDisk {
  const model = createModel(realpathSync(folder));
  let plan: Plan = new Map();
  let made: string[] = [];
  let isCut = false;

  /** Throws where the call is to fail; true when it is to be short. */
  const step = (syscall: string): boolean => {
    made.push(syscall);
    const fault = plan.get(made.length);
    if (fault === "cut") isCut = true;
    if (isCut) throw new Cut("the machine is off");
    if (fault === undefined) return false;
    if (fault === "short") return true;
    throw systemError(fault, syscall);
  };
  const world: World = { model, step };
  return {
    calls: callsOf(world),
    now: callsNowOf(world),
    get made() {
      return made;
    },
    plan(next) {
      plan = next;
      made = [];
      isCut = false;
    },
    powerCut: model.powerCut,
  };
}

interface World {
  readonly model: ReturnType<typeof createModel>;
  readonly step: (syscall: string) => boolean;
}

const half = (count: number): number => Math.ceil(count / 2);

function callsOf({ model, step }: World): FileCalls {
  return {
    async open(path, flags, mode) {
      step("open");
      const isNew = !exists(path);
      const handle = await fileCalls.open(path, flags, mode);
      if (isNew) model.made(handle.fd, path);
      return faultyHandle(handle, { model, step });
    },
    async rename(from, to) {
      step("rename");
      await fileCalls.rename(from, to);
      model.renamed(to);
    },
    async link(from, to) {
      step("link");
      await fileCalls.link(from, to);
      model.renamed(to);
    },
    async unlink(path) {
      step("unlink");
      await fileCalls.unlink(path);
      model.renamed(path);
    },
    async mkdir(path, options) {
      step("mkdir");
      const first = await fileCalls.mkdir(path, options);
      if (first !== undefined) model.madeFolders(first, path);
      return first;
    },
  };
}

function faultyHandle(handle: FileHandle, { model, step }: World): FileHandle {
  const sync = async (): Promise<void> => {
    const { fd } = handle;
    try {
      step("fsync");
    } catch (error) {
      model.syncFailed(fd);
      throw error;
    }
    model.synced(fd);
  };
  const own = {
    async write(bytes: Uint8Array, ...place: readonly [offset?: number, length?: number, position?: number | null]) {
      const [offset = 0, length = bytes.length - offset, position = null] = place;
      const taken = step("write") ? half(length) : length;
      const at = position ?? model.endOf(handle.fd);
      const { bytesWritten } = await handle.write(bytes, offset, taken, at);
      model.changed(handle.fd, { position: at, bytes: bytes.slice(offset, offset + bytesWritten) });
      return { bytesWritten, buffer: bytes };
    },
    async truncate(sizeBytes = 0) {
      step("truncate");
      await handle.truncate(sizeBytes);
      model.changed(handle.fd, { sizeBytes });
    },
    sync,
    datasync: sync,
  };
  return new Proxy(handle, {
    get(target, name) {
      if (Object.hasOwn(own, name)) return own[name as keyof typeof own];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function callsNowOf({ model, step }: World): FileCallsNow {
  const sync = (file: number): void => {
    try {
      step("fsync");
    } catch (error) {
      model.syncFailed(file);
      throw error;
    }
    model.synced(file);
  };
  return {
    open(path, flags, mode) {
      step("open");
      const isNew = !exists(path);
      const file = fileCallsNow.open(path, flags, mode);
      if (isNew) model.made(file, path);
      else if (flags.startsWith("w")) model.changed(file, { sizeBytes: 0 });
      return file;
    },
    close: closeSync,
    write(file, bytes, position) {
      const taken = step("write") ? half(bytes.length) : bytes.length;
      const written = fileCallsNow.write(file, bytes.subarray(0, taken), position);
      model.changed(file, { position, bytes: bytes.slice(0, written) });
      return written;
    },
    sync,
    syncSoon(file, done) {
      let fault: Error | null = null;
      try {
        sync(file);
      } catch (error) {
        fault = error as Error;
      }
      setImmediate(() => done(fault));
    },
    truncate(file, sizeBytes) {
      step("truncate");
      fileCallsNow.truncate(file, sizeBytes);
      model.changed(file, { sizeBytes });
    },
    rename(from, to) {
      step("rename");
      fileCallsNow.rename(from, to);
      model.renamed(to);
    },
  };
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** What the disk holds whatever happens, and what it may hold besides. */
function createModel(root: string) {
  const records = new Map<number, Record>();
  const adopt = (path: string): Record => {
    const info = lstatSync(path);
    const record: Record = info.isDirectory()
      ? { kind: "folder", history: [new Map(readdirSync(path).map((name) => [name, adopt(join(path, name))]))] }
      : { kind: "file", durable: new Uint8Array(readFileSync(path)), pending: [] };
    records.set(info.ino, record);
    return record;
  };
  adopt(root);

  const recordOf = (file: number): Record => {
    const { ino } = fstatSync(file);
    const known = records.get(ino);
    if (known !== undefined) return known;
    const fresh: Record = fstatSync(file).isDirectory()
      ? { kind: "folder", history: [new Map()] }
      : { kind: "file", durable: new Uint8Array(), pending: [] };
    records.set(ino, fresh);
    return fresh;
  };
  /** The folder's present names. Folders that were made since have held nothing durable. */
  const namesNow = (path: string): Map<string, Record> =>
    new Map(
      readdirSync(path).map((name) => {
        const info = lstatSync(join(path, name));
        const fresh: Record = info.isDirectory()
          ? { kind: "folder", history: [new Map()] }
          : { kind: "file", durable: new Uint8Array(), pending: [] };
        const record = records.get(info.ino) ?? fresh;
        records.set(info.ino, record);
        return [name, record];
      }),
    );
  const renamed = (path: string): void => {
    const folder = realpathSync(dirname(path));
    const record = records.get(lstatSync(folder).ino);
    if (record?.kind === "folder") record.history.push(namesNow(folder));
  };
  const pathOf = (file: number): string => realpathSync(`/proc/self/fd/${file}`);
  return {
    /** The system gives the number of a removed file to a new one. */
    made(file: number, path: string): void {
      records.set(fstatSync(file).ino, { kind: "file", durable: new Uint8Array(), pending: [] });
      renamed(path);
    },
    /** All from `first` down to `last`. */
    madeFolders(first: string, last: string): void {
      for (let path = last; ; path = dirname(path)) {
        records.set(lstatSync(path).ino, { kind: "folder", history: [new Map()] });
        if (path === first) break;
      }
      for (let path = first; path !== last; path = join(path, relative(path, last).split(sep)[0] ?? "")) renamed(path);
      renamed(last);
    },
    renamed,
    endOf: (file: number): number => fstatSync(file).size,
    changed(file: number, change: Change): void {
      const record = recordOf(file);
      if (record.kind === "file") record.pending.push(change);
    },
    synced(file: number): void {
      const record = recordOf(file);
      if (record.kind === "file") apply(record);
      else record.history = [namesNow(pathOf(file))];
    },
    syncFailed(file: number): void {
      const record = recordOf(file);
      if (record.kind === "file") record.pending = [];
    },
    powerCut(random: () => number): void {
      const left = survivors(root, { records, random });
      for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
      records.clear();
      write(left, root);
      adopt(root);
    },
  };
}

type Survivor = Uint8Array | Map<string, Survivor>;

interface Surviving {
  readonly records: ReadonlyMap<number, Record>;
  readonly random: () => number;
}

/** Of the changes to names the first so many are there; below a folder that is there, the same again. */
function survivors(path: string, surviving: Surviving): Map<string, Survivor> {
  const { records, random } = surviving;
  const folder = records.get(lstatSync(path).ino);
  const history = folder?.kind === "folder" ? folder.history : [];
  const names = history[Math.floor(random() * history.length)] ?? new Map<string, Record>();
  const left = new Map<string, Survivor>();
  for (const [name, record] of names) {
    if (record.kind === "file") left.set(name, contentAfterCut(record, random));
    else left.set(name, survivors(join(path, name), surviving));
  }
  return left;
}

function contentAfterCut({ durable, pending }: FileRecord, random: () => number): Uint8Array {
  let content = durable;
  for (const change of pending) {
    const chance = random();
    if (chance < 0.4) continue;
    const isTorn = chance < 0.6 && "bytes" in change;
    content = changedBy(
      content,
      isTorn ? { ...change, bytes: change.bytes.slice(0, half(change.bytes.length)) } : change,
    );
  }
  return content;
}

function apply(record: FileRecord): void {
  for (const change of record.pending) record.durable = changedBy(record.durable, change);
  record.pending = [];
}

function changedBy(content: Uint8Array, change: Change): Uint8Array {
  const sizeBytes =
    "bytes" in change ? Math.max(content.length, change.position + change.bytes.length) : change.sizeBytes;
  const changed = new Uint8Array(sizeBytes);
  changed.set(content.subarray(0, sizeBytes));
  if ("bytes" in change) changed.set(change.bytes, change.position);
  return changed;
}

function write(content: Map<string, Survivor>, path: string): void {
  for (const [name, each] of content) {
    const at = join(path, name);
    if (each instanceof Uint8Array) writeFileSync(at, each, { mode: 0o600 });
    else {
      mkdirSync(at, { mode: 0o700 });
      write(each, at);
    }
  }
}
