/**
 * One file of the audit log that is written: rows go to a counted place, and a failed sync is never asked again as if it
 * had not failed. The system forgets what such a sync dropped, so its rows are written anew before the next one.
 */
import { fstatSync, statSync } from "node:fs";
import { type FileCallsNow, writeAllNow } from "../files/file-calls.ts";

/** Rows that no sync has confirmed; a disk that fails for longer leaves a doubt that lasts as long as the process. */
const unsyncedBytesMax = 4_000_000;

interface Written {
  readonly position: number;
  readonly bytes: Uint8Array;
}

export class Segment {
  sizeBytes: number;
  readonly #file: number;
  readonly #calls: FileCallsNow;
  #unsynced: Written[] = [];
  #unsyncedBytes = 0;
  #isSuspect = false;
  #isSyncing = false;
  #isWanted = false;
  #isRetired = false;
  #isClosed = false;
  #fault: string | null = null;
  #doubt: string | null = null;

  constructor(file: number, sizeBytes: number, calls: FileCallsNow) {
    this.#file = file;
    this.#calls = calls;
    this.sizeBytes = sizeBytes;
  }

  /** Why rows may not be on the disk; null when all is well. */
  get fault(): string | null {
    return this.#fault ?? this.#doubt;
  }

  /** Whether the path still names this file, with all that was written to it; somebody may have moved or cut it. */
  isWholeAt(path: string): boolean {
    const there = statSync(path, { throwIfNoEntry: false });
    const mine = fstatSync(this.#file);
    return there?.ino === mine.ino && there.dev === mine.dev && mine.size >= this.sizeBytes;
  }

  /** A row is whole in the file or not at all. */
  write(bytes: Uint8Array): void {
    const written = { bytes, position: this.sizeBytes };
    try {
      writeAllNow(this.#calls, this.#file, written);
    } catch (error) {
      this.#cutBack();
      throw error;
    }
    this.sizeBytes += bytes.length;
    this.#unsynced.push(written);
    this.#unsyncedBytes += bytes.length;
    this.#forgetSurplus();
  }

  /** One sync at a time, on another thread; rows that come meanwhile share the next. */
  syncSoon(): void {
    if (this.#isSyncing || this.#isRetired) {
      this.#isWanted = true;
      return;
    }
    if (!this.#prepare()) return;
    const covered = this.#unsynced.at(-1);
    this.#isSyncing = true;
    this.#isWanted = false;
    this.#calls.syncSoon(this.#file, (error) => this.#synced(error, covered));
  }

  /** Throws when the rows are not on the disk. */
  syncNow(): void {
    this.#rewriteSuspects();
    this.#isSuspect = true;
    this.#calls.sync(this.#file);
    this.#isSuspect = false;
    this.#fault = null;
    // Of two syncs at a time only one hears of a failure, so the rows stay until the other has answered.
    if (!this.#isSyncing) this.#forget();
  }

  /** Nothing more is written; the file is closed as soon as no sync needs it. */
  retire(): void {
    this.#isRetired = true;
    if (!this.#isSyncing) this.#close();
  }

  #prepare(): boolean {
    try {
      this.#rewriteSuspects();
      return true;
    } catch (error) {
      this.#fault = messageOf(error);
      return false;
    }
  }

  #rewriteSuspects(): void {
    if (!this.#isSuspect) return;
    for (const written of this.#unsynced) writeAllNow(this.#calls, this.#file, written);
  }

  #synced(error: Error | null, covered: Written | undefined): void {
    this.#isSyncing = false;
    if (error === null) {
      if (!this.#isSuspect) {
        this.#fault = null;
        const count = covered === undefined ? 0 : this.#unsynced.indexOf(covered) + 1;
        for (const { bytes } of this.#unsynced.splice(0, count)) this.#unsyncedBytes -= bytes.length;
      }
    } else {
      this.#isSuspect = true;
      this.#fault = error.message;
    }
    if (this.#isRetired) this.#finish();
    else if (this.#isWanted && error === null) this.syncSoon();
  }

  #finish(): void {
    try {
      if (this.#isSuspect) this.syncNow();
    } catch (error) {
      this.#doubt = `rows of an older file may not be on the disk: ${messageOf(error)}`;
    }
    this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#calls.close(this.#file);
  }

  /** Half a row is cut off; where even that fails, the next row overwrites it, and so does the next start. */
  #cutBack(): void {
    try {
      this.#calls.truncate(this.#file, this.sizeBytes);
    } catch {
      // The write that failed is what the caller must hear.
    }
  }

  #forget(): void {
    this.#unsynced = [];
    this.#unsyncedBytes = 0;
  }

  #forgetSurplus(): void {
    while (this.#unsyncedBytes > unsyncedBytesMax) {
      this.#unsyncedBytes -= this.#unsynced.shift()?.bytes.length ?? 0;
      if (this.#isSuspect) this.#doubt = "more rows than are kept could not be synced; some may not be on the disk";
    }
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
