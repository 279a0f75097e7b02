import assert from "node:assert/strict";
import { test } from "vitest";
import type { HubEvent } from "../shapes.ts";
import { connect } from "./connection.ts";
import type { Phase } from "./event-store.ts";

const frame = (seq: number): string => `id: ${seq}\nevent: a.b\ndata: ${JSON.stringify({ seq, kind: "a.b" })}\n\n`;

/** Answers each connect with the next of these, then aborts. */
async function script(answers: readonly (() => Response)[]) {
  const control = new AbortController();
  const asked: (readonly [string, string | null])[] = [];
  const phases: Phase[] = [];
  const seen: (number | undefined)[] = [];
  const pauses: number[] = [];
  let resets = 0;
  await connect({
    signal: control.signal,
    replay: 50,
    position: () => seen.at(-1) ?? null,
    fetch: async (url, init) => {
      asked.push([typeof url === "string" ? url : "", new Headers(init?.headers).get("last-event-id")]);
      const answer = answers[asked.length - 1];
      if (asked.length >= answers.length) control.abort();
      return answer?.() ?? new Response();
    },
    after: async (ms) => void pauses.push(ms),
    onEvents: (events: readonly HubEvent[]) => void seen.push(...events.map((event) => event.seq)),
    onPhase: (phase) => void phases.push(phase),
    onReset: () => {
      resets += 1;
      seen.length = 0;
    },
  });
  return { asked, phases, seen, pauses, resets };
}

test("it begins with the newest events and goes on from the last one it saw", async () => {
  const { asked, seen } = await script([
    () => new Response(frame(1) + frame(2)),
    () => new Response(frame(3)),
    () => new Response(),
  ]);
  assert.deepEqual(asked, [
    ["/events?replay=50", null],
    ["/events", "2"],
    ["/events", "3"],
  ]);
  assert.deepEqual(seen, [1, 2, 3]);
});

test("a hub that is gone is asked again, ever less often", async () => {
  const gone = (): Response => {
    throw new TypeError("connection refused");
  };
  const { pauses } = await script([gone, gone, gone, gone, gone, gone, gone]);
  assert.deepEqual(pauses, [250, 500, 1000, 2000, 4000, 4000]);
});

test("without a sign-in it stops and says so", async () => {
  const { asked, phases } = await script([() => new Response(null, { status: 401 }), () => new Response()]);
  assert.deepEqual([asked.length, phases], [1, ["locked"]]);
});

test("a position of another journal is given up", async () => {
  const { asked, resets } = await script([
    () => new Response(frame(9)),
    () => new Response(null, { status: 400 }),
    () => new Response(),
  ]);
  assert.equal(resets, 1);
  assert.deepEqual(asked.at(-1), ["/events?replay=50", null]);
});

test("neither the greeting nor the problem that ends a stream is an event", async () => {
  const { seen } = await script([
    () =>
      new Response(
        `data: {"kind":"service.connected","data":{}}\n\n${frame(1)}event: problem\ndata: {"status":503}\n\n`,
      ),
    () => new Response(),
  ]);
  assert.deepEqual(seen, [1]);
});
