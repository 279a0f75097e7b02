/** How far traces have been exported: a position of the journal, and the event there, by which the journal is known again. */
import { type Codec, jsonCodec } from "../../adapters/files/state-file.ts";

export interface TraceMark {
  readonly seq: number;
  readonly id: string;
}

export const traceMarkCodec = (): Codec<TraceMark> =>
  jsonCodec((value) => {
    if (typeof value !== "object" || value === null) return null;
    const { seq, id } = value as Readonly<Record<string, unknown>>;
    return Number.isSafeInteger(seq) && Number(seq) >= 0 && typeof id === "string" ? { seq: Number(seq), id } : null;
  });
