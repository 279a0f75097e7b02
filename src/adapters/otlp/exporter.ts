/**
 * Sends spans to a collector, in the order of the journal, and never in anybody's way. The journal is the buffer: in memory
 * there is one batch at most. Where the sending stands is kept beside the journal and moves only once a collector has
 * answered, so nothing is lost while it is down; what is sent again after a crash has the same ids.
 */
import { gzip } from "node:zlib";
import type { Chance, Clock, Log, Redactor } from "../../kernel/ports.ts";
import { type Origin, requestJson, spanJson } from "./encode.ts";
import type { Poster } from "./post.ts";
import type { Span } from "./span.ts";
import { judge, type Verdict } from "./verdict.ts";

/** How long a span waits for others to travel with it. */
const gatherMs = 2000;
const batchSpansMax = 512;
/** Far below the 64 MiB that collectors take, and enough for a batch of ordinary spans. */
const batchBytesMax = 1_048_576;
/** Waits double from the first to the last; half of each is chance, so that hubs do not return together. */
const retryMsMin = 1000;
const retryMsMax = 60_000;
/** What a hub that stops grants its last batch; the next start sends what did not make it. */
const closeMs = 2000;

/** Spans of the journal behind a position, at most one for each event. */
export interface SpanPage {
  readonly spans: readonly { readonly seq: number; readonly span: Span }[];
  /** Spans whose events have lost their data to retention. */
  readonly lost: number;
  /** The page reaches up to here. */
  readonly seq: number;
}

export interface ExporterOptions {
  /** Shown to people. */
  readonly address: string;
  readonly origin: Origin;
  readonly clock: Clock;
  readonly chance: Pick<Chance, "random">;
  readonly log: Log;
  readonly redactor: Pick<Redactor, "value" | "text">;
  readonly source: { headSeq(): number; page(afterSeq: number): SpanPage };
  readonly poster: Poster;
  /** Everything up to here was sent before. */
  readonly startSeq: number;
  /** Durable when it resolves. */
  readonly save: (seq: number) => Promise<void>;
}

export interface ExporterStatus {
  readonly isWell: boolean;
  readonly detail: string;
  readonly seq: number;
  readonly lagEvents: number;
  readonly sent: number;
  /** Spans that a collector refused, and those whose data was gone. */
  readonly dropped: number;
  /** Requests that failed. */
  readonly errors: number;
}

export interface Exporter extends AsyncDisposable {
  status(): ExporterStatus;
  /** Something was written to the journal. Costs next to nothing, however often it is called. */
  wake(): void;
  /** Resolves when what is being sent now has been answered, or has failed. */
  settled(): Promise<void>;
}

/** Starts at once, in the background. */
export function createExporter(options: ExporterOptions): Exporter {
  const { clock, poster } = options;
  const closing = new AbortController();
  const sender = createSender(options, closing.signal);
  let running: Promise<void> | null = null;
  let stopTimer: (() => void) | null = null;
  let isClosed = false;

  const after = (delayMs: number): void => {
    if (isClosed || running !== null || sender.isStopped()) return;
    stopTimer ??= clock.after(delayMs, begin);
  };
  const run = async (): Promise<void> => {
    const retryMs = await sender.drain();
    running = null;
    if (retryMs !== null) after(retryMs);
    else if (sender.hasMore()) after(gatherMs);
  };
  const begin = (): void => {
    stopTimer = null;
    running = run();
  };
  begin();

  return {
    status: sender.status,
    wake: () => after(gatherMs),
    settled: async () => running ?? undefined,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      stopTimer?.();
      const cancel = clock.after(closeMs, () => closing.abort());
      await running;
      if (sender.isWell()) await sender.drain();
      cancel();
      await sender.save();
      poster[Symbol.dispose]();
    },
  };
}

interface Batch {
  readonly texts: readonly string[];
  readonly lost: number;
  readonly seq: number;
}

const nothingSent: Verdict = { kind: "accepted", rejectedSpans: 0, warning: null };

/** Sends whatever there is, and remembers how that went. `drain` must not overlap itself. */
function createSender(options: ExporterOptions, signal: AbortSignal) {
  const { log, source, address } = options;
  const state = createState(options);
  let spansMax = batchSpansMax;
  let failures = 0;

  const settle = (batch: Batch, verdict: Verdict): number | null => {
    if (verdict.kind === "again" || verdict.kind === "stopped") {
      state.failed(verdict.detail);
      if (verdict.kind === "stopped") state.stopped(verdict.detail);
      failures += 1;
      return Math.max(retryMsMin, (verdict.kind === "again" ? verdict.afterMs : null) ?? backoffMs(failures, options));
    }
    if (verdict.kind === "smaller" && batch.texts.length > 1) {
      spansMax = Math.ceil(batch.texts.length / 2);
      return null;
    }
    if (batch.texts.length > 0) failures = 0;
    const refused =
      verdict.kind === "accepted" ? Math.min(verdict.rejectedSpans, batch.texts.length) : batch.texts.length;
    state.moved(batch, { refused, detail: verdict.kind === "accepted" ? null : verdict.detail });
    if (verdict.kind === "accepted" && verdict.warning !== null)
      log.warn("the collector took spans with a warning", { address, refused, warning: verdict.warning });
    return null;
  };
  const drainAll = async (): Promise<number | null> => {
    while (!signal.aborted && state.stopDetail() === null) {
      const batch = await gather(options, state.seq(), spansMax);
      const verdict: Verdict = batch.texts.length === 0 ? nothingSent : await send(batch, options, signal);
      const retryMs = settle(batch, verdict);
      if (retryMs !== null || batch.texts.length === 0) return retryMs;
      await state.save();
    }
    return null;
  };
  return {
    status: state.status,
    isWell: state.isWell,
    isStopped: () => state.stopDetail() !== null,
    hasMore: () => source.headSeq() > state.seq(),
    save: state.save,
    /** Resolves when everything is sent, with null, or when it fails, with the time to wait. Never rejects. */
    async drain(): Promise<number | null> {
      try {
        return await drainAll();
      } catch (error) {
        // The store could not be read; what it holds is sent once it can.
        state.failed(`the journal cannot be read: ${textOf(error)}`);
        return retryMsMax;
      }
    },
  };
}

function createState({ log, address, source, startSeq, save }: ExporterOptions) {
  let seq = startSeq;
  let savedSeq = startSeq;
  let sent = 0;
  let dropped = 0;
  let errors = 0;
  let failure: string | null = null;
  let stopDetail: string | null = null;

  const fail = (detail: string): void => {
    errors += 1;
    if (failure === null) log.error("spans cannot be sent", { address, detail });
    failure = detail;
  };
  const detailNow = (lagEvents: number): string => {
    if (stopDetail !== null)
      return `${stopDetail}; nothing is sent to ${address} until the hub starts again with another address or other headers`;
    return failure === null
      ? `sent to ${address} up to event ${seq}`
      : `${failure}; ${lagEvents} events wait in the journal`;
  };
  return {
    seq: () => seq,
    isWell: () => failure === null,
    stopDetail: () => stopDetail,
    failed: fail,
    stopped: (detail: string): void => {
      stopDetail = detail;
    },
    moved(batch: Batch, { refused, detail }: { readonly refused: number; readonly detail: string | null }): void {
      seq = batch.seq;
      sent += batch.texts.length - refused;
      dropped += refused + batch.lost;
      if (detail !== null) fail(detail);
      else if (batch.texts.length > 0) {
        if (failure !== null) log.info("spans are sent again", { address });
        failure = null;
      }
    },
    status(): ExporterStatus {
      const lagEvents = Math.max(0, source.headSeq() - seq);
      return { isWell: failure === null, detail: detailNow(lagEvents), seq, lagEvents, sent, dropped, errors };
    },
    /** What cannot be saved is sent again by the next start, under the same ids. */
    async save(): Promise<void> {
      if (seq === savedSeq) return;
      try {
        await save(seq);
        savedSeq = seq;
      } catch (error) {
        fail(`the position could not be saved: ${textOf(error)}`);
      }
    },
  };
}

async function gather(
  { source, redactor, clock }: ExporterOptions,
  startSeq: number,
  spansMax: number,
): Promise<Batch> {
  const headSeq = source.headSeq();
  const texts: string[] = [];
  let sizeBytes = 0;
  let lost = 0;
  let seq = startSeq;
  while (seq < headSeq) {
    const page = source.page(seq);
    for (const each of page.spans) {
      const text = spanJson(redactor.value(each.span));
      const textBytes = Buffer.byteLength(text);
      if (texts.length >= spansMax || (texts.length > 0 && sizeBytes + textBytes > batchBytesMax))
        return { texts, lost, seq };
      texts.push(text);
      sizeBytes += textBytes;
      seq = each.seq;
    }
    seq = page.seq;
    lost += page.lost;
    // A long way to catch up must not hold up those who work.
    await new Promise<void>((resolve) => clock.soon(resolve));
  }
  return { texts, lost, seq };
}

const zip = (text: string): Promise<Uint8Array> =>
  new Promise((resolve, reject) => gzip(text, (error, bytes) => (error === null ? resolve(bytes) : reject(error))));

async function send(batch: Batch, options: ExporterOptions, signal: AbortSignal): Promise<Verdict> {
  try {
    const reply = await options.poster.post(await zip(requestJson(options.origin, batch.texts)), signal);
    return judge(reply, options.clock.nowMs());
  } catch (error) {
    const detail = `${options.address} cannot be reached: ${options.redactor.text(textOf(error))}`;
    return { kind: "again", afterMs: null, detail };
  }
}

/** A refused connection to a name with two addresses has no message of its own, but a code. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return error.message === "" ? (code ?? error.name) : error.message;
}

function backoffMs(failures: number, { chance }: ExporterOptions): number {
  const fullMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(failures, 10));
  return fullMs / 2 + (fullMs / 2) * chance.random();
}
