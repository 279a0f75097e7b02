import assert from "node:assert/strict";
import { test } from "vitest";
import type { Child, ChildEnd } from "../../domains/shell/port.ts";
import { createNursery } from "./nursery.ts";

const never = new AbortController().signal;

/** One that ends when its signal says so, or when it is told. */
function childOf(signal: AbortSignal) {
  const { promise: exited, resolve } = Promise.withResolvers<ChildEnd>();
  const end = (): void => resolve({ exitCode: 0, signal: null, endedBy: "caller" });
  if (signal.aborted) end();
  signal.addEventListener("abort", end);
  const nothing = (async function* (): AsyncGenerator<Uint8Array> {})();
  const stdin = { write: () => Promise.resolve(), end: () => undefined };
  return { stdin, stdout: nothing, stderr: nothing, exited, end } satisfies Child;
}

test("so many run at the same time, those that are starting among them, and an end makes room", async () => {
  await using nursery = createNursery();
  const raise = () => nursery.raise(never, (signal) => Promise.resolve(childOf(signal)));
  const [first] = await Promise.all(Array.from({ length: 32 }, raise));
  await assert.rejects(raise, /32 programs run already/);
  first?.end();
  await first?.exited;
  await raise();
  await assert.rejects(raise, /32 programs run already/);
});

test("whoever is starting while all are ended ends as well, and nobody starts once it is closed", async () => {
  const nursery = createNursery();
  const { promise: begin, resolve } = Promise.withResolvers<void>();
  const starting = nursery.raise(never, (signal) => begin.then(() => childOf(signal)));
  await nursery.endAll("enough");
  resolve();
  assert.equal((await (await starting).exited).endedBy, "caller");
  const failing = nursery.raise(never, () => Promise.reject(new RangeError("no")));
  await assert.rejects(failing, /no/);
  await nursery[Symbol.asyncDispose]();
  await assert.rejects(
    nursery.raise(never, (signal) => Promise.resolve(childOf(signal))),
    /is stopping/,
  );
});
