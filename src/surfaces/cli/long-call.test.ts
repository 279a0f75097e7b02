import assert from "node:assert/strict";
import { test } from "vitest";
import { callTelling, type LongCall } from "./long-call.ts";
import { createPen } from "./pen.ts";
import { CallFailed, type CallResult, type Terminal } from "./port.ts";

const done: CallResult = { kind: "answer", output: "done" };
const place = (subject: string, steps: number) => ({
  kind: "work.progress",
  data: { subject, phase: "reading", done: steps, total: 10, unit: "rows", etaMs: 2_000 },
});

interface Told {
  readonly isTty?: boolean;
  readonly isJson?: boolean;
  readonly items?: readonly unknown[];
  readonly streamFault?: Error;
  readonly answer?: (signal: AbortSignal) => Promise<CallResult>;
}

/** The call is answered once all items were read; the moment of quiet is over at once. */
async function told({ isTty = true, isJson = false, items = [], streamFault, answer }: Told, leave?: AbortSignal) {
  const read = Promise.withResolvers<void>();
  const asked: unknown[] = [];
  let err = "";
  const terminal = { isTty, columns: 80, hasColor: false, write: () => assert.fail(), timeText: String };
  const calling: LongCall = {
    terminal: { ...terminal, writeError: (text: string) => void (err += text) } as unknown as Terminal,
    presentation: {
      progress: { "work.do": { kind: "work.progress", subject: "subject" } },
      follow: { events: "events.watch" } as LongCall["presentation"]["follow"],
    },
    wait: () => Promise.resolve(),
    pen: createPen(terminal),
    signal: leave ?? new AbortController().signal,
    isJson,
    transport: {
      async call(id, input, signal) {
        asked.push([id, input]);
        if (answer !== undefined) return await answer(signal);
        if (isTty && !isJson && id === "work.do") await read.promise;
        return done;
      },
      async *stream(id, input) {
        asked.push([id, input]);
        if (streamFault === undefined) yield* items;
        read.resolve();
        if (streamFault !== undefined) throw streamFault;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
  };
  const call = (id = "work.do") => callTelling(id, { file: "mine", limit: 3 }, calling);
  return { call, asked, err: () => err };
}

test("a terminal shows how far its own work is, and nothing of it stays", async () => {
  const { call, asked, err } = await told({
    items: [place("another", 1), place("mine", 4), { kind: "work.progress.other", data: { subject: "mine", done: 9 } }],
  });
  assert.equal(await call(), done);
  assert.deepEqual(asked.slice(1), [["events.watch", { prefix: ["work.progress"] }]]);
  assert.match(err(), /reading: 4\/10 rows, about 2 s left/u);
  assert.doesNotMatch(err(), /1\/10|9/u);
  assert.ok(err().endsWith("\r\u001B[2K"));
});

test("a pipe, JSON and quick calls are told nothing", async () => {
  for (const how of [{ isTty: false }, { isJson: true }]) {
    const { call, asked, err } = await told({ ...how, items: [place("mine", 4)] });
    assert.equal(await call(), done);
    assert.deepEqual([asked.length, err()], [1, ""]);
  }
  const other = await told({ items: [place("mine", 4)] });
  assert.equal(await other.call("work.other"), done);
  assert.deepEqual([other.asked.length, other.err()], [1, ""]);
});

test("what cannot be told is no failure of the call, and a call that fails or is left fails as ever", async () => {
  const unheard = await told({ streamFault: new RangeError("no events for you") });
  assert.equal(await unheard.call(), done);
  assert.equal(unheard.err(), "");
  const document = { type: "", title: "", status: 409, code: "work.no", detail: "no", instance: "" };
  const refused = await told({ answer: () => Promise.reject(new CallFailed(document)) });
  await assert.rejects(refused.call(), CallFailed);
  const leaving = new AbortController();
  const left = await told(
    {
      answer: (signal) => new Promise((_done, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    },
    leaving.signal,
  );
  const call = left.call();
  leaving.abort(new RangeError("left"));
  await assert.rejects(call, /left/u);
});
