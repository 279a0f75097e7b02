/** How much of what a tool answered is kept: small results whole, larger ones as bytes beside, beyond that digest and size. */
import { canonicalJson, sha256Hex } from "./canonical-json.ts";

const inlineBytesMax = 65_536;
const blobBytesMax = 4_194_304;

/** How much of a result is kept; an event's `recorded` has these fields. */
export interface KeptResult {
  readonly kept: "inline" | "blob" | "digest";
  readonly resultRef: string;
  readonly resultSizeBytes: number;
  readonly result?: unknown;
}

/**
 * How a result is kept, and the bytes of it that are a blob. Those are in the order in which the agent saw its members: what
 * it made of them hangs on it.
 */
export function keptOf(result: unknown): { readonly kept: KeptResult; readonly bytes: Uint8Array | null } {
  const canonical = canonicalJson(result ?? null);
  const resultSizeBytes = Buffer.byteLength(canonical);
  if (resultSizeBytes <= inlineBytesMax) {
    const kept = { kept: "inline", resultRef: named(canonical), resultSizeBytes, result: result ?? null } as const;
    return { kept, bytes: null };
  }
  if (resultSizeBytes > blobBytesMax)
    return { kept: { kept: "digest", resultRef: named(canonical), resultSizeBytes }, bytes: null };
  const bytes = new TextEncoder().encode(JSON.stringify(result));
  return { kept: { kept: "blob", resultRef: named(bytes), resultSizeBytes: bytes.byteLength }, bytes };
}

const named = (content: string | Uint8Array): string => `sha256:${sha256Hex(content)}`;
