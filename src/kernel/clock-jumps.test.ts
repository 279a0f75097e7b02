/** A wall clock that is set, in a running hub or between two lives of one: nothing waits for it, nothing happens twice. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { domainOf, type Kit, makeKernel, startMs, until } from "../../test/kit/kernel.ts";
import { createManualClock, type ManualClock } from "../adapters/memory/clock.ts";
import { createMemoryStore } from "../adapters/memory/store.ts";
import { event } from "../contract/event.ts";
import { bind, op } from "../contract/operation.ts";
import { closed, Type } from "../contract/schema.ts";
import { createConsumers } from "../domains/consumers/service.ts";
import type { Store } from "./ports.ts";

const hourMs = 3_600_000;
const jumps = [-400 * 24 * hourMs, -24 * hourMs, -hourMs, -1, 0, hourMs, 24 * hourMs, 400 * 24 * hourMs] as const;
const delayMs = 5000;

const Done = event({ kind: "jumps.done", about: "x", data: closed({ n: Type.Integer() }) });
const Work = op({
  id: "jumps.work",
  http: "POST /jumps/work",
  effect: "write",
  isTask: true,
  about: "x",
  input: closed({ n: Type.Integer() }),
  output: closed({}),
  emits: [Done],
});

function start(clock: ManualClock, store: Store, seed = 1): Promise<Kit> {
  return makeKernel({
    store,
    clock,
    seed,
    ask: ["jumps:*"],
    domains: (parts) => [
      domainOf("jumps", {
        events: [Done],
        operations: [
          bind(Work, async ({ n }, ctx) => {
            await ctx.emit(Done, { n });
            return {};
          }),
        ],
      }),
      createConsumers({ parts, clock, readers: new Map() }),
    ],
  });
}

const system = { kind: "system", id: "test" } as const;
const enqueue = (kit: Kit, n: number) =>
  kit.kernel.queue.enqueue({ operation: Work, payload: { n }, caller: system, corrId: `c${n}`, delayMs });
const settled = (kit: Kit): Promise<void> =>
  until(() => kit.kernel.queue.depth().queued + kit.kernel.queue.depth().running === 0, "the queue is empty");
const done = (kit: Kit): number => kit.kinds().filter((kind) => kind === Done.kind).length;

/** A hub whose wall clock jumps while it runs, or whose next life begins at another time. */
async function jumped(kit: Kit, clock: ManualClock, jump: { readonly ms: number; readonly isRestart: boolean }) {
  const wallMs = clock.nowMs() + jump.ms;
  if (!jump.isRestart) {
    clock.setWall(wallMs);
    return { kit, clock };
  }
  // What an orderly end interrupts is begun again, whatever the clock says; that is not the question here.
  await until(() => kit.kernel.queue.depth().running === 0, "nothing runs");
  await kit[Symbol.asyncDispose]();
  const next = createManualClock(wallMs);
  // A life of its own has chance of its own: at the same moment it would make the ids of the former one again.
  return { kit: await start(next, kit.store, kit.events().length + 2), clock: next };
}

for (const isRestart of [false, true]) {
  const when = isRestart ? "between two lives" : "while it runs";

  test(`a delayed task runs once, and after no more than its delay, when the clock is set ${when}`, async () => {
    for (const ms of jumps) {
      const first = createManualClock(startMs);
      const begun = await start(first, createMemoryStore());
      await enqueue(begun, 1);
      const { kit, clock } = await jumped(begun, first, { ms, isRestart });
      clock.advance(delayMs);
      await until(() => done(kit) > 0, `the task is done after ${ms} ms`);
      clock.advance(hourMs);
      await settled(kit);
      assert.equal(done(kit), 1);
      const seqs = kit.events().map((each) => each.seq);
      assert.deepEqual(
        seqs,
        seqs.map((_, index) => index + 1),
      );
      await kit[Symbol.asyncDispose]();
    }
  });

  test(`a question expires once, and after no more than its time, when the clock is set ${when}`, async () => {
    for (const ms of jumps) {
      const first = createManualClock(startMs);
      const begun = await start(first, createMemoryStore());
      assert.equal((await begun.call("jumps.work", { n: 1 })).outcome.kind, "held");
      const { kit, clock } = await jumped(begun, first, { ms, isRestart });
      const expired = (): number => kit.kinds().filter((kind) => kind === "approvals.expired").length;
      clock.advance(46_000);
      await until(() => expired() > 0, `the question expires after ${ms} ms`);
      clock.advance(hourMs);
      assert.deepEqual([expired(), done(kit)], [1, 0]);
      await kit[Symbol.asyncDispose]();
    }
  });

  test(`a message comes again once its time is over when the clock is set ${when}`, async () => {
    for (const ms of jumps) {
      const first = createManualClock(startMs);
      const begun = await start(first, createMemoryStore());
      await begun.call("consumers.create", { name: "w", prefix: ["jumps."], ackWaitMs: delayMs });
      const actor = begun.kernel.parts.act({ caller: system, corrId: "c" });
      await actor.emit(Done, { n: 1 });
      await actor.emit(Done, { n: 2 });
      const pull = async (kit: Kit): Promise<number[]> => {
        const { outcome } = await kit.call("consumers.pull", { name: "w", count: 10 });
        assert.equal(outcome.kind, "answer");
        return outcome.kind === "answer"
          ? (outcome.output as { messages: { seq: number }[] }).messages.map((each) => each.seq)
          : [];
      };
      const taken = await pull(begun);
      await begun.call("consumers.nack", { name: "w", seq: taken[0], delayMs });
      const { kit, clock } = await jumped(begun, first, { ms, isRestart });
      // A reader counts from when it is first asked for; what the last life had delivered it hands out at once.
      const before = await pull(kit);
      clock.advance(delayMs);
      const again = new Set([...before, ...(await pull(kit)), ...(await pull(kit))]);
      assert.deepEqual(
        [...again].toSorted((a, b) => a - b),
        taken,
        `after ${ms} ms`,
      );
      await kit[Symbol.asyncDispose]();
    }
  });
}

test("whatever the clock does, every task runs exactly once and in time", { timeout: 60_000 }, async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("enqueue" as const) }),
    fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 2 * delayMs }) }),
    fc.record({ do: fc.constantFrom("jump" as const, "restart" as const), ms: fc.constantFrom(...jumps) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      let clock = createManualClock(startMs);
      let kit = await start(clock, createMemoryStore());
      let tasks = 0;
      for (const each of steps) {
        if (each.do === "enqueue") await enqueue(kit, (tasks += 1));
        else if (each.do === "pass") clock.advance(each.ms);
        else ({ kit, clock } = await jumped(kit, clock, { ms: each.ms, isRestart: each.do === "restart" }));
      }
      clock.advance(delayMs);
      await until(() => done(kit) === tasks, `all of ${tasks} tasks are done`);
      await settled(kit);
      assert.equal(done(kit), tasks);
      await kit[Symbol.asyncDispose]();
    }),
    { numRuns: 15 },
  );
});
