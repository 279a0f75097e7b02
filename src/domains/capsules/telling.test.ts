import assert from "node:assert/strict";
import { test } from "vitest";
import type { Context } from "../../contract/operation.ts";
import { breatheWith, inPieces } from "./pieces.ts";
import { waitingFor } from "./telling.ts";

function contextAt(emit: (data: unknown) => Promise<unknown>) {
  const at = { nowMs: 10_000 };
  const ctx = { now: () => at.nowMs, emit: (_event: unknown, data: unknown) => emit(data) } as unknown as Context;
  return { at, ctx };
}

test("nothing is told of the first second, then now and then, with what is left of this part of the work", () => {
  const told: unknown[] = [];
  const { at, ctx } = contextAt((data) => Promise.resolve(told.push(data)));
  const { onPlace } = waitingFor("run.capsule", ctx);
  for (const [nowMs, phase, done] of [
    [10_000, "reading", 0],
    [10_999, "reading", 20],
    [11_000, "reading", 25],
    [11_199, "reading", 30],
    [11_250, "checking", 10],
    [12_000, "checking", 50],
  ] as const) {
    at.nowMs = nowMs;
    onPlace({ phase, done, total: 100 });
  }
  const base = { capsule: "run.capsule", total: 100, unit: "events" };
  assert.deepEqual(told, [
    { ...base, phase: "reading", done: 25, etaMs: 3_000 },
    { ...base, phase: "checking", done: 10, etaMs: null },
    { ...base, phase: "checking", done: 50, etaMs: 750 },
  ]);
});

test("a rule that keeps it from being told does not keep the work from being done", async () => {
  const { at, ctx } = contextAt(() => Promise.reject(new RangeError("denied")));
  const { onPlace } = waitingFor("run.capsule", ctx);
  at.nowMs += 2_000;
  onPlace({ phase: "reading", done: 1, total: 2 });
  await Promise.resolve();
});

test("work goes on between two turns of everybody else, and ends once nobody waits for it", async () => {
  const places: number[] = [];
  const leaving = new AbortController();
  const onPlace = ({ done }: { readonly done: number }) => {
    places.push(done);
    if (places.length === 3) leaving.abort(new RangeError("left"));
  };
  const breathe = breatheWith({ soon: (run) => queueMicrotask(run) }, { signal: leaving.signal, onPlace });
  const items = Array.from({ length: 1_000 }, (_each, place) => place);
  let done = 0;
  const work = inPieces(items, { breathe, phase: "reading" }, () => (done += 1));
  await assert.rejects(work, /left/u);
  assert.deepEqual([places, done], [[64, 128, 192], 192]);
});
