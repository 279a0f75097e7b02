import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { test } from "vitest";
import { startCollector } from "../../../test/kit/collector.ts";
import { abortable, deferred } from "../../base/async.ts";
import { createRedactor } from "../../base/redact.ts";
import { createManualClock } from "../memory/clock.ts";
import { createExporter, type ExporterOptions, type SpanPage } from "./exporter.ts";
import { createPoster } from "./post.ts";
import { type Span, spanIdOf, traceIdOf } from "./span.ts";
import type { Reply } from "./verdict.ts";

const nowMs = 1_750_000_000_000;
const reply = (status: number, more: Partial<Reply> = {}): Reply => ({ status, retryAfter: null, text: "{}", ...more });
const pageSpans = 50;

const spanAt = (seq: number, word = "none"): Span => ({
  traceId: traceIdOf("corr"),
  spanId: spanIdOf("event", String(seq)),
  parentSpanId: null,
  name: "execute_tool fs.read",
  startMs: nowMs,
  endMs: nowMs + seq,
  attributes: { "arw.seq": seq, "arw.word": word },
  moments: [],
  errorCode: null,
});

interface Bench {
  readonly startSeq?: number;
  readonly word?: string;
  readonly over?: Partial<ExporterOptions>;
}

/** An exporter between a journal of a made-up length and a collector that answers as it is told. */
function bench({ startSeq = 0, word, over = {} }: Bench = {}) {
  const clock = createManualClock(nowMs);
  const lines: string[] = [];
  const saved: number[] = [];
  const sent: number[][] = [];
  let headSeq = 0;
  let answer: () => Reply | Error = () => reply(200);
  const note = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const page = (afterSeq: number): SpanPage => {
    const seq = Math.min(headSeq, afterSeq + pageSpans);
    const seqs = Array.from({ length: seq - afterSeq }, (_none, index) => afterSeq + index + 1);
    return { spans: seqs.map((each) => ({ seq: each, span: spanAt(each, word) })), lost: 0, seq };
  };
  const exporter = createExporter({
    address: "collector:4318",
    origin: { resource: { "service.name": "arw" }, scope: { name: "arw", version: "1" } },
    clock,
    chance: { random: () => 0.5 },
    log: { info: note, warn: note, error: note },
    redactor: createRedactor({ secrets: ["hush-hush"] }),
    source: { headSeq: () => headSeq, page },
    poster: {
      post(body) {
        const text = gunzipSync(body).toString("utf8");
        sent.push([...text.matchAll(/"arw\.seq","value":\{"intValue":"(\d+)"/gu)].map((match) => Number(match[1])));
        const given = answer();
        return given instanceof Error ? Promise.reject(given) : Promise.resolve(given);
      },
      [Symbol.dispose]: () => {},
    },
    startSeq,
    save: (seq) => Promise.resolve(void saved.push(seq)),
    ...over,
  });
  return {
    exporter,
    clock,
    lines,
    saved,
    sent,
    answers(next: () => Reply | Error) {
      answer = next;
    },
    async grow(count: number) {
      headSeq += count;
      await exporter.settled();
      exporter.wake();
    },
    /** Lets the next timer run, and what follows from it. */
    async next() {
      const inMs = clock.nextInMs() ?? 0;
      clock.advance(inMs);
      await exporter.settled();
      return inMs;
    },
  };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_none, index) => from + index);

test("what comes within two seconds travels together, and the position is kept behind it", async () => {
  const it = bench();
  await it.grow(3);
  assert.deepEqual(it.sent, []);
  await it.grow(4);
  await it.next();
  assert.deepEqual([it.sent, it.saved], [[range(1, 7)], [7]]);
  const { isWell, detail, seq, lagEvents, sent, dropped, errors } = it.exporter.status();
  assert.deepEqual([isWell, seq, lagEvents, sent, dropped, errors], [true, 7, 0, 7, 0, 0]);
  assert.equal(detail, "sent to collector:4318 up to event 7");
  await it.exporter[Symbol.asyncDispose]();
});

test("a long journal goes out in batches, in order, each once", async () => {
  const it = bench({ startSeq: 10 });
  await it.grow(1500);
  await it.next();
  await it.exporter[Symbol.asyncDispose]();
  assert.deepEqual(it.sent.flat(), range(11, 1500));
  assert.deepEqual(
    it.sent.map((each) => each.length),
    [512, 512, 466],
  );
  assert.deepEqual(it.saved, [522, 1034, 1500]);
});

test("a batch ends before it is too large, however large one span is", async () => {
  const it = bench({ word: "x".repeat(400_000) });
  await it.grow(5);
  await it.next();
  await it.exporter[Symbol.asyncDispose]();
  assert.deepEqual(it.sent, [[1, 2], [3, 4], [5]]);
});

test("a collector that is down is asked again, later and later, and nothing is lost", async () => {
  const it = bench();
  it.answers(() => Object.assign(new TypeError(""), { code: "ECONNREFUSED" }));
  await it.grow(2);
  const waits: number[] = [];
  for (let turn = 0; turn < 9; turn += 1) waits.push(await it.next());
  assert.deepEqual(waits, [2000, 1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000, 45_000]);
  const { isWell, detail, errors, seq } = it.exporter.status();
  assert.deepEqual([isWell, errors, seq], [false, 9, 0]);
  assert.equal(detail, "collector:4318 cannot be reached: ECONNREFUSED; 2 events wait in the journal");
  assert.deepEqual(it.lines, [
    'spans cannot be sent {"address":"collector:4318","detail":"collector:4318 cannot be reached: ECONNREFUSED"}',
  ]);
  it.answers(() => reply(200));
  await it.next();
  assert.deepEqual([it.sent.at(-1), it.saved], [[1, 2], [2]]);
  assert.match(it.lines.at(-1) ?? "", /^spans are sent again/u);
  await it.exporter[Symbol.asyncDispose]();
});

test("an overloaded collector says how long to wait, in seconds or as a date, and is left alone so long", async () => {
  const it = bench();
  const asked = [
    [reply(429, { retryAfter: "30" }), 30_000],
    [reply(503, { retryAfter: new Date(nowMs + 32_000 + 90_000).toUTCString() }), 90_000],
    [reply(503, { retryAfter: "999999" }), 3_600_000],
    [reply(503, { retryAfter: "0" }), 1000],
    [reply(502, { retryAfter: "soon" }), 24_000],
    [reply(504), 45_000],
  ] as const;
  await it.grow(1);
  for (const [given, waitMs] of asked) {
    it.answers(() => given);
    await it.next();
    await it.grow(1);
    assert.equal(it.clock.nextInMs(), waitMs, `${given.status} ${given.retryAfter}`);
  }
  assert.match(it.exporter.status().detail, /^the collector answers 504; 7 events wait/u);
  await it.exporter[Symbol.asyncDispose]();
});

test("spans that a collector finds bad are not sent again; they are counted", async () => {
  const it = bench();
  it.answers(() => reply(400, { text: '{"code":3,"message":"bad span"}' }));
  await it.grow(2);
  await it.next();
  assert.equal(it.exporter.status().detail, "the collector answers 400: bad span; 0 events wait in the journal");
  it.answers(() => reply(200, { text: '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"one is too old"}}' }));
  await it.grow(3);
  await it.next();
  const { isWell, sent, dropped, errors } = it.exporter.status();
  assert.deepEqual([isWell, sent, dropped, errors], [true, 2, 3, 1]);
  assert.deepEqual(it.sent, [
    [1, 2],
    [3, 4, 5],
  ]);
  assert.match(it.lines.join("\n"), /one is too old/u);
  await it.exporter[Symbol.asyncDispose]();
});

test("a request that is too large is sent in halves", async () => {
  const it = bench();
  const takes = 2;
  it.answers(() => reply((it.sent.at(-1)?.length ?? 0) > takes ? 413 : 200));
  await it.grow(7);
  await it.next();
  assert.deepEqual(it.sent, [range(1, 7), range(1, 4), [1, 2], [3, 4], [5, 6], [7]]);
  assert.deepEqual(it.exporter.status().dropped, 0);
  await it.exporter[Symbol.asyncDispose]();
});

test("a wrong address or wrong credentials stop the sending and lose nothing", async () => {
  for (const status of [401, 403, 404, 301]) {
    const it = bench();
    it.answers(() => reply(status));
    await it.grow(2);
    await it.next();
    await it.grow(2);
    assert.equal(it.clock.nextInMs(), null, "nothing is tried again");
    assert.deepEqual([it.sent.length, it.exporter.status().dropped], [1, 0]);
    assert.match(
      it.exporter.status().detail,
      new RegExp(`answers ${status}; nothing is sent to collector:4318 until`, "u"),
    );
    await it.exporter[Symbol.asyncDispose]();
    assert.deepEqual(it.saved, []);
  }
});

test("a hub that stops sends what waits, and leaves the rest to the next start", async () => {
  const it = bench();
  await it.grow(2);
  await it.exporter[Symbol.asyncDispose]();
  assert.deepEqual([it.sent, it.saved], [[[1, 2]], [2]]);
  const down = bench();
  down.answers(() => reply(503));
  await down.grow(2);
  await down.exporter[Symbol.asyncDispose]();
  assert.deepEqual([down.sent, down.saved], [[[1, 2]], []]);
});

test("a collector that never answers holds up the stop for two seconds and no longer", async () => {
  const { promise: isAsked, resolve: asked } = deferred();
  const it = bench({
    over: {
      poster: {
        async post(_body, signal) {
          asked();
          return abortable(new Promise<never>(() => {}), signal);
        },
        [Symbol.dispose]: () => {},
      },
    },
  });
  await it.grow(1);
  it.clock.advance(2000);
  const stopped = it.exporter[Symbol.asyncDispose]();
  assert.equal(it.clock.nextInMs(), 2000);
  await isAsked;
  it.clock.advance(2000);
  await stopped;
  assert.deepEqual(it.saved, []);
  assert.match(it.exporter.status().detail, /1 events wait/u);
});

test("a journal that cannot be read and a position that cannot be kept are told, and tried again", async () => {
  let isBroken = true;
  const saved: number[] = [];
  const it = bench({
    over: {
      source: {
        headSeq: () => 1,
        page() {
          if (isBroken) throw new RangeError("disk I/O error");
          return { spans: [{ seq: 1, span: spanAt(1) }], lost: 2, seq: 1 };
        },
      },
      save(seq) {
        saved.push(seq);
        return saved.length === 1 ? Promise.reject(new RangeError("no space")) : Promise.resolve();
      },
    },
  });
  await it.exporter.settled();
  assert.match(it.exporter.status().detail, /journal cannot be read: disk I\/O error; 1 events wait/u);
  isBroken = false;
  await it.next();
  await it.exporter.settled();
  assert.match(it.exporter.status().detail, /position could not be saved: no space/u);
  assert.equal(it.exporter.status().dropped, 2);
  await it.exporter[Symbol.asyncDispose]();
  assert.deepEqual(saved, [1, 1]);
});

test("known secrets are cut out of what leaves", async () => {
  let body = "";
  const it = bench({
    word: "say hush-hush now",
    over: {
      poster: {
        post(bytes) {
          body = gunzipSync(bytes).toString("utf8");
          return Promise.resolve(reply(200));
        },
        [Symbol.dispose]: () => {},
      },
    },
  });
  await it.grow(1);
  await it.exporter[Symbol.asyncDispose]();
  assert.ok(body.includes("say [redacted:"), body);
  assert.ok(!body.includes("hush-hush"));
});

test("the poster speaks to a real server over one connection, and gives up on one that is gone", async () => {
  await using collector = await startCollector();
  using poster = createPoster({ url: `${collector.endpoint}/v1/traces`, headers: { "x-key": "open" } });
  const it = bench({ over: { poster } });
  await it.grow(1);
  await it.next();
  await it.exporter[Symbol.asyncDispose]();
  assert.deepEqual(collector.faults, []);
  assert.deepEqual(
    collector.spans.map((span) => span.attributes["arw.seq"]),
    [1],
  );
  assert.equal(collector.requests[0]?.headers["x-key"], "open");
  using other = createPoster({ url: `${collector.endpoint}/v1/traces`, headers: {} });
  collector.answer(() => ({ status: 200, body: "x".repeat(1_100_000) }));
  assert.equal((await other.post(new Uint8Array(), new AbortController().signal)).text, null);
  await collector[Symbol.asyncDispose]();
  await assert.rejects(other.post(new Uint8Array(), new AbortController().signal), /ECONNREFUSED|ECONNRESET|socket/u);
});
