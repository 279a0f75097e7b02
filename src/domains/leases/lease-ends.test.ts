/** How leases end: by time, use, run, halt or a person, whatever the clock does and however often the hub ends. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createFailingStore } from "../../../test/kit/journal.ts";
import { admin, type Kit, startMs, turn, until } from "../../../test/kit/kernel.ts";
import { plugin, forPlugin, world, grant, listed, come, Write, Wait } from "../../../test/kit/leases.ts";
import { runs } from "../../../test/kit/runs.ts";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import { isProblem } from "../../contract/problem.ts";
import type { AgentProgram } from "../agents/contract.ts";

test("a call under way ends with its lease: taken back, run out, or ahead of its time by the wall clock", async () => {
  const ends: Record<string, (kit: Kit, leaseId: string) => unknown> = {
    "revoked by person:admin": (kit, leaseId) => kit.call("leases.revoke", { leaseId }),
    "its time is over": (kit) => kit.clock.advance(45_000),
    "its time is over ": (kit) => {
      kit.clock.setWall(startMs + 86_400_000);
      kit.clock.advance(30_000);
    },
  };
  for (const [why, end] of Object.entries(ends)) {
    const { kit, signals } = await world();
    await using _kit = kit;
    const { leaseId } = await grant(kit, { capability: "net:send", holder: "plugin:p", ttl: "45s" });
    const call = kit.call("world.wait", {}, plugin());
    call.catch(() => undefined);
    await until(() => signals.length === 1, "it runs");
    await end(kit, leaseId);
    await assert.rejects(call, (error) => {
      assert.ok(isProblem(error));
      assert.deepEqual([error.definition.code, error.extra["rule"]], ["arw.denied", `lease:${leaseId}`]);
      assert.match(error.message, new RegExp(why.trim()));
      return true;
    });
    assert.equal(signals[0]?.aborted, true);
  }
});

test("a clock that goes back lengthens no lease", async () => {
  const { kit } = await world();
  await using _kit = kit;
  await grant(kit, { ...forPlugin, ttl: "10m" });
  kit.clock.advance(300_000);
  kit.clock.setWall(startMs - 86_400_000);
  assert.equal((await listed(kit))[0]?.leftMs, 300_000);
  kit.clock.advance(299_999);
  assert.equal(await come(kit, "world.write"), "answer");
  kit.clock.advance(1);
  assert.equal(await come(kit, "world.write"), "held");
});

test("whatever the clock does, no lease outlasts its time, and none that was over comes back", async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ passMs: fc.integer({ min: 1, max: 30_000 }) }),
      fc.record({ wallMs: fc.integer({ min: -100_000, max: 100_000 }) }),
    ),
    { maxLength: 8 },
  );
  const property = fc.asyncProperty(steps, async (moves) => {
    const { kit } = await world();
    await using _kit = kit;
    await grant(kit, { ...forPlugin, ttl: "60s" });
    let isOver = false;
    let passedMs = 0;
    for (const move of moves) {
      if ("passMs" in move) {
        kit.clock.advance(move.passMs);
        passedMs += move.passMs;
      } else kit.clock.setWall(startMs + move.wallMs);
      isOver ||= passedMs >= 60_000 || kit.clock.nowMs() >= startMs + 60_000;
      assert.equal(await come(kit, "world.write"), isOver ? "held" : "answer");
    }
  });
  await fc.assert(property, runs(40));
});

test("a restarted hub holds to what is left of a lease, and tells the end of one that ran out meanwhile", async () => {
  const store = createMemoryStore();
  const first = await world({ store });
  await grant(first.kit, { ...forPlugin, ttl: "10m" });
  const second = await world({ store, clock: createManualClock(startMs + 400_000) });
  assert.equal((await listed(second.kit))[0]?.leftMs, 200_000);
  assert.equal(await come(second.kit, "world.write"), "answer");
  const early = await world({ store, clock: createManualClock(startMs - 86_400_000) });
  assert.equal((await listed(early.kit))[0]?.leftMs, 600_000, "a clock that was set back gives no more than was given");
  const third = await world({ store, clock: createManualClock(startMs + 600_000) });
  assert.equal(third.kit.kinds().at(-1), "leases.expired");
  assert.equal(await come(third.kit, "world.write"), "held");
});

test("a lease of a run covers that run alone and ends with it", async () => {
  const gate = Promise.withResolvers<void>();
  const program: AgentProgram = {
    id: "worker",
    about: "x",
    model: "none",
    tools: [Write],
    async run(_input, tools) {
      await tools.call(Write, {}, "write");
      await gate.promise;
      return { outcome: "done", notDone: [], output: null };
    },
  };
  const { kit, done } = await world({ programs: [program] });
  await using _kit = kit;
  const run = async (): Promise<string> =>
    (await kit.call("agents.run", { agent: "worker", title: "t", input: {}, grants: [] })).corrId;
  const corrId = await run();
  const asked = await kit.next("approvals.requested", () => true);
  await grant(kit, { capability: "world:write", holder: "agent:worker", run: corrId, ttl: "7d" });
  await kit.call("approvals.decide", {
    approvalId: (asked.data as { approvalId: string }).approvalId,
    decision: "allow",
  });
  await until(() => done.length === 1, "it wrote");
  assert.equal((await listed(kit)).length, 1);
  gate.resolve();
  await until(() => kit.kinds().includes("leases.revoked"), "the run's end ends it");
  assert.deepEqual(await listed(kit), []);
  assert.equal(
    await come(kit, ["leases.grant", { capability: "world:write", holder: "agent:worker", run: corrId }], admin),
    "leases.bad-lease",
  );
});

test("a stream ends with its lease, whatever its handler does, and takes what it used", async () => {
  const { kit } = await world();
  await using _kit = kit;
  const { leaseId } = await grant(kit, { capability: "world:follow", holder: "plugin:p", budget: ["1 KB written"] });
  const open = async (): Promise<AsyncIterator<unknown>> => {
    const { outcome } = await kit.call("world.follow", {}, plugin());
    return (outcome as unknown as { items: AsyncIterable<unknown> }).items[Symbol.asyncIterator]();
  };
  const first = await open();
  for (let count = 0; count < 3; count += 1) await first.next();
  assert.deepEqual((await listed(kit))[0]?.budgetLeft, { bytesWritten: 500 });
  await first.return?.();
  assert.deepEqual((await listed(kit))[0]?.budgetLeft, { bytesWritten: 997 });
  const second = await open();
  await second.next();
  await kit.call("leases.revoke", { leaseId });
  await assert.rejects(
    async () => second.next(),
    (error) => isProblem(error) && error.extra["rule"] === `lease:${leaseId}`,
  );
});

test("a call that a lasting answer let pass ends when that answer is taken back", async () => {
  const program: AgentProgram = {
    id: "waiter",
    about: "x",
    tools: [Wait],
    model: "none",
    async run(_input, tools) {
      await tools.call(Wait, {}, "wait");
      return { outcome: "done", notDone: [], output: null };
    },
  };
  const { kit, signals } = await world({ programs: [program] });
  await using _kit = kit;
  await kit.call("agents.run", { agent: "waiter", title: "t", input: {}, grants: [] });
  const asked = await kit.next("approvals.requested", () => true);
  const { approvalId } = asked.data as { approvalId: string };
  await kit.call("approvals.decide", { approvalId, decision: "allow", lasting: { until: "run" } });
  await until(() => signals.length === 1, "it runs");
  const [lease] = await listed(kit);
  assert.deepEqual([lease?.holder, lease?.approvalId], ["agent:waiter", approvalId]);
  await kit.call("leases.revoke", { leaseId: lease?.leaseId });
  assert.equal(signals[0]?.aborted, true);
  const failed = await kit.next("agents.run.failed", () => true);
  assert.equal((failed.data as { code: string }).code, "arw.denied");
});

test("a halt takes every lease back, and nothing is given until it is released", async () => {
  const { kit, signals } = await world();
  await using _kit = kit;
  await grant(kit, { capability: "*", holder: "plugin:p" });
  const call = come(kit, "world.wait");
  await until(() => signals.length === 1, "it runs");
  await kit.call("halt.engage", { reason: "lunch" });
  assert.match(await call, /^lease:/);
  assert.equal(await come(kit, ["leases.grant", forPlugin], admin), "arw.halted");
  assert.deepEqual(await listed(kit), []);
  await kit.call("halt.release", {});
  assert.equal(await come(kit, "world.write"), "held");
  assert.deepEqual(
    kit.kinds().filter((kind) => kind.startsWith("leases.")),
    ["leases.granted", "leases.revoked"],
  );
});

test("a lease can be taken back while the hub is halted and also when the store refuses", async () => {
  const store = createFailingStore(createMemoryStore());
  const { kit } = await world({ store });
  await using _kit = kit;
  const { leaseId } = await grant(kit);
  store.failWith("full");
  assert.equal(await come(kit, ["leases.revoke", { leaseId }], admin), "arw.store-full");
  store.failWith(null);
  assert.equal(await come(kit, "world.write"), "held");
  await turn();
  assert.equal(await come(kit, ["leases.revoke", { leaseId }], admin), "answer");
  assert.equal(await come(kit, ["leases.revoke", { leaseId }], admin), "arw.not-found");
});
