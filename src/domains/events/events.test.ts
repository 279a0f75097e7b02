import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { admin, domainOf, type Kit, makeKernel, turn } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import type { Envelope } from "../../contract/event.ts";
import { event } from "../../contract/event.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";

const data = closed({ n: Type.Integer() });
const Written = event({ kind: "notes.written", about: "x", data });
const Read = event({ kind: "notes.read", about: "x", data });
const Loaded = event({ kind: "models.loaded", about: "x", data });
const Ticked = event({ kind: "notes.ticked", isDurable: false, about: "x", data });
const definitions = [Written, Read, Loaded];

/** The hub's own listeners are there from its start on. */
const readersOf = (kit: Kit): number => kit.kernel.bus.counters().receivers - ownListeners;
const ownListeners = 1;

const open = (busCapacity = 1024) =>
  makeKernel({ busCapacity, domains: () => [domainOf("notes", { events: [...definitions, Ticked] })] });
const emit = (kit: Kit, n: number, definition = definitions[n % definitions.length] ?? Written) =>
  kit.kernel.journal.emit(definition, { n }, { caller: admin, corrId: n % 2 === 0 ? "even" : "odd", causeId: null });

type Frame = Envelope<{ n: number }>;

/** Follows until it is stopped; `frames` grows as they come. */
async function follow(kit: Kit, input: Record<string, unknown>) {
  const controller = new AbortController();
  const { outcome } = await kit.kernel.dispatch({
    operationId: "events.watch",
    input,
    credentials: { kind: "caller", caller: admin },
    signal: controller.signal,
  });
  const frames: Frame[] = [];
  const ended = (async () => {
    if (outcome.kind === "stream") for await (const item of outcome.items) frames.push(item as Frame);
  })();
  return {
    frames,
    async stop(): Promise<readonly Frame[]> {
      for (let turns = 0; turns < 5; turns += 1) await turn();
      controller.abort();
      await ended;
      return frames;
    },
  };
}
const seqs = (frames: readonly Frame[]) => frames.filter((each) => each.seq > 0).map((each) => each.seq);

test("a stream begins where it is asked to, passes from the past to the present without a seam, and filters alike in both", async () => {
  const wanted = fc.record({
    prefix: fc.option(fc.subarray(["notes.", "Notes.W", "models", "zebra"], { minLength: 1 }), { nil: undefined }),
    corr: fc.option(fc.constantFrom("even", "odd"), { nil: undefined }),
    from: fc.oneof(
      fc.record({ after: fc.nat(14) }),
      fc.record({ replay: fc.integer({ min: 1, max: 14 }) }),
      fc.constant({}),
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 14 }),
      fc.integer({ min: 0, max: 10 }),
      wanted,
      async (before, after, { prefix, corr, from }) => {
        await using kit = await open();
        for (let n = 0; n < before; n += 1) await emit(kit, n);
        const begin: { after?: number; replay?: number } =
          "after" in from ? { after: Math.min(from.after, before) } : from;
        const input = {
          ...begin,
          ...(prefix === undefined ? {} : { prefix }),
          ...(corr === undefined ? {} : { corr }),
        };
        const stream = await follow(kit, input);
        for (let n = before; n < before + after; n += 1) await emit(kit, n);
        const frames = await stop(stream);
        const matching = kit
          .events()
          .filter(
            (each) =>
              (corr === undefined || each.corrId === corr) &&
              (prefix ?? [""]).some((one) => each.kind.startsWith(one.toLowerCase())),
          )
          .map((each) => each.seq);
        const past = matching.filter((seq) => seq <= before);
        const recent =
          begin.replay === undefined ? past.filter((seq) => seq > (begin.after ?? before)) : past.slice(-begin.replay);
        assert.deepEqual(seqs(frames), [...recent, ...matching.filter((seq) => seq > before)]);
        assert.equal(frames[0]?.kind, "service.connected");
      },
    ),
    runs(40),
  );
});

const stop = (stream: Awaited<ReturnType<typeof follow>>) => stream.stop();

test("events that come while the past is being told are told once, in order", async () => {
  await using kit = await open();
  await Promise.all(Array.from({ length: 1200 }, (_, n) => emit(kit, n)));
  const stream = await follow(kit, { after: 0 });
  for (let n = 0; n < 20; n += 1) await emit(kit, n);
  for (let turns = 0; turns < 20; turns += 1) await turn();
  const frames = await stop(stream);
  assert.deepEqual(
    seqs(frames),
    Array.from({ length: 1220 }, (_, index) => index + 1),
  );
});

test("a reader that is too slow is told which events it lost, in the place where they are missing", async () => {
  await using kit = await open(4);
  const { outcome } = await kit.call("events.watch", { prefix: ["notes."] });
  assert.equal(outcome.kind, "stream");
  if (outcome.kind !== "stream") return;
  const reader = outcome.items[Symbol.asyncIterator]();
  assert.equal(((await reader.next()).value as Frame).kind, "service.connected");
  const first = reader.next();
  await turn();
  for (let n = 0; n < 10; n += 1) await emit(kit, n, Written);
  const told: unknown[] = [((await first).value as Frame).seq];
  for (let index = 0; index < 4; index += 1) {
    const { kind, seq, data: given } = (await reader.next()).value as Frame;
    told.push(kind === "bus.gap" ? given : seq);
  }
  await reader.return?.();
  const gap = told.find((each) => typeof each === "object") as { fromSeq: number; toSeq: number; skipped: number };
  assert.equal(gap.toSeq - gap.fromSeq + 1, gap.skipped);
  const all = told.flatMap((each) =>
    typeof each === "number" ? [each] : Array.from({ length: gap.skipped }, (_, index) => gap.fromSeq + index),
  );
  assert.deepEqual(
    all,
    Array.from({ length: all.length }, (_, index) => index + 1),
  );
  assert.equal(readersOf(kit), 0);
});

test("live events pass by a stream without a position and are not told again", async () => {
  await using kit = await open();
  const stream = await follow(kit, { prefix: ["notes."] });
  await turn();
  await kit.kernel.journal.emit(Ticked, { n: 1 }, { caller: admin, corrId: "x", causeId: null });
  const frames = await stop(stream);
  assert.deepEqual(
    frames.map((each) => each.kind),
    ["service.connected", "notes.ticked"],
  );
  const later = await stop(await follow(kit, { replay: 10 }));
  assert.deepEqual(
    later.map((each) => each.kind),
    ["service.connected"],
  );
});

test("a cursor of another hub is refused with the newest position", async () => {
  await using kit = await open();
  await emit(kit, 1);
  const error = await kit.call("events.watch", { after: 2 }).catch((reason: unknown) => reason);
  assert.ok(isProblem(error));
  assert.deepEqual([error.definition.code, error.extra["headSeq"]], ["events.cursor-ahead", 1]);
});

test("a stream that is left, or whose hub stops, holds nothing", async () => {
  const kit = await open();
  const stream = await follow(kit, {});
  await turn();
  assert.equal(readersOf(kit), 1);
  await stop(stream);
  assert.equal(readersOf(kit), 0);
  const other = await follow(kit, {});
  await turn();
  await kit[Symbol.asyncDispose]();
  await stop(other);
  assert.equal(readersOf(kit), 0);
});

test("somebody who leaves while the past is being told is let go", async () => {
  await using kit = await open();
  await Promise.all(Array.from({ length: 1200 }, (_, n) => emit(kit, n)));
  const controller = new AbortController();
  const { outcome } = await kit.kernel.dispatch({
    operationId: "events.watch",
    input: { after: 0 },
    credentials: { kind: "caller", caller: admin },
    signal: controller.signal,
  });
  assert.equal(outcome.kind, "stream");
  if (outcome.kind !== "stream") return;
  let told = 0;
  for await (const _item of outcome.items) {
    told += 1;
    if (told === 10) controller.abort();
  }
  assert.ok(told < 1200, `${told} were told to nobody`);
  assert.equal(readersOf(kit), 0);
});
