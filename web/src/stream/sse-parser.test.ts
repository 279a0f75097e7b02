import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createSseParser, type SseFrame } from "./sse-parser.ts";

function parse(pieces: readonly string[]): readonly SseFrame[] {
  const frames: SseFrame[] = [];
  const parser = createSseParser((frame) => frames.push(frame));
  for (const piece of pieces) parser.push(piece);
  return frames;
}

test("frames are read, comments and unknown fields passed over", () => {
  assert.deepEqual(parse([': hello\n\nid: 7\nevent: a.b\ndata: {"x":1}\nretry: 5\n\n', "data:one\ndata: two\n\n"]), [
    { id: "7", event: "a.b", data: '{"x":1}' },
    { id: null, event: "message", data: "one\ntwo" },
  ]);
});

test("where the network cuts the text makes no difference", () => {
  const text = "id: 1\r\nevent: a\r\ndata: \u00e4\r\n\r\n:\n\nid: 2\nevent: b\ndata: {}\n\n";
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
      const at = [0, ...cuts, text.length].toSorted((a, b) => a - b);
      const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
      assert.deepEqual(parse(pieces), parse([text]));
    }),
    { numRuns: 60 },
  );
});

test("an unfinished frame is not passed on", () => {
  assert.deepEqual(parse(["id: 1\ndata: {}\n"]), []);
});

test("a frame beyond every limit is refused", () => {
  assert.throws(() => parse(["data: ".padEnd(16_000_001, "x")]), RangeError);
});
