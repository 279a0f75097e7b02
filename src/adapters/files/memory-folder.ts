/** The folder port in memory: for tests, and the plain-spoken model that the disk is compared with. */
import assert from "node:assert/strict";
import type {
  ChangeOptions,
  EntryKind,
  FileBytes,
  FileChange,
  FolderEntry,
  Folders,
  FolderWalk,
  OpenFolder,
  WalkOptions,
} from "../../domains/fs/port.ts";
import { FolderFault } from "../../domains/fs/port.ts";
import type { IgnoreRules } from "./ignore-rules.ts";
import { createIgnoreRules } from "./ignore-rules.ts";
import { comparePaths } from "./names.ts";
import { stepsOf } from "./path-steps.ts";
import { digestOf } from "./safe-file.ts";

/** What the world outside does to a folder. */
export interface MemoryTree {
  /** Makes missing parents. */
  put(path: string, content: string | Uint8Array): void;
  make(path: string, kind: Exclude<EntryKind, "file">): void;
  delete(path: string): void;
}

export interface MemoryFolders extends Folders {
  /** The tree under an absolute root; it is made when first asked for. */
  tree(root: string): MemoryTree;
}

interface Node {
  readonly kind: EntryKind;
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

type Nodes = Map<string, Node>;

const noBytes: Uint8Array = new Uint8Array();

export function createMemoryFolders(): MemoryFolders {
  const trees = new Map<string, Nodes>();
  let changes = 0;
  const nodesOf = (root: string): Nodes => {
    const nodes: Nodes = trees.get(root) ?? new Map([["", { kind: "folder", bytes: noBytes, modifiedMs: 0 }]]);
    trees.set(root, nodes);
    return nodes;
  };
  // Time here is the number of changes: each is later than the one before, on every machine.
  const node = (kind: EntryKind, bytes = noBytes): Node => ({ kind, bytes, modifiedMs: ++changes });
  const place = (nodes: Nodes, path: string, value: Node) => {
    for (const parent of parentsOf(path)) if (!nodes.has(parent)) nodes.set(parent, node("folder"));
    nodes.set(path, value);
  };
  return {
    tree: (root) => {
      const nodes = nodesOf(root);
      return {
        put: (path, content) =>
          place(nodes, path, node("file", typeof content === "string" ? Buffer.from(content) : content)),
        make: (path, kind) => place(nodes, path, node(kind)),
        delete: (path) => {
          for (const key of nodes.keys()) if (key === path || key.startsWith(`${path}/`)) nodes.delete(key);
        },
      };
    },
    open: async (root, { signal, isWritable }) => {
      signal.throwIfAborted();
      if (!root.startsWith("/")) throw new FolderFault("outside-folder", `${JSON.stringify(root)} is not absolute`);
      const nodes = trees.get(root);
      if (nodes === undefined) throw new FolderFault("not-found", `there is no folder ${JSON.stringify(root)}`);
      const write = (path: string, bytes: Uint8Array) => place(nodes, path, node("file", bytes));
      return openMemory(nodes, { root, isWritable, write });
    },
  };
}

interface MemoryTraits {
  readonly root: string;
  readonly isWritable: boolean;
  write(path: string, bytes: Uint8Array): void;
}

function openMemory(nodes: Nodes, traits: MemoryTraits): OpenFolder {
  let isOpen = true;
  const enter = (signal: AbortSignal) => {
    assert.ok(isOpen, "the folder is closed");
    signal.throwIfAborted();
  };
  const change = (path: string, options: ChangeOptions): Uint8Array | null => {
    enter(options.signal);
    if (!traits.isWritable) throw new FolderFault("read-only", `${traits.root} was opened for reading`);
    return expected(nodes, path, options.expectedDigest);
  };
  return {
    root: traits.root,
    confinement: "descriptors",
    walk: (options) => memoryWalk(nodes, options, () => isOpen),
    readBytes: async (path, { signal, sizeBytesMax }) => {
      enter(signal);
      return head(path, fileAt(nodes, path), sizeBytesMax);
    },
    stat: async (path, signal) => {
      enter(signal);
      const found = path === "" ? nodes.get("") : lookUp(nodes, path);
      return found === undefined ? null : entryOf(path, found);
    },
    writeBytes: async (path, bytes, options) => {
      const before = change(path, options);
      const parent = parentsOf(path).at(-1) ?? "";
      const mayMake = options.canMakeFolders === true && before === null;
      if (!nodes.has(parent) && !mayMake) throw notFound(path);
      traits.write(path, bytes.slice());
      return { before, digest: digestOf(bytes) };
    },
    remove: async (path, options): Promise<FileChange> => {
      const before = change(path, options);
      nodes.delete(path);
      removeEmpty(nodes, path, options.emptyFoldersMax ?? 0);
      return { before, digest: null };
    },
    [Symbol.asyncDispose]: async () => {
      isOpen = false;
    },
  };
}

function removeEmpty(nodes: Nodes, path: string, countMax: number): void {
  for (const folder of parentsOf(path).toReversed().slice(0, countMax)) {
    if ([...nodes.keys()].some((each) => each.startsWith(`${folder}/`))) return;
    nodes.delete(folder);
  }
}

function expected(nodes: Nodes, path: string, digest: string | null): Uint8Array | null {
  const found = lookUp(nodes, path);
  if (found === undefined && digest === null) return null;
  if (found !== undefined) fileAt(nodes, path);
  if (found === undefined || digest !== digestOf(found.bytes)) {
    throw new FolderFault("changed", `${JSON.stringify(path)} is not the expected version`);
  }
  return found.bytes.slice();
}

function head(path: string, file: Node, sizeBytesMax: number): FileBytes {
  const bytes = file.bytes.slice(0, sizeBytesMax);
  const isTruncated = bytes.byteLength < file.bytes.byteLength;
  const { modifiedMs } = file;
  return {
    path,
    bytes,
    sizeBytes: file.bytes.byteLength,
    modifiedMs,
    isTruncated,
    digest: isTruncated ? null : digestOf(bytes),
  };
}

function fileAt(nodes: Nodes, path: string): Node {
  const found = lookUp(nodes, path);
  if (found === undefined) throw notFound(path);
  const shown = JSON.stringify(path);
  if (found.kind === "folder") throw new FolderFault("not-a-file", `${shown} is a folder`);
  if (found.kind === "link") throw new FolderFault("link-refused", `${shown} is a link`);
  if (found.kind === "other") throw new FolderFault("device-refused", `${shown} is a device`);
  return found;
}

function lookUp(nodes: Nodes, path: string): Node | undefined {
  stepsOf(path, "linux");
  for (const parent of parentsOf(path)) {
    const kind = nodes.get(parent)?.kind ?? "folder";
    if (kind === "link") throw new FolderFault("link-refused", `${JSON.stringify(parent)} is a link`);
    if (kind !== "folder") throw new FolderFault("not-a-file", `${JSON.stringify(parent)} is not a folder`);
  }
  return nodes.get(path);
}

const notFound = (path: string) => new FolderFault("not-found", `${JSON.stringify(path)}: there is nothing here`);

/** `a/b/c` has the parents `a` and `a/b`. */
function parentsOf(path: string): readonly string[] {
  const steps = path.split("/");
  return steps.slice(1).map((_, index) => steps.slice(0, index + 1).join("/"));
}

const entryOf = (path: string, { kind, bytes, modifiedMs }: Node): FolderEntry => ({
  path,
  kind,
  sizeBytes: bytes.byteLength,
  modifiedMs,
});

function memoryWalk(nodes: Nodes, options: WalkOptions, isOpen: () => boolean): FolderWalk {
  let nextAfterPath: string | null = options.afterPath ?? "";
  async function* entries(): AsyncGenerator<FolderEntry> {
    let yielded = 0;
    let seen = 0;
    for (const { path, node, isIgnored } of walked(nodes, options.ignoreFiles)) {
      if (!isOpen()) return;
      options.signal.throwIfAborted();
      if (comparePaths(path, options.afterPath ?? "") <= 0) continue;
      if (yielded >= options.limit || seen++ >= options.entriesMax) return;
      nextAfterPath = path;
      if (isIgnored) {
        if (node.kind === "file") options.onIgnored?.(path);
        continue;
      }
      yielded++;
      yield entryOf(path, node);
    }
    nextAfterPath = null;
  }
  return {
    skipped: [],
    skippedCount: 0,
    get nextAfterPath() {
      return nextAfterPath;
    },
    [Symbol.asyncIterator]: entries,
  };
}

/** Every entry a walk looks at: all but what lies in an ignored folder, and `.git`. */
function* walked(nodes: Nodes, respectsIgnoreFiles: boolean) {
  const rulesOf = new Map<string, IgnoreRules>();
  const within = (folder: string, above: IgnoreRules): IgnoreRules => {
    const file = nodes.get(folder === "" ? ".gitignore" : `${folder}/.gitignore`);
    if (!respectsIgnoreFiles || file?.kind !== "file") return above;
    return above.within(folder, new TextDecoder().decode(file.bytes));
  };
  rulesOf.set("", within("", createIgnoreRules(false)));
  for (const path of [...nodes.keys()].toSorted(comparePaths)) {
    const node = nodes.get(path);
    const rules = rulesOf.get(parentsOf(path).at(-1) ?? "");
    if (path === "" || node === undefined || rules === undefined || path.split("/").at(-1) === ".git") continue;
    const isIgnored = rules.isIgnored(path, node.kind === "folder");
    if (node.kind === "folder" && !isIgnored) rulesOf.set(path, within(path, rules));
    yield { path, node, isIgnored };
  }
}
