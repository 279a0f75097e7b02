/** The file that a tee writes: opened and mended on need, synced, rotated. Its calls must not overlap. */
import type { Clock } from "../../kernel/ports.ts";
import type { TeeFile, TeeFiles } from "./files.ts";
import { beginsAsTee } from "./own-file.ts";
import { finishRotation, removeOlder, rotate } from "./rotation.ts";
import { findTail, firstTimeMs, lastRotated, type LineMark, timeOf } from "./tail.ts";

/** A line of the journal, without its newline. */
export interface JournalLine {
  readonly seq: number;
  readonly id: string;
  readonly text: string;
}

export interface TeeLimits {
  /** Size and age of its first event at which a file is put away; how many of those are kept, and for how long. */
  readonly bytesMax: number;
  readonly ageMsMax: number;
  readonly filesMax: number;
  readonly filesAgeMsMax: number;
}

export interface OutputOptions {
  readonly path: string;
  readonly files: TeeFiles;
  readonly clock: Pick<Clock, "nowMs">;
  readonly limits: TeeLimits;
  readonly journal: (query: { readonly afterSeq: number; readonly limit: number }) => readonly JournalLine[];
}

export interface Batch {
  readonly text: string;
  readonly count: number;
  readonly lastSeq: number;
}

export class Output {
  /** Every event up to here is in the file. */
  seq = 0;
  /** And on the disk, whatever happens to the machine. */
  syncedSeq = 0;
  sizeBytes = 0;
  rotations = 0;
  /** Times that the file was moved, removed or cut by somebody else, and begun anew. */
  losses = 0;
  readonly #options: OutputOptions;
  #file: TeeFile | null = null;
  #syncedBytes = 0;
  /** Behind a failed sync nobody knows what the disk has, so all of it is written again. */
  #cutBytes: number | null = null;
  #beganMs: number | null = null;
  #isSyncWanted = false;
  #isLookWanted = false;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  get isDirty(): boolean {
    return this.#syncedBytes < this.sizeBytes;
  }

  wantSync(): void {
    this.#isSyncWanted = true;
  }

  /** The next call makes sure that the file is still there. */
  wantLook(): void {
    this.#isLookWanted = true;
  }

  async ready(): Promise<void> {
    await this.#lookForFile();
    const file = this.#file ?? (await this.#open());
    if (this.#isSyncWanted) await this.#sync(file);
  }

  async append({ text, lastSeq }: Batch): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    let file = this.#file ?? (await this.#open());
    if (this.#isFull(bytes.length)) file = await this.#turn(file);
    for (let done = 0; done < bytes.length; ) {
      const written = await file.write(bytes.subarray(done), this.sizeBytes + done);
      if (written <= 0) throw new RangeError("the file takes no more bytes");
      done += written;
    }
    this.#beganMs ??= timeOf(text);
    this.sizeBytes += bytes.length;
    this.seq = lastSeq;
  }

  /** Removes files that were put away too long ago; after a failure the next call does it. */
  async removeOld(): Promise<void> {
    const { files, path, limits, clock } = this.#options;
    await removeOlder(files, path, clock.nowMs() - limits.filesAgeMsMax);
  }

  /** After a failure: the next call opens the file anew and finds out what it holds. */
  async abandon(): Promise<void> {
    const left = this.#file;
    this.#file = null;
    await left?.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    // What could not be synced here is in the journal, and the next start compares.
    if (this.#file !== null) await this.#sync(this.#file).catch(() => undefined);
    await this.abandon();
  }

  async #open(): Promise<TeeFile> {
    const { files, path, limits, journal } = this.#options;
    const file = await files.open(path);
    this.#file = file;
    if (!(await beginsAsTee(file))) throw new RangeError("the file holds something else than events; name another one");
    if (this.#cutBytes !== null && this.#cutBytes < (await file.sizeBytes())) await file.truncate(this.#cutBytes);
    this.#cutBytes = null;
    const { sizeBytes, last } = await findTail(file);
    const mark = last ?? (await lastRotated(files, path));
    refuseStranger(mark, journal);
    if (sizeBytes < (await file.sizeBytes())) await file.truncate(sizeBytes);
    this.seq = mark?.seq ?? 0;
    this.sizeBytes = sizeBytes;
    // What a process left that was killed is in the file; whether it is on the disk nobody knows.
    this.#syncedBytes = 0;
    await this.#sync(file);
    this.syncedSeq = this.seq;
    this.#beganMs = await firstTimeMs(file);
    await finishRotation(files, path, limits.filesMax);
    return file;
  }

  /** What the file lacks comes from the journal: where it stands is found out when it is opened. */
  async #lookForFile(): Promise<void> {
    const file = this.#file;
    if (file === null || !(this.#isLookWanted || this.#isSyncWanted)) return;
    this.#isLookWanted = false;
    if ((await file.isAt(this.#options.path)) && (await file.sizeBytes()) >= this.sizeBytes) return;
    this.losses += 1;
    this.#cutBytes = null;
    await this.abandon();
  }

  async #sync(file: TeeFile): Promise<void> {
    this.#isSyncWanted = false;
    if (!this.isDirty) return;
    try {
      await file.sync();
    } catch (error) {
      this.#cutBytes = this.#syncedBytes;
      throw error;
    }
    this.#syncedBytes = this.sizeBytes;
    this.syncedSeq = this.seq;
  }

  async #turn(file: TeeFile): Promise<TeeFile> {
    const { files, path, limits } = this.#options;
    await this.#sync(file);
    await file.close();
    this.#file = null;
    await rotate(files, path, limits.filesMax);
    this.rotations += 1;
    return this.#open();
  }

  #isFull(lengthBytes: number): boolean {
    const { limits, clock } = this.#options;
    if (this.sizeBytes === 0) return false;
    // A file that seems to begin in the future was begun under a clock that was wrong, and has no age to wait for.
    const ageMs = this.#beganMs === null ? 0 : clock.nowMs() - this.#beganMs;
    const isOld = ageMs >= limits.ageMsMax || ageMs < -limits.ageMsMax;
    return isOld || this.sizeBytes + lengthBytes > limits.bytesMax;
  }
}

/** A file that is ahead of the journal, or holds another event at its end, belongs to another hub: it is left alone. */
function refuseStranger(mark: LineMark | null, journal: OutputOptions["journal"]): void {
  if (mark === null) return;
  const [line] = journal({ afterSeq: mark.seq - 1, limit: 1 });
  if (line?.id === mark.id) return;
  throw new RangeError(`the file ends with event ${mark.seq} of another journal; move it away, and a new one is begun`);
}
