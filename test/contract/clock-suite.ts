/** What every clock must do. */
import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { Clock } from "../../src/kernel/ports.ts";

export interface ClockFixture {
  readonly clock: Clock;
  /** Lets at least this much time go by on the clock. */
  pass(ms: number): Promise<void>;
}

export function clockContract(name: string, make: () => ClockFixture): void {
  describe(`clock: ${name}`, () => {
    test("tells whole milliseconds since 1970, and a time that never goes back", async () => {
      const { clock, pass } = make();
      const before = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
      assert.ok(Number.isSafeInteger(before.wallMs) && before.wallMs > 1_500_000_000_000);
      await pass(3);
      assert.ok(clock.monotonicMs() - before.monotonicMs >= 2);
      assert.ok(clock.nowMs() >= before.wallMs);
    });

    test("runs a timer once, not before its time, and never inside the call that asks", async () => {
      const { clock, pass } = make();
      let runs = 0;
      const askedMs = clock.monotonicMs();
      let ranMs = 0;
      clock.after(4, () => {
        runs += 1;
        ranMs = clock.monotonicMs();
      });
      clock.after(0, () => {
        runs += 1;
      });
      assert.equal(runs, 0);
      await pass(30);
      await pass(30);
      assert.equal(runs, 2);
      // A timer of the machine counts whole milliseconds from the start of its turn.
      assert.ok(ranMs - askedMs >= 3);
    });

    test("runs timers in the order of their moments, also one that a timer asks for", async () => {
      const { clock, pass } = make();
      const ran: string[] = [];
      clock.after(20, () => ran.push("late"));
      clock.after(1, () => {
        ran.push("early");
        clock.after(1, () => ran.push("between"));
      });
      await pass(60);
      await pass(5);
      assert.deepEqual(ran, ["early", "between", "late"]);
    });

    test("a cancelled timer never runs, and cancelling late or twice harms nothing", async () => {
      const { clock, pass } = make();
      let runs = 0;
      const cancel = clock.after(5, () => {
        runs += 1;
      });
      const cancelLate = clock.after(1, () => {
        runs += 10;
      });
      cancel();
      cancel();
      await pass(20);
      cancelLate();
      assert.equal(runs, 10);
    });

    test("soon comes after this turn and its promises, in the order of asking", async () => {
      const { clock } = make();
      const ran: string[] = [];
      const done = new Promise<void>((resolve) => {
        clock.soon(() => ran.push("first"));
        clock.soon(() => {
          ran.push("second");
          resolve();
        });
      });
      void Promise.resolve().then(() => ran.push("promise"));
      ran.push("now");
      await done;
      assert.deepEqual(ran, ["now", "promise", "first", "second"]);
    });
  });
}
