import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { readOutput } from "./output.ts";

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

test("what fits is kept as it is, however it comes", () =>
  fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "grapheme", maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      async (text, size) => {
        const limits = { headBytesMax: 300, tailBytesMax: 300 };
        const { text: read, isCut } = await readOutput(inPieces(text, size), limits);
        assert.deepEqual([read, isCut], [text, false]);
      },
    ),
    { numRuns: 100 },
  ));

test("of a long output the beginning and the end are kept, and the rest is counted", async () => {
  const limits = { headBytesMax: 10, tailBytesMax: 6 };
  const printed = await readOutput(inPieces("beginning…much of it…the end", 5), limits);
  assert.deepEqual(printed, {
    text: "beginning\n[16 bytes are left out here]\nhe end",
    sizeBytes: 32,
    isCut: true,
  });
});
