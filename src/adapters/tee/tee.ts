/**
 * The tee: every durable event as one line of a file, in order, none missing and none twice. It reads from the bus while it
 * keeps up and from the journal when it does not, so nobody ever waits for it. Where it stands is what its file says.
 *
 * Lines are appended at once and synced every `syncMs`: after a power failure the file may lack the last moments, which the
 * journal has and the next start writes again. A failure is counted, told, and tried again; the journal never notices.
 */
import { type Envelope, envelopeJson } from "../../contract/event.ts";
import type { Clock, Log } from "../../kernel/ports.ts";
import { failureText } from "./files.ts";
import { type Batch, Output, type OutputOptions } from "./output.ts";

/** What a power failure may take from the file; the journal has it. */
const syncMs = 1000;
/** A full disk is looked at again after this long. */
const retryMs = 5000;
const batchEvents = 256;
/** Old files are looked for at the start and so often; an age is counted in days. */
const lookMs = 3_600_000;
/** Whether the file is still there is asked so often also while nothing happens. */
const watchMs = 5000;

/** A bounded reader of the bus; what it lost is read from the journal. */
export interface TeeFeed extends Disposable {
  take(count: number): readonly (Envelope | { readonly skipped: number })[];
  onReady(run: () => void): void;
}

export interface TeeOptions extends OutputOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly headSeq: () => number;
  readonly feed: TeeFeed;
}

export interface TeeStatus {
  readonly isWell: boolean;
  readonly detail: string;
  /** Every event up to here is in the file. */
  readonly seq: number;
  /** And on the disk; retention waits for it. */
  readonly syncedSeq: number;
  readonly lagEvents: number;
  readonly events: number;
  readonly sizeBytes: number;
  readonly errors: number;
  readonly rotations: number;
}

export interface Tee extends AsyncDisposable {
  status(): TeeStatus;
  /** Resolves when nothing is left to write, or when writing fails. */
  flush(): Promise<void>;
}

/** Starts at once, in the background. */
export function createTee(options: TeeOptions): Tee {
  const { feed, clock } = options;
  const writer = createWriter(options);
  let running: Promise<void> | null = null;
  let isClosed = false;
  let stopTimer: (() => void) | null = null;
  let stopLooking: (() => void) | null = null;
  let stopWatching: (() => void) | null = null;

  const after = (delayMs: number, run: () => void): void => {
    stopTimer ??= clock.after(delayMs, () => {
      stopTimer = null;
      run();
    });
  };
  const wake = (): void => {
    if (running === null && !isClosed) running = writer.pump().then(rest);
  };
  const rest = (): void => {
    running = null;
    if (isClosed) return;
    if (writer.isDirty()) after(syncMs, syncThenWake);
    if (writer.failure() === null) feed.onReady(wake);
    else after(retryMs, wake);
  };
  const syncThenWake = (): void => {
    writer.wantSync();
    wake();
  };
  const look = (): void => {
    writer.wantLook();
    stopLooking = clock.after(lookMs, look);
    wake();
  };
  const watch = (): void => {
    writer.wantWatch();
    stopWatching = clock.after(watchMs, watch);
    // While it fails, it is tried again on a beat of its own.
    if (writer.failure() === null) wake();
  };
  look();
  watch();

  return {
    status: writer.status,
    async flush() {
      wake();
      await running;
    },
    async [Symbol.asyncDispose]() {
      await running;
      isClosed = true;
      stopTimer?.();
      stopLooking?.();
      stopWatching?.();
      if (writer.failure() === null) await writer.pump();
      feed[Symbol.dispose]();
      await writer.close();
    },
  };
}

/** Writes whatever there is, and remembers how that went. `pump` must not overlap itself. */
function createWriter(options: TeeOptions) {
  const { log, path, headSeq } = options;
  const out = new Output(options);
  let failure: string | null = null;
  let events = 0;
  let errors = 0;
  let isLookWanted = false;

  const writeAll = async (): Promise<void> => {
    const { losses } = out;
    await out.ready();
    if (out.losses > losses) {
      errors += 1;
      log.warn("the tee's file was moved, removed or cut by somebody else; it is made anew", {
        path,
        fromSeq: out.seq,
      });
    }
    if (isLookWanted) await out.removeOld();
    isLookWanted = false;
    for (let batch = nextBatch(options, out.seq); batch !== null; batch = nextBatch(options, out.seq)) {
      await out.append(batch);
      events += batch.count;
    }
  };
  const status = (): TeeStatus => {
    const { seq, syncedSeq, sizeBytes, rotations } = out;
    const lagEvents = Math.max(0, headSeq() - seq);
    const told = out.losses === 0 ? "" : `; its file was taken away or cut ${out.losses} times, and made anew`;
    const detail = `${failure === null ? `up to event ${seq}` : `${failure}; ${lagEvents} events wait in the journal`}${told}`;
    return { isWell: failure === null, detail, seq, syncedSeq, lagEvents, events, sizeBytes, errors, rotations };
  };
  return {
    status,
    failure: () => failure,
    isDirty: () => out.isDirty,
    wantSync: () => out.wantSync(),
    wantLook: () => void (isLookWanted = true),
    wantWatch: () => out.wantLook(),
    close: () => out.close(),
    async pump(): Promise<void> {
      try {
        await writeAll();
        if (failure !== null) log.info("the tee writes again", { path });
        failure = null;
      } catch (error) {
        errors += 1;
        if (failure === null) log.error("the tee cannot write", { path, error: failureText(error) });
        failure = failureText(error);
        await out.abandon();
      }
    },
  };
}

/** From the bus when the next event is there, else from the journal; null when everything is written. */
function nextBatch({ feed, headSeq, journal }: TeeOptions, seq: number): Batch | null {
  const run: Envelope[] = [];
  for (const delivery of feed.take(batchEvents)) {
    if ("id" in delivery && delivery.seq === seq + run.length + 1) run.push(delivery);
  }
  const last = run.at(-1);
  if (last !== undefined) return { text: joined(run.map(envelopeJson)), count: run.length, lastSeq: last.seq };
  if (seq >= headSeq()) return null;
  const lines = journal({ afterSeq: seq, limit: batchEvents });
  return { text: joined(lines.map(({ text }) => text)), count: lines.length, lastSeq: lines.at(-1)?.seq ?? seq };
}

const joined = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");
