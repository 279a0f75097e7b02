import assert from "node:assert/strict";
import { test } from "vitest";
import { traceIdOf } from "./span.ts";

test("a trace has the id of its episode, of the caller's trace, or else of a digest", () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  assert.equal(traceIdOf("4bf92f35-77b3-4da6-a3ce-929d0e0e4736"), traceId);
  assert.equal(traceIdOf(traceId), traceId);
  for (const text of ["0".repeat(32), traceId.toUpperCase(), `${traceId}0`, "my-work"]) {
    assert.match(traceIdOf(text), /^[0-9a-f]{32}$/u);
    assert.notEqual(traceIdOf(text), text);
    assert.notEqual(traceIdOf(text), "0".repeat(32));
  }
});
