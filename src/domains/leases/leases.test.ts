import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createFailingStore } from "../../../test/kit/journal.ts";
import {
  admin,
  domainOf,
  type Kit,
  type KitOptions,
  makeKernel,
  startMs,
  turn,
  until,
} from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller } from "../../contract/caller.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, FolderPath, type Static, Type } from "../../contract/schema.ts";
import type { AgentProgram } from "../agents/contract.ts";
import type { Wire } from "../egress/port.ts";
import { GrantLease, type ListedLease } from "./contract.ts";

const Write = op({
  id: "world.write",
  http: "POST /world/write",
  effect: "write",
  about: "Writes in the test.",
  input: closed({
    folder: Type.Optional(FolderPath),
    bytes: Type.Optional(Type.Integer()),
    used: Type.Optional(Type.Integer()),
  }),
  output: closed({ bytes: Type.Integer() }),
  scope: ({ folder }) => (folder === undefined ? {} : { folder }),
  cost: ({ bytes = 0 }) => ({ bytesWritten: bytes }),
  spent: ({ bytes }) => ({ bytesWritten: bytes }),
});
const Wait = op({
  id: "world.wait",
  http: "POST /world/wait",
  effect: "write",
  about: "Waits for its end in the test.",
  input: closed({}),
  output: closed({}),
  needs: ["net:fetch", "net:send"],
});
const Follow = op({
  id: "world.follow",
  http: "POST /world/follow",
  mode: "many",
  effect: "write",
  about: "Counts on in the test, and heeds no signal.",
  input: closed({}),
  output: closed({ bytes: Type.Integer() }),
  cost: () => ({ bytesWritten: 500 }),
  spent: ({ bytes }) => ({ bytesWritten: bytes }),
});
const Widen = op({
  id: "world.widen",
  http: "POST /world/widen",
  effect: "read",
  about: "Tries to be given more in the test.",
  input: closed({}),
  output: closed({}),
});

const plugin = (id = "p"): Caller => ({ kind: "plugin", id });
type Grant = Static<typeof GrantLease.input>;
const forPlugin: Grant = { capability: "world.write", holder: "plugin:p" };

async function world(options: KitOptions = {}) {
  const signals: AbortSignal[] = [];
  const done: string[] = [];
  const kit = await makeKernel({
    domains: () => [
      domainOf("world", {
        operations: [
          bind(Write, ({ bytes = 0, used = Math.floor(bytes / 2) }, ctx) => {
            done.push(ctx.caller.id);
            return { bytes: used };
          }),
          bind(Wait, (_input, ctx) => {
            signals.push(ctx.signal);
            return new Promise<never>(() => {});
          }),
          bind(Follow, async function* follow() {
            for (let bytes = 1; ; bytes += 1) yield await Promise.resolve({ bytes });
          }),
          bind(Widen, async (_input, ctx) => {
            await ctx.call(GrantLease, { capability: "*", holder: "plugin:*" });
            return {};
          }),
        ],
      }),
    ],
    ...options,
  });
  return { kit, signals, done };
}

const grant = async (kit: Kit, input: Grant = forPlugin): Promise<ListedLease> => {
  const { outcome } = await kit.call("leases.grant", input);
  return (outcome as unknown as { output: ListedLease }).output;
};
const listed = async (kit: Kit): Promise<readonly ListedLease[]> => {
  const { outcome } = await kit.call("leases.list", {});
  return (outcome as unknown as { output: { leases: ListedLease[] } }).output.leases;
};
/** `answer`, `held`, or the rule that refused. */
const come = async (kit: Kit, call: string | readonly [string, unknown], caller = plugin()): Promise<string> => {
  const [operation, input] = typeof call === "string" ? [call, {}] : call;
  try {
    return (await kit.call(operation, input, caller)).outcome.kind;
  } catch (error) {
    if (!isProblem(error)) throw error;
    const { rule } = error.extra;
    return typeof rule === "string" ? rule : error.definition.code;
  }
};

test("what is asked about passes while a lease covers it, and is asked about again when that is over", async () => {
  const { kit } = await world();
  await using _kit = kit;
  assert.equal(await come(kit, "world.write"), "held");
  const { leaseId, leftMs } = await grant(kit, { ...forPlugin, ttl: "10m" });
  assert.equal(leftMs, 600_000);
  assert.equal(await come(kit, "world.write"), "answer");
  assert.match(
    kit.samples.at(-1)?.change?.detail ?? "",
    new RegExp(`^permitted by the lease:${leaseId} of person:admin`),
  );
  for (const other of [plugin("q"), { kind: "node", id: "p" } as const]) {
    const answer = await come(kit, ["world.write", {}], other);
    assert.ok(["held", "policy.no-permit"].includes(answer), answer);
  }
  kit.clock.advance(600_000);
  assert.equal(await come(kit, "world.write"), "held");
  await until(() => kit.kinds().includes("leases.expired"), "its end is told");
  assert.deepEqual(await listed(kit), []);
});

test("a lease is a permit where nobody permits, in its folder and nowhere else, and denies stay denied", async () => {
  const { kit } = await world({ deny: ["world:wait"] });
  await using _kit = kit;
  const node: Caller = { kind: "node", id: "n" };
  assert.equal(await come(kit, ["world.write", { folder: "/a" }], node), "policy.no-permit");
  await grant(kit, { capability: "world:*", holder: "node:*", folder: "/a" });
  assert.equal(await come(kit, ["world.write", { folder: "/a" }], node), "answer");
  const others = ["/a/b", "/", "/b", "/a/../b"].map((folder) => come(kit, ["world.write", { folder }], node));
  assert.deepEqual(await Promise.all(others), [...Array(3).fill("policy.no-permit"), "built-in:plain-folder"]);
  assert.equal(await come(kit, ["world.write", {}], node), "policy.no-permit");
  await grant(kit, { capability: "*", holder: "node:*" });
  assert.equal(await come(kit, ["world.wait", {}], node), "world:wait");
});

test("only a person gives, lists and takes back, also from within a call", async () => {
  const { kit } = await world();
  await using _kit = kit;
  const { leaseId } = await grant(kit, { capability: "*", holder: "agent:*" });
  await grant(kit, { capability: "*", holder: "plugin:*" });
  for (const kind of ["agent", "plugin", "node"] as const)
    for (const [operation, input] of [
      ["leases.grant", forPlugin],
      ["leases.list", {}],
      ["leases.revoke", { leaseId }],
    ] as const)
      assert.equal(await come(kit, [operation, input], { kind, id: "x", grants: [{ key: "*" }] }), "built-in:person");
  assert.equal(await come(kit, "world.widen"), "built-in:person");
  assert.equal((await listed(kit)).length, 2);
});

test("as many calls pass as a lease has uses, however many come at once and however often the hub ends", async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 5 }),
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
    async (uses, rounds) => {
      const store = createMemoryStore();
      let passed = 0;
      for (const [index, calls] of rounds.entries()) {
        // Never disposed: it ends as by kill, right behind its answers.
        const { kit, done } = await world({ store });
        if (index === 0) await grant(kit, { ...forPlugin, uses });
        const answers = await Promise.all(Array.from({ length: calls }, () => come(kit, "world.write")));
        passed += done.length;
        assert.equal(answers.filter((each) => each === "answer").length, done.length);
        assert.equal(passed, Math.min(uses, passed + answers.filter((each) => each === "held").length));
        assert.equal((await listed(kit))[0]?.usesLeft, uses - passed);
      }
    },
  );
  await fc.assert(property, runs(25));
});

test("a call that comes to nothing before it runs takes no use", async () => {
  const store = createFailingStore(createMemoryStore());
  const { kit } = await world({ store });
  await using _kit = kit;
  await grant(kit, { ...forPlugin, uses: 1 });
  const { outcome } = await kit.call("budgets.allow", { allowance: ["0 calls/day for plugin:p"] });
  const { allowanceId } = (outcome as unknown as { output: { allowanceId: string } }).output;
  assert.equal(await come(kit, "world.write"), allowanceId);
  assert.equal((await listed(kit))[0]?.usesLeft, 1);
  await kit.call("budgets.revoke", { allowanceId });
  store.failWith("full");
  assert.equal(await come(kit, "world.write"), "arw.store-full");
  store.failWith(null);
  assert.equal(await come(kit, "world.write"), "answer");
  assert.equal(await come(kit, "world.write"), "held");
});

test("a budget is taken before the call and what was not used comes back; too little left asks again", async () => {
  const { kit } = await world();
  await using _kit = kit;
  await grant(kit, { ...forPlugin, budget: ["1 KB written"] });
  assert.equal(await come(kit, ["world.write", { bytes: 1001 }]), "held");
  assert.equal(await come(kit, ["world.write", { bytes: 800 }]), "answer");
  assert.deepEqual((await listed(kit))[0]?.budgetLeft, { bytesWritten: 600 });
  assert.equal(await come(kit, ["world.write", { bytes: 601 }]), "held");
  const both = await Promise.all([1, 2].map(() => come(kit, ["world.write", { bytes: 400 }])));
  assert.deepEqual(both.toSorted(), ["answer", "held"]);
  for (const budget of ["1 KB", "3 calls", "5 minutes", "1 KB written/day", "much"])
    assert.equal(
      await come(kit, ["leases.grant", { ...forPlugin, budget: [budget] }], admin),
      "leases.bad-lease",
      budget,
    );
});

test("what a call used beyond the most it said is taken, too", async () => {
  const { kit } = await world();
  await using _kit = kit;
  await grant(kit, { ...forPlugin, budget: ["1 KB written"] });
  assert.equal(await come(kit, ["world.write", { bytes: 100, used: 700 }]), "answer");
  assert.deepEqual((await listed(kit))[0]?.budgetLeft, { bytesWritten: 300 });
  assert.equal(await come(kit, ["world.write", { bytes: 300, used: 700 }]), "answer");
  assert.deepEqual((await listed(kit))[0]?.budgetLeft, { bytesWritten: 0 });
  assert.equal(await come(kit, "world.write"), "held");
});

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

test("hosts that are open stand in the same list, and are closed by the same word", async () => {
  const wire = { send: () => Promise.reject(new RangeError("no")), look: () => Promise.resolve([]) } as unknown as Wire;
  const { kit } = await world({ egress: { wire } });
  await using _kit = kit;
  await kit.call("egress.allow", { host: "example.org", agent: "scout", ttl: "5m", reason: "docs" });
  await grant(kit);
  const leases = await listed(kit);
  assert.deepEqual(
    leases.map(({ kind, capability, holder, scope, leftMs }) => [kind, capability, holder, scope, leftMs]),
    [
      ["call", "world:write", "plugin:p", {}, 900_000],
      ["host", "net:fetch", "agent:scout", { host: "example.org" }, 300_000],
    ],
  );
  const open = leases.find(({ kind }) => kind === "host");
  assert.equal(await come(kit, ["leases.revoke", { leaseId: open?.leaseId }], admin), "answer");
  assert.deepEqual(
    (await listed(kit)).map(({ kind }) => kind),
    ["call"],
  );
  assert.ok(kit.kinds().includes("egress.lease.revoked"));
});

test("what is no lease is refused with its reason, and the list has an end", async () => {
  const { kit } = await world();
  await using _kit = kit;
  for (const [bad, code] of [
    [{ capability: "" }, "arw.invalid-input"],
    [{ capability: "fs write" }, "arw.invalid-input"],
    [{ holder: "scout" }, "arw.invalid-input"],
    [{ holder: "system:hub" }, "arw.invalid-input"],
    [{ holder: "*" }, "arw.invalid-input"],
    [{ ttl: "0m" }, "arw.invalid-input"],
    [{ uses: 0 }, "arw.invalid-input"],
    [{ capability: "fs.wr*te" }, "arw.invalid-input"],
    [{ host: "a b" }, "leases.bad-lease"],
    [{ path: "a.md" }, "leases.bad-lease"],
  ] as const)
    assert.equal(await come(kit, ["leases.grant", { ...forPlugin, ...bad }], admin), code, JSON.stringify(bad));
  assert.equal((await grant(kit, { ...forPlugin, ttl: "14d" })).leftMs, 14 * 86_400_000);
  for (let count = 1; count < 200; count += 1) await grant(kit);
  const more = await Promise.all([1, 2].map(() => come(kit, ["leases.grant", forPlugin], admin)));
  assert.deepEqual(more, ["leases.too-many-leases", "leases.too-many-leases"]);
});

test("the explanation names the lease that covers a call, and the command that would give one", async () => {
  const { kit } = await world();
  await using _kit = kit;
  const explain = async () => {
    const input = { operation: "world.write", caller: plugin(), input: { folder: "/a b" } };
    const { outcome } = await kit.call("policy.explain", input);
    const { output } = outcome as unknown as {
      output: { verdict: string; stages: { stage: string; rule: string; source: string; next?: string }[] };
    };
    return { ...output.stages.find(({ stage }) => stage === "policy"), verdict: output.verdict };
  };
  const before = await explain();
  assert.deepEqual([before.verdict, before.rule], ["ask", "plugin-asks-before-change"]);
  assert.equal(before.next, "arw lease grant world:write --holder plugin:p --folder '/a b' --ttl 15m");
  const { leaseId } = await grant(kit);
  const after = await explain();
  assert.deepEqual([after.verdict, after.rule, after.source], ["allow", `lease:${leaseId}`, "person:admin"]);
});
