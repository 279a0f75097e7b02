import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { base64Of, bytesOf } from "./base64.ts";

test("bytes survive the way to a request and back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = base64Of(Uint8Array.from(bytes).buffer);
      assert.equal(text, Buffer.from(bytes).toString("base64"));
      assert.deepEqual([...bytesOf(text)], [...bytes]);
    }),
    { numRuns: 100 },
  );
});
