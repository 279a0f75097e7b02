/** What a child printed: all of it counted, and of a long one the beginning and the end kept. */
import { Buffer } from "node:buffer";

export interface Printed {
  readonly text: string;
  readonly sizeBytes: number;
  readonly isCut: boolean;
}

/** What a command was told to do stands at the beginning, and what went wrong at the end. */
const headBytesMax = 100_000;
const tailBytesMax = 100_000;

export async function readOutput(
  chunks: AsyncIterable<Uint8Array>,
  limits: { readonly headBytesMax: number; readonly tailBytesMax: number } = { headBytesMax, tailBytesMax },
): Promise<Printed> {
  const head: Uint8Array[] = [];
  let tail: Buffer = Buffer.alloc(0);
  let [headBytes, sizeBytes] = [0, 0];
  for await (const chunk of chunks) {
    sizeBytes += chunk.byteLength;
    const kept = chunk.subarray(0, limits.headBytesMax - headBytes);
    if (kept.byteLength > 0) head.push(kept);
    headBytes += kept.byteLength;
    tail = Buffer.concat([tail, chunk.subarray(kept.byteLength)]).subarray(-limits.tailBytesMax);
  }
  const leftOut = sizeBytes - headBytes - tail.byteLength;
  if (leftOut === 0) return { text: Buffer.concat([...head, tail]).toString("utf8"), sizeBytes, isCut: false };
  const between = `\n[${leftOut} bytes are left out here]\n`;
  return { text: `${whole(Buffer.concat(head))}${between}${whole(tail)}`, sizeBytes, isCut: true };
}

/** Characters that were cut through at either end are left out. */
function whole(bytes: Buffer): string {
  let start = 0;
  while (start < Math.min(3, bytes.byteLength) && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start), { stream: true });
}
