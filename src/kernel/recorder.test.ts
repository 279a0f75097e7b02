import assert from "node:assert/strict";
import { test } from "vitest";
import { createManualClock } from "../adapters/memory/clock.ts";
import type { BlobStore } from "./ports.ts";
import { createRecorder } from "./recorder.ts";

const log = { info: () => {}, warn: () => {}, error: () => {} };
const { signal } = new AbortController();

/** Blobs in memory that remember when they came. */
function createAgedBlobs(nowMs: () => number): BlobStore {
  const held = new Map<string, { bytes: Uint8Array; modifiedMs: number }>();
  return {
    put: (bytes) => {
      const ref = `sha256:${bytes.join("").padEnd(64, "0")}`;
      held.set(ref, { bytes, modifiedMs: nowMs() });
      return Promise.resolve(ref);
    },
    get: (ref) => Promise.resolve(held.get(ref)?.bytes ?? null),
    has: (ref) => Promise.resolve(held.has(ref)),
    remove: (ref) => Promise.resolve(void held.delete(ref)),
    async *list() {
      for (const [ref, { bytes, modifiedMs }] of held) yield { ref, sizeBytes: bytes.byteLength, modifiedMs };
    },
  };
}

test("what is too old goes, then the oldest until the rest fits, and what is kept is counted", async () => {
  const clock = createManualClock(1_000_000);
  const blobs = createAgedBlobs(clock.nowMs);
  const limits = { sizeBytesMax: 20, ageMsMax: 1000 };
  const recorder = createRecorder({ blobs, clock, log, ...limits });
  assert.equal(recorder.usage(), null);
  const refs: string[] = [];
  for (const each of [1, 2, 3, 4]) {
    refs.push(await recorder.keepBytes(new Uint8Array(8).fill(each)));
    clock.advance(400);
  }
  assert.deepEqual(await recorder.prune(signal), { removed: 2, keptBytes: 16 });
  assert.deepEqual(await Promise.all(refs.map(blobs.has)), [false, false, true, true]);
  assert.deepEqual(recorder.usage(), { contents: 2, sizeBytes: 16, ...limits });
  await recorder.keepBytes(new Uint8Array(8).fill(5));
  assert.deepEqual(recorder.usage(), { contents: 3, sizeBytes: 24, ...limits });
  assert.deepEqual(await recorder.prune(signal), { removed: 1, keptBytes: 16 });
  assert.equal(await recorder.recallBytes(refs[2] as string), null);
});
