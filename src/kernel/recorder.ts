/**
 * The recorder keeps what a tool call answered, so that a run can be resumed and replayed without touching the world: small
 * results in the event, larger ones as blobs, beyond that the digest and size alone. What it keeps has an age and a ceiling.
 */
import { type KeptResult, keptOf } from "../base/kept-result.ts";
import type { BlobStore, Clock, Log } from "./ports.ts";

export interface Recorder {
  /** `result` is what the agent saw: redacted before it came here. */
  keep(result: unknown): KeptResult | Promise<KeptResult>;
  /** The result again, or `gone` when it was dropped or never kept. */
  recall(kept: KeptResult): Promise<{ readonly kind: "result"; readonly result: unknown } | { readonly kind: "gone" }>;
  /** Keeps bytes that an undo needs. */
  keepBytes(bytes: Uint8Array): Promise<string>;
  /** Such bytes again; null when they were dropped. */
  recallBytes(ref: string): Promise<Uint8Array | null>;
  /** Drops what is older than the age, then the oldest until the rest fits under the ceiling. */
  prune(signal: AbortSignal): Promise<{ readonly removed: number; readonly keptBytes: number }>;
  /** What is kept: counted by the last `prune`, with what came since. Null before the first one. */
  usage(): RecordUsage | null;
}

export interface RecordUsage {
  readonly contents: number;
  readonly sizeBytes: number;
  readonly sizeBytesMax: number;
  readonly ageMsMax: number;
}

interface RecorderOptions {
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly sizeBytesMax: number;
  readonly ageMsMax: number;
}

export function createRecorder({ blobs, clock, log, sizeBytesMax, ageMsMax }: RecorderOptions): Recorder {
  let counted: { readonly contents: number; readonly sizeBytes: number } | null = null;
  /** A content that was there already counts twice until the next count: the figure may be too large, and never too small. */
  const put = async (bytes: Uint8Array): Promise<string> => {
    const ref = await blobs.put(bytes);
    if (counted !== null) counted = { contents: counted.contents + 1, sizeBytes: counted.sizeBytes + bytes.byteLength };
    return ref;
  };
  return {
    keep(result) {
      const { kept, bytes } = keptOf(result);
      return bytes === null ? kept : put(bytes).then(() => kept);
    },
    async recall(kept) {
      if (kept.kept === "inline") return { kind: "result", result: kept.result };
      if (kept.kept === "digest") return { kind: "gone" };
      const bytes = await blobs.get(kept.resultRef);
      return bytes === null
        ? { kind: "gone" }
        : { kind: "result", result: JSON.parse(new TextDecoder().decode(bytes)) };
    },
    keepBytes: put,
    recallBytes: (ref) => blobs.get(ref),
    async prune(signal) {
      const held: { ref: string; sizeBytes: number; modifiedMs: number }[] = [];
      for await (const each of blobs.list()) held.push(each);
      held.sort((a, b) => a.modifiedMs - b.modifiedMs);
      const oldestMs = clock.nowMs() - ageMsMax;
      let keptBytes = held.reduce((sum, each) => sum + each.sizeBytes, 0);
      let removed = 0;
      for (const each of held) {
        if (signal.aborted || (each.modifiedMs >= oldestMs && keptBytes <= sizeBytesMax)) break;
        await blobs.remove(each.ref);
        keptBytes -= each.sizeBytes;
        removed += 1;
      }
      counted = { contents: held.length - removed, sizeBytes: keptBytes };
      if (removed > 0) log.info("recorded results were dropped by age or ceiling", { removed, keptBytes });
      return { removed, keptBytes };
    },
    usage: () => (counted === null ? null : { ...counted, sizeBytesMax, ageMsMax }),
  };
}
