/** What every queue that calls itself durable, with delays and priorities, must do. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "vitest";
import type { ManualClock } from "../../src/adapters/memory/clock.ts";
import type { Caller } from "../../src/contract/caller.ts";
import type { Context, Operation } from "../../src/contract/operation.ts";
import { isProblem, Problem, problem } from "../../src/contract/problem.ts";
import { type EndedTask, KeyReused, type OpenTask } from "../../src/contract/task.ts";
import type { EnqueueRequest, Queue } from "../../src/kernel/kernel.ts";
import { turn, until } from "../kit/kernel.ts";
import { runs } from "../kit/runs.ts";

export type Work = (payload: unknown, ctx: Context) => Promise<unknown>;

export const Refused = problem({ code: "work.refused", status: 422, title: "Refused", about: "x" });
export const Busy = problem({ code: "work.busy", status: 503, title: "Busy", about: "x" });
export const leaseMs = 10_000;

export interface QueueFixture extends AsyncDisposable {
  readonly queue: Queue;
  readonly clock: ManualClock;
  /** Takes any payload, and answers what the work returns. Declares `Refused` and `Busy`; its lease is `leaseMs`. */
  readonly operation: Operation;
  open(taskId: string): OpenTask | undefined;
  ended(taskId: string): EndedTask | undefined;
  /** Every fact about the task so far, oldest first: `enqueued`, `started`, … */
  facts(taskId: string): readonly string[];
  /** The same tasks after the process ended, in good order or not. */
  restart(how: "stop" | "kill", work: Work): Promise<QueueFixture>;
}

const caller: Caller = { kind: "person", id: "admin" };
type More = Partial<Omit<EnqueueRequest, "operation" | "payload" | "caller">>;

const add = async (fixture: QueueFixture, payload: unknown, more: More = {}): Promise<string> => {
  const request = { operation: fixture.operation, payload, caller, corrId: `task-${String(payload)}`, ...more };
  return (await fixture.queue.enqueue(request)).taskId;
};
const rest = (fixture: QueueFixture) => until(() => fixture.queue.depth().running === 0, "the queue rests");

/** Work that stands still until it is let go, and remembers in which order it began. */
function gated() {
  const began: unknown[] = [];
  const gates = new Map<unknown, PromiseWithResolvers<void>>();
  return {
    began,
    open: (payload: unknown) => gates.get(payload)?.resolve(),
    work: async (payload: unknown, ctx: Context) => {
      began.push(payload);
      const gate = Promise.withResolvers<void>();
      gates.set(payload, gate);
      ctx.signal.addEventListener("abort", () => gate.reject(ctx.signal.reason));
      await gate.promise;
      return payload;
    },
  };
}

export function queueContract(name: string, make: (work: Work, workers: number) => Promise<QueueFixture>): void {
  describe(`queue: ${name}`, () => {
    test("is durable and has delays and priorities", async () => {
      await using fixture = await make(async () => null, 1);
      assert.deepEqual(fixture.queue.abilities, { isDurable: true, hasDelay: true, hasPriority: true });
    });

    test("a task runs once, under its caller and episode, and its answer is kept", async () => {
      const seen: unknown[] = [];
      await using fixture = await make(
        async (payload, ctx) => (seen.push([payload, ctx.caller, ctx.corrId]), { done: payload }),
        2,
      );
      const taskId = await add(fixture, "a");
      await rest(fixture);
      assert.deepEqual(seen, [["a", caller, "task-a"]]);
      assert.deepEqual(fixture.facts(taskId), ["enqueued", "started", "finished"]);
      const { status, attempt, output } = fixture.ended(taskId) as EndedTask;
      assert.deepEqual([status, attempt, output, fixture.open(taskId)], ["finished", 1, { done: "a" }, undefined]);
    });

    test("higher priorities go first, equal ones in the order they came, and no more at once than there are workers", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 12 }),
          fc.integer({ min: 1, max: 3 }),
          async (priorities, workers) => {
            const first = gated();
            const began: unknown[] = [];
            let atOnce = 0;
            let atOnceMax = 0;
            const work: Work = async (payload, ctx) => {
              if (String(payload).startsWith("plug")) return first.work(payload, ctx);
              began.push(payload);
              atOnce += 1;
              atOnceMax = Math.max(atOnceMax, atOnce);
              await turn();
              atOnce -= 1;
              return null;
            };
            await using fixture = await make(work, workers);
            for (let index = 0; index < workers; index += 1) await add(fixture, `plug-${index}`);
            for (const [index, priority] of priorities.entries()) await add(fixture, index, { priority });
            for (let index = 0; index < workers; index += 1) first.open(`plug-${index}`);
            await rest(fixture);
            assert.deepEqual(
              began,
              [...priorities.keys()].toSorted((a, b) => (priorities[b] ?? 0) - (priorities[a] ?? 0) || a - b),
            );
            assert.ok(atOnceMax <= workers);
          },
        ),
        runs(12),
      );
    });

    test("a delayed task waits for its time, and those that fall due go in order of their times", async () => {
      const began: unknown[] = [];
      await using fixture = await make(async (payload) => began.push(payload), 1);
      await add(fixture, "late", { delayMs: 2000 });
      await add(fixture, "soon", { delayMs: 1000 });
      await add(fixture, "now");
      await rest(fixture);
      assert.deepEqual(began, ["now"]);
      fixture.clock.advance(999);
      await rest(fixture);
      assert.deepEqual([began, fixture.queue.depth()], [["now"], { queued: 2, running: 0 }]);
      fixture.clock.advance(1);
      await rest(fixture);
      fixture.clock.advance(1000);
      await rest(fixture);
      assert.deepEqual(began, ["now", "soon", "late"]);
    });

    test("what fails is tried again after growing pauses, and becomes a dead letter after its last try", async () => {
      const triedAtMs: number[] = [];
      await using fixture = await make(async (_payload, ctx) => {
        triedAtMs.push(ctx.now());
        throw new RangeError("broken");
      }, 1);
      const taskId = await add(fixture, "a", { attemptsMax: 4 });
      await rest(fixture);
      for (let tries = 1; tries < 4; tries += 1) {
        const waitMs = (fixture.open(taskId)?.notBeforeMs ?? 0) - fixture.clock.nowMs();
        fixture.clock.advance(waitMs - 1);
        await rest(fixture);
        assert.equal(triedAtMs.length, tries);
        fixture.clock.advance(1);
        await rest(fixture);
      }
      const pauses = triedAtMs.slice(1).map((atMs, index) => atMs - (triedAtMs[index] ?? 0));
      for (const [index, pauseMs] of pauses.entries())
        assert.ok(pauseMs >= 500 * 2 ** index && pauseMs <= 1000 * 2 ** index, pauses.join(", "));
      const ended = fixture.ended(taskId) as EndedTask;
      assert.deepEqual(
        [ended.status, ended.attempt, ended.code, fixture.queue.depth()],
        ["failed", 4, "arw.internal", { queued: 0, running: 0 }],
      );
      assert.deepEqual(fixture.facts(taskId), [
        "enqueued",
        "started",
        "retried",
        "started",
        "retried",
        "started",
        "retried",
        "started",
        "failed",
      ]);
    });

    test("a refusal is not tried again, a busy world is", async () => {
      await using fixture = await make(async (payload) => {
        throw new Problem(payload === "no" ? Refused : Busy, `said ${String(payload)}`);
      }, 2);
      const [refused, busy] = [await add(fixture, "no"), await add(fixture, "later")];
      await rest(fixture);
      const { status, code, detail } = fixture.ended(refused) as EndedTask;
      assert.deepEqual([status, code, detail], ["failed", "work.refused", "said no"]);
      assert.deepEqual(
        [fixture.open(busy)?.status, fixture.open(busy)?.attempt, fixture.facts(busy).at(-1)],
        ["queued", 1, "retried"],
      );
    });

    test("one key is one task: at once, later, after its end, and after a restart", async () => {
      const seen: unknown[] = [];
      const work: Work = async (payload) => seen.push(payload);
      await using fixture = await make(work, 1);
      const request = { operation: fixture.operation, caller, corrId: "c", idemKey: "k" };
      const both = await Promise.all([
        fixture.queue.enqueue({ ...request, payload: 1 }),
        fixture.queue.enqueue({ ...request, payload: 1 }),
      ]);
      await rest(fixture);
      const waiting = await fixture.queue.enqueue({ ...request, payload: 3, idemKey: "w", delayMs: 60_000 });
      const later = await fixture.queue.enqueue({ ...request, payload: 1 });
      await using again = await fixture.restart("kill", work);
      const after = await Promise.all([
        again.queue.enqueue({ ...request, payload: 1 }),
        again.queue.enqueue({ ...request, payload: 3, idemKey: "w" }),
        again.queue.enqueue({ ...request, payload: 5, idemKey: "other" }),
      ]);
      await rest(again);
      assert.deepEqual(
        [...both, later].map((each) => each.isNew),
        [true, false, false],
      );
      assert.equal(new Set([...both, later, after[0]].map((each) => each?.taskId)).size, 1);
      assert.deepEqual(
        after.map((each) => each.isNew),
        [false, false, true],
      );
      assert.deepEqual([after[1]?.taskId, seen], [waiting.taskId, [1, 5]]);
    });

    test("a key that comes again with another payload is refused and names its task: at once, after its end, and after a restart", async () => {
      const seen: unknown[] = [];
      const work: Work = async (payload) => seen.push(payload);
      await using fixture = await make(work, 1);
      const request = { operation: fixture.operation, caller, corrId: "c", idemKey: "k" };
      const refused = async (queue: Queue, payload: unknown): Promise<unknown> =>
        queue.enqueue({ ...request, payload }).then(
          () => "accepted",
          (error: unknown) => (isProblem(error, KeyReused) ? error.extra["taskId"] : error),
        );
      const [first, atOnce] = await Promise.all([
        fixture.queue.enqueue({ ...request, payload: { a: 1, b: [2] } }),
        refused(fixture.queue, { a: 1, b: [3] }),
      ]);
      await rest(fixture);
      const ended = await refused(fixture.queue, { a: 1 });
      await using again = await fixture.restart("kill", work);
      const restarted = await refused(again.queue, null);
      const same = await again.queue.enqueue({ ...request, payload: { b: [2], a: 1 } });
      assert.deepEqual([atOnce, ended, restarted, same.taskId], Array(4).fill(first.taskId));
      assert.deepEqual(seen, [{ a: 1, b: [2] }]);
    });

    test("a waiting task that is cancelled never runs, a running one is told to stop, and others do not notice", async () => {
      const { work, began, open } = gated();
      await using fixture = await make(work, 1);
      const [running, waiting, other] = [
        await add(fixture, "running"),
        await add(fixture, "waiting"),
        await add(fixture, "other"),
      ];
      const delayed = await add(fixture, "delayed", { delayMs: 1000 });
      await until(() => began.length === 1, "the first one runs");
      assert.deepEqual(
        await Promise.all(
          [waiting, delayed, running].map((taskId) => fixture.queue.cancel(taskId, `no ${taskId}`, caller)),
        ),
        [true, true, true],
      );
      await until(() => began.length === 2, "the other one runs");
      open("other");
      await rest(fixture);
      fixture.clock.advance(2000);
      await rest(fixture);
      assert.deepEqual(began, ["running", "other"]);
      for (const taskId of [running, waiting, delayed]) {
        assert.deepEqual([fixture.ended(taskId)?.status, fixture.ended(taskId)?.detail], ["cancelled", `no ${taskId}`]);
      }
      assert.equal(fixture.ended(other)?.status, "finished");
      assert.deepEqual(
        await Promise.all([running, other, "never"].map((taskId) => fixture.queue.cancel(taskId, "again", caller))),
        [false, false, false],
      );
      assert.deepEqual(fixture.queue.depth(), { queued: 0, running: 0 });
    });

    test("an attempt ends with its lease and is tried again", async () => {
      const { work, began } = gated();
      await using fixture = await make(work, 1);
      const taskId = await add(fixture, "slow");
      await until(() => fixture.facts(taskId).includes("started"), "it runs");
      assert.equal(began.length, 1);
      assert.equal(fixture.open(taskId)?.leaseUntilMs, fixture.clock.nowMs() + leaseMs);
      fixture.clock.advance(leaseMs);
      await rest(fixture);
      assert.deepEqual(
        [fixture.open(taskId)?.status, fixture.facts(taskId)],
        ["queued", ["enqueued", "started", "retried"]],
      );
    });

    for (const how of ["stop", "kill"] as const) {
      test(`after a ${how} the next start goes on: what ran is tried again or is a dead letter, what waited still waits`, async () => {
        const { work, began } = gated();
        const before = await make(work, 2);
        const [ran, once] = [await add(before, "ran"), await add(before, "once", { attemptsMax: 1 })];
        await add(before, "low", { priority: -1 });
        await add(before, "high", { priority: 1 });
        const delayed = await add(before, "delayed", { delayMs: 5000 });
        await until(() => began.length === 2, "two run");
        await until(
          () => before.facts(once).includes("started") && before.facts(ran).includes("started"),
          "both starts are written",
        );
        const seen: unknown[] = [];
        await using after = await before.restart(how, async (payload) => seen.push(payload));
        await rest(after);
        assert.deepEqual(seen, ["high", "ran", "low"]);
        assert.deepEqual(after.facts(ran), ["enqueued", "started", "retried", "started", "finished"]);
        assert.deepEqual(
          [after.ended(once)?.status, after.ended(once)?.code, after.ended(ran)?.attempt],
          ["failed", "arw.interrupted", 2],
        );
        assert.equal(after.open(delayed)?.status, "queued");
        after.clock.advance(5000);
        await rest(after);
        assert.deepEqual(seen.at(-1), "delayed");
      });
    }

    test("an answer too large to carry around is left out, with its size", async () => {
      await using fixture = await make(async () => "x".repeat(70_000), 1);
      const taskId = await add(fixture, "a");
      await rest(fixture);
      assert.deepEqual(fixture.ended(taskId)?.output, { isOmitted: true, sizeBytes: 70_002 });
    });
  });
}
