/**
 * What the fs domain needs of a disk: one folder, opened once, that nothing can lead out of.
 *
 * The contract every adapter keeps:
 * - A path is relative and `/`-separated, safe by `relativePathProblem`, and in the one spelling that names each file
 *   once: no empty step, no dot. Anything else is `outside-folder`. `""` is the folder itself, for `stat` and no other.
 * - Links are never followed, neither at the end of a path nor in its middle, not even when they stay inside.
 * - Only regular files are read or written; devices, pipes and sockets are refused without being touched.
 * - Every failure is a `FolderFault`, but for an abort, which throws `signal.reason`.
 * - Disposing ends running walks, waits for running calls and frees every handle; a call after that is a defect.
 */

export type EntryKind = "file" | "folder" | "link" | "other";

export interface FolderEntry {
  readonly path: string;
  readonly kind: EntryKind;
  /** 0 for all but files. */
  readonly sizeBytes: number;
  /** Epoch milliseconds, whole. */
  readonly modifiedMs: number;
}

export interface FileBytes {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Of the whole file, also when only its head was read. */
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly isTruncated: boolean;
  /** `sha256:<hex>` of `bytes`; null when truncated, because it must never pass for the digest of the file. */
  readonly digest: string | null;
}

export type SkipReason = "vanished" | "unreadable" | "name-not-utf8" | "name-refused" | "too-deep" | "too-large";

export interface SkippedEntry {
  /** For a name that is not UTF-8 the bad bytes read `\xff`; such a text is for people and cannot be opened. */
  readonly path: string;
  readonly reason: SkipReason;
}

export interface WalkOptions {
  readonly signal: AbortSignal;
  /** Go on behind this path. It need not exist any more. */
  readonly afterPath?: string;
  /** Entries yielded at most. */
  readonly limit: number;
  /** Respect `.gitignore` files, nested ones in their own folder. Files above the root do not count. */
  readonly ignoreFiles: boolean;
  /** Told of each file that a `.gitignore` leaves out. Folders that are left out are not entered. */
  readonly onIgnored?: (path: string) => void;
  /** Entries looked at at most, the ignored and the skipped included: bounds the work, where `limit` bounds the answer. */
  readonly entriesMax: number;
}

/**
 * Entries depth first, each folder before its content, names in the order of their UTF-8 bytes. `.git` and the temporary
 * files of a running write are never seen. To be iterated once.
 */
export interface FolderWalk extends AsyncIterable<FolderEntry> {
  /** The first skipped entries; trouble with one entry never ends a walk. */
  readonly skipped: readonly SkippedEntry[];
  readonly skippedCount: number;
  /** When the iteration has ended: the `afterPath` that goes on from here, or null when nothing is left. */
  readonly nextAfterPath: string | null;
}

export interface ReadOptions {
  readonly signal: AbortSignal;
  readonly sizeBytesMax: number;
}

export interface ChangeOptions {
  readonly signal: AbortSignal;
  /** Digest of the file as the caller knows it, null when it must not exist; anything else there is `changed`. */
  readonly expectedDigest: string | null;
}

export interface WriteOptions extends ChangeOptions {
  /** Make missing parent folders. Without it a missing parent is `not-found`. */
  readonly canMakeFolders?: boolean;
}

export interface RemoveOptions extends ChangeOptions {
  readonly expectedDigest: string;
  /** How many of the folders above the file go, too, innermost first and as far as they are empty; 0 by default. */
  readonly emptyFoldersMax?: number;
}

export interface OpenFolder extends AsyncDisposable {
  /** The real, absolute path, free of links when it was opened. */
  readonly root: string;
  /**
   * `descriptors`: each step of a path is opened relative to the one before, so no race leads out.
   * `checked`: checked before and after opening; somebody swapping folders for links at that moment may win.
   */
  readonly confinement: "descriptors" | "checked";
  walk(options: WalkOptions): FolderWalk;
  /** The head of a file, at most `sizeBytesMax`. Never waits for a pipe or a terminal. */
  readBytes(path: string, options: ReadOptions): Promise<FileBytes>;
  /** The entry itself, links not followed; null when there is none. */
  stat(path: string, signal: AbortSignal): Promise<FolderEntry | null>;
  /**
   * Replaces the whole file or none of it, durably; keeps its mode. `before` is the content to restore on undo.
   * A file with several hard links is refused: the write would split them, and the others may lie outside.
   */
  writeBytes(path: string, bytes: Uint8Array, options: WriteOptions): Promise<FileChange>;
  /** Removes a file; undoes a `writeBytes` that created it. */
  remove(path: string, options: RemoveOptions): Promise<FileChange>;
}

export interface FileChange {
  /** Null when the file was created. */
  readonly before: Uint8Array | null;
  /** Null when the file was removed. */
  readonly digest: string | null;
}

export interface Folders {
  /** `root` is absolute. A link as root is resolved once, here; the folder it names stays the root until disposal. */
  open(root: string, options: { readonly signal: AbortSignal; readonly isWritable: boolean }): Promise<OpenFolder>;
}

export type FolderFaultCode =
  /** The text is not a path inside the folder. */
  | "outside-folder"
  | "not-found"
  /** A folder where a file is needed, or the other way round. */
  | "not-a-file"
  /** A symbolic link on the way, or a file with several hard links to be changed. */
  | "link-refused"
  | "device-refused"
  /** Permission is missing. */
  | "unreadable"
  /** The folder was opened for reading, or the file system is read-only. */
  | "read-only"
  | "too-large"
  /** The file is not what the caller saw last. */
  | "changed"
  /** Gone while it was being used. */
  | "vanished"
  | "disk-full"
  | "io";

/** A failure of the disk, for the domain to map to its problems. */
export class FolderFault extends Error {
  readonly code: FolderFaultCode;

  constructor(code: FolderFaultCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = "FolderFault";
    this.code = code;
  }
}
