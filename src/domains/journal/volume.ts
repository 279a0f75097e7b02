/** How many bytes of data the events of a kind hold: counted once, and from there on only what came since. */
import type { Archive } from "../../kernel/archive.ts";
import type { StoredEvent } from "../../kernel/ports.ts";

export interface Volume {
  /** Up to the journal's head. */
  sizeBytesOf(kind: string, signal: AbortSignal): Promise<number>;
  /** The last of the oldest events that must be emptied for the rest to fit, none behind `toSeq`; 0 when all fits. */
  lastOver(
    kind: string,
    limits: { readonly sizeBytesMax: number; readonly toSeq: number },
    signal: AbortSignal,
  ): Promise<number>;
  /** All events of the kind up to there were emptied; these are the ones that still had data. */
  emptied(kind: string, toSeq: number, rows: readonly StoredEvent[]): void;
}

interface VolumeDeps {
  readonly parts: { readonly archive: Pick<Archive, "rows" | "head"> };
  readonly pause: () => Promise<void>;
}

interface Counted {
  toSeq: number;
  sizeBytes: number;
  /** Nothing up to here has data. */
  emptyToSeq: number;
}

const pageEvents = 500;

export function createVolume({ parts, pause }: VolumeDeps): Volume {
  const kinds = new Map<string, Counted>();
  const countOf = (kind: string): Counted => {
    const counted = kinds.get(kind) ?? { toSeq: 0, sizeBytes: 0, emptyToSeq: 0 };
    kinds.set(kind, counted);
    return counted;
  };
  async function* rows(kind: string, span: { readonly afterSeq: number; readonly toSeq: number }, signal: AbortSignal) {
    for (let { afterSeq } = span; ; ) {
      signal.throwIfAborted();
      const page = parts.archive.rows({ kinds: [kind], afterSeq, toSeq: span.toSeq, limit: pageEvents });
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < pageEvents) return;
      afterSeq = last.seq;
      await pause();
    }
  }
  const sizeBytesOf = async (kind: string, signal: AbortSignal): Promise<number> => {
    const counted = countOf(kind);
    const toSeq = parts.archive.head().seq;
    for await (const row of rows(kind, { afterSeq: counted.toSeq, toSeq }, signal)) {
      counted.sizeBytes += sizeBytesOfRow(row);
      counted.toSeq = row.seq;
    }
    counted.toSeq = Math.max(counted.toSeq, toSeq);
    return counted.sizeBytes;
  };
  return {
    sizeBytesOf,
    async lastOver(kind, { sizeBytesMax, toSeq }, signal) {
      let surplus = (await sizeBytesOf(kind, signal)) - sizeBytesMax;
      let last = 0;
      if (surplus <= 0) return last;
      for await (const row of rows(kind, { afterSeq: countOf(kind).emptyToSeq, toSeq }, signal)) {
        surplus -= sizeBytesOfRow(row);
        last = row.seq;
        if (surplus <= 0) break;
      }
      return last;
    },
    emptied(kind, toSeq, emptied) {
      const counted = kinds.get(kind);
      if (counted === undefined) return;
      for (const row of emptied) if (row.seq <= counted.toSeq) counted.sizeBytes -= sizeBytesOfRow(row);
      counted.emptyToSeq = Math.max(counted.emptyToSeq, toSeq);
    },
  };
}

const sizeBytesOfRow = ({ data }: StoredEvent): number => (data === null ? 0 : Buffer.byteLength(data));
