/** Contracts over the whole kernel: put by calls, kept by the journal, read from a file, counted, and explained. */
import assert from "node:assert/strict";
import { test } from "vitest";
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
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import type { RulesRead } from "./port.ts";
import type { PlacedContract } from "./rule.ts";

const Done = event({ kind: "probe.done", about: "Done.", data: closed({}) });
const shape = { input: closed({}), output: closed({ text: Type.String() }), about: "Probe." } as const;
const Look = op({ ...shape, id: "probe.look", http: "GET /probe/look", effect: "read", isTask: true });
const Act = op({ ...shape, id: "probe.act", http: "POST /probe/act", effect: "write", isTask: true, emits: [Done] });
const Tell = op({ ...shape, id: "probe.tell", http: "POST /probe/tell", effect: "write" });
const Work = op({ ...shape, id: "probe.work", http: "POST /probe/work", effect: "write", mode: "job" });

const scout: Caller = { kind: "agent", id: "scout", grants: [{ key: "probe:*" }] };
const marker = "the planted words";

async function open(options: KitOptions = {}): Promise<Kit & { readonly ran: string[] }> {
  const ran: string[] = [];
  const does = (name: string) => () => {
    ran.push(name);
    return { text: marker };
  };
  const kit = await makeKernel({
    ...options,
    domains: () => [
      domainOf("probe", {
        events: [Done],
        operations: [
          bind(Look, does("look")),
          bind(Act, async (_input, ctx) => {
            ran.push("act");
            await ctx.emit(Done, {});
            return { text: marker };
          }),
          bind(Tell, async (_input, ctx) => {
            ran.push("tell");
            await ctx.emit(Done, {});
            return { text: marker };
          }),
          bind(Work, does("work")),
        ],
      }),
    ],
  });
  return { ...kit, ran };
}

const said = (call: Promise<{ outcome: { kind: string } }>): Promise<Record<string, unknown>> =>
  call.then(
    ({ outcome }) => ({ came: outcome.kind }),
    (error: unknown) => {
      assert.ok(isProblem(error), String(error));
      return { came: error.definition.code, status: error.definition.status, ...error.extra };
    },
  );
const came = async (call: Promise<{ outcome: { kind: string } }>) => (await said(call))["came"];
const answer = (kit: Kit, operation: string, input: unknown) => outputOf(kit.call(operation, input));
const outputOf = async (call: ReturnType<Kit["call"]>) => {
  const { outcome } = await call;
  assert.equal(outcome.kind, "answer");
  return (outcome as unknown as { output: Record<string, unknown> }).output;
};
const put = (kit: Kit, contract: Record<string, unknown>, caller: Caller = admin) =>
  kit.call("gating.contracts.put", contract, caller);

test("a contract that is put holds at once, outlives the hub, and ends when it is removed", async () => {
  const store = createMemoryStore();
  const first = await open({ store });
  await put(first, { id: "shut", patterns: ["probe:look"], reason: "not now" });
  assert.deepEqual(await said(first.call("probe.look", {})), {
    came: "arw.denied",
    status: 403,
    key: "probe:look",
    rule: "shut",
    source: "api",
    reason: "not now",
    next: "arw gate contracts remove shut",
    explain: "arw policy explain probe:look",
  });
  await first[Symbol.asyncDispose]();
  await using second = await open({ store });
  assert.equal(await came(second.call("probe.look", {})), "arw.denied");
  await second.call("gating.contracts.remove", { id: "shut" });
  assert.equal(await came(second.call("probe.look", {})), "answer");
  assert.equal(await came(second.call("gating.contracts.remove", { id: "shut" })), "arw.not-found");
});

test("only a person writes rules, and rules that contradict themselves are refused", async () => {
  await using kit = await open();
  for (const caller of [scout, { kind: "node", id: "n" }, { kind: "plugin", id: "p" }] as const) {
    const told = await said(put(kit, { id: "x", patterns: ["*"] }, { ...caller, grants: [{ key: "*" }] }));
    assert.equal(told["rule"] ?? told["came"], "built-in:person");
  }
  const wrong = [
    { subjectRole: "obsever" },
    { validFromMs: 5, validToMs: 4 },
    { quotaLimit: 5 },
    { immutable: true },
    { immutable: true, validToMs: startMs * 2, autoRenewSecs: 5 },
  ];
  for (const more of wrong)
    assert.equal(await came(put(kit, { id: "x", patterns: ["*"], ...more })), "gating.contract-refused");
  assert.equal(await came(put(kit, { id: "x", patterns: ["a*b"] })), "arw.invalid-input");
});

test("an immutable contract is neither replaced nor removed while it is active, and says until when", async () => {
  await using kit = await open();
  await put(kit, {
    id: "fixed",
    patterns: ["probe:look"],
    immutable: true,
    validFromMs: startMs + 10,
    validToMs: startMs + 20,
  });
  await put(kit, {
    id: "fixed",
    patterns: ["probe:act"],
    immutable: true,
    validFromMs: startMs + 10,
    validToMs: startMs + 20,
  });
  kit.clock.advance(10);
  for (const call of [
    put(kit, { id: "fixed", patterns: ["other"] }),
    kit.call("gating.contracts.remove", { id: "fixed" }),
  ])
    assert.deepEqual(await said(call), {
      came: "gating.contract-fixed",
      status: 409,
      untilMs: startMs + 20,
      retryAfterMs: 11,
    });
  assert.equal(await came(kit.call("probe.act", {})), "arw.denied");
  kit.clock.advance(11);
  assert.equal(await came(kit.call("gating.contracts.remove", { id: "fixed" })), "answer");
});

test("what cannot leave does not begin: no effect, no event, no task result, no word in any record", async () => {
  for (const [rule, call] of [
    ["io:egress:probe:look", "probe.look"],
    ["io:egress:probe:act", "probe.act"],
    ["io:ingress:probe:act", "probe.act"],
    ["emit:probe:done", "probe.act"],
    ["task:probe:work", "probe.work"],
    ["io:ingress:task:probe:work", "probe.work"],
    ["io:egress:task:probe:work", "probe.work"],
    ["emit:probe:*", "probe.act"],
  ] as const) {
    await using kit = await open({ deny: [rule] });
    assert.equal((await said(kit.call(call, {})))["rule"], rule);
    assert.equal((await said(kit.call(call, {}, scout)))["rule"], rule);
    assert.deepEqual(kit.ran, []);
    assert.deepEqual(kit.events(), []);
  }
});

test("a task whose result may not leave is refused where it is put, and where it runs when the rule came later", async () => {
  await using kit = await open({ deny: ["io:egress:task:probe:look"] });
  const enqueue = (kind: string) => kit.call("tasks.enqueue", { kind, payload: {} });
  assert.equal((await said(enqueue("probe.look")))["rule"], "io:egress:task:probe:look");
  assert.equal(await came(kit.call("probe.look", {})), "answer", "only its tasks are closed");
  await kit.call("tasks.enqueue", { kind: "probe.act", payload: {}, delayMs: 1000 });
  await put(kit, { id: "late", patterns: ["io:egress:probe:act"] });
  kit.clock.advance(1000);
  const failed = await kit.next("task.failed", () => true);
  assert.deepEqual((failed.data as { code: string }).code, "arw.denied");
  assert.deepEqual(kit.ran, ["look"]);
  assert.doesNotMatch(JSON.stringify(kit.events()), new RegExp(marker));
});

test("an emit that was not declared is refused before it is written", async () => {
  await using kit = await open({ deny: ["emit:probe:done"] });
  assert.equal((await said(kit.call("probe.tell", {})))["rule"], "emit:probe:done");
  assert.deepEqual([kit.ran, kit.events()], [["tell"], []]);
});

test("a rule that comes while the call runs keeps its answer in", async () => {
  let release = (): void => {};
  const Slow = op({ ...shape, id: "slow.look", http: "GET /slow/look", effect: "read" });
  await using kit = await makeKernel({
    domains: () => [
      domainOf("slow", {
        operations: [bind(Slow, () => new Promise((resolve) => (release = () => resolve({ text: marker }))))],
      }),
    ],
  });
  const call = said(kit.call("slow.look", {}));
  await turn();
  await put(kit, { id: "late", patterns: ["io:egress:slow:*"] });
  release();
  assert.equal((await call)["rule"], "late");
});

test("quotas count what ran: not what was refused, explained or held, and they go on after a restart and a changed clock", async () => {
  const store = createMemoryStore();
  const quota = { id: "few", patterns: ["probe:look", "probe:act"], quotaLimit: 2, quotaWindowSecs: 60 };
  const first = await open({ store, ask: ["probe:act"] });
  await put(first, quota);
  assert.equal(await came(first.call("probe.act", {})), "held");
  assert.equal(await came(first.call("probe.look", { wrong: 1 })), "arw.invalid-input");
  await answer(first, "policy.explain", { key: "probe:look" });
  assert.equal(await came(first.call("probe.look", {})), "answer");
  first.clock.advance(10_000);
  assert.equal(await came(first.call("probe.look", {})), "answer");
  const told = await said(first.call("probe.look", {}));
  assert.deepEqual(
    [told["came"], told["status"], told["rule"], told["retryAfterMs"]],
    ["arw.too-many-requests", 429, "few", 50_000],
  );
  assert.equal(first.kinds().filter((kind) => kind === "gating.quota.counted").length, 2);
  await first[Symbol.asyncDispose]();

  // Set back by a day while the hub was off: never longer than one window from now.
  const early = createManualClock(startMs - 86_400_000);
  const second = await open({ store, clock: early });
  assert.equal((await said(second.call("probe.look", {})))["retryAfterMs"], 60_000);
  early.advance(60_000);
  assert.equal(await came(second.call("probe.look", {})), "answer");
  await second[Symbol.asyncDispose]();

  const later = createManualClock(early.nowMs() + 20_000);
  await using third = await open({ store, clock: later });
  assert.equal(await came(third.call("probe.look", {})), "answer");
  assert.equal((await said(third.call("probe.look", {})))["retryAfterMs"], 40_000);
});

test("a job that waits in the queue is counted when it runs", async () => {
  await using kit = await open();
  await put(kit, { id: "one", patterns: ["probe:work"], quotaLimit: 1, quotaWindowSecs: 60 });
  assert.equal(await came(kit.call("probe.work", {})), "accepted");
  await kit.next("task.finished", () => true);
  const counted = kit.events().filter((each) => each.kind === "gating.quota.counted");
  assert.deepEqual(
    counted.map((each) => (each.data as { key: string; count: number }).count),
    [1],
  );
  assert.equal(await came(kit.call("probe.work", {})), "arw.too-many-requests");
});

test("counts end with their contract, and a contract of the same name begins to count anew", async () => {
  await using kit = await open();
  const few = { id: "few", patterns: ["probe:look"], quotaLimit: 1, quotaWindowSecs: 60 };
  const forgotten = () => kit.kinds().filter((kind) => kind === "gating.quota.forgotten").length;
  for (let round = 1; round <= 3; round += 1) {
    await put(kit, few);
    assert.equal(await came(kit.call("probe.look", {})), "answer");
    assert.equal(await came(kit.call("probe.look", {})), "arw.too-many-requests");
    await put(kit, { ...few, reason: "once a minute" });
    assert.equal(await came(kit.call("probe.look", {})), "arw.too-many-requests", "one that is replaced goes on");
    await kit.call("gating.contracts.remove", { id: "few" });
    await until(() => forgotten() === round, "the counts are let go");
    const { items } = await answer(kit, "state.gateQuotas", {});
    assert.deepEqual(items, []);
  }
});

test("counts that could not be let go in time are let go at the next start", async () => {
  const store = createMemoryStore();
  const few = { id: "few", patterns: ["probe:look"], quotaLimit: 2, quotaWindowSecs: 60 };
  const first = await open({ store, ruleFile: fakeFile([{ contract: few }]).file });
  await first.call("probe.look", {});
  await first[Symbol.asyncDispose]();
  await using second = await open({ store });
  assert.deepEqual(second.kinds().slice(-1), ["gating.quota.forgotten"]);
  const { items } = await answer(second, "state.gateQuotas", {});
  assert.deepEqual(items, []);
});

/** A file of rules in the test's hands. */
function fakeFile(first: readonly PlacedContract[]) {
  let read: RulesRead = { kind: "rules", placed: first };
  let changed = (): void => {};
  return {
    write: (next: RulesRead) => (read = next),
    touch: () => changed(),
    file: {
      path: "gating.toml",
      first,
      read: () => Promise.resolve(read),
      watch: (run: () => void) => {
        changed = run;
        return { isWatching: true, [Symbol.dispose]: () => {} };
      },
    },
  };
}
const rules = (...placed: PlacedContract[]): RulesRead => ({ kind: "rules", placed });

test("a file that changes is read anew; one that is not valid leaves the last good rules in force, loudly", async () => {
  const shut = { contract: { id: "shut", patterns: ["probe:look"] }, place: "gating.toml:1" };
  const disk = fakeFile([shut]);
  await using kit = await open({ ruleFile: disk.file });
  assert.equal((await said(kit.call("probe.look", {})))["source"], "gating.toml:1");
  disk.write({ kind: "faults", faults: ["gating.toml:3: patern is not known. Did you mean patterns?"] });
  disk.touch();
  const refused = await kit.next("policy.refused", () => true);
  assert.deepEqual((refused.data as { faults: string[] }).faults, [
    "gating.toml:3: patern is not known. Did you mean patterns?",
  ]);
  assert.equal(await came(kit.call("probe.look", {})), "arw.denied");
  assert.equal(await came(kit.call("gating.reload", {})), "gating.rules-invalid");
  assert.match(kit.gating.health().detail, /^gating\.toml:3: .*stay in force/);
  assert.equal(kit.gating.health().ok, false);
  assert.equal(kit.errors.length, 2);
  disk.write(
    rules({ contract: { id: "typo", patterns: ["prob:*"] } }, { contract: { id: "fine", patterns: ["prob*"] } }),
  );
  assert.deepEqual((await answer(kit, "gating.reload", {}))["idle"], ["typo"]);
  disk.write(rules());
  const { rules: count } = await answer(kit, "gating.reload", {});
  assert.deepEqual([count, kit.gating.health().ok], [0, true]);
  assert.equal(await came(kit.call("probe.look", {})), "answer");
  const reloads = kit.events().filter((each) => each.kind === "policy.reloaded").length;
  await answer(kit, "gating.reload", {});
  assert.equal(kit.events().filter((each) => each.kind === "policy.reloaded").length, reloads, "nothing changed");
});

test("an immutable contract of the file stays until its end, whatever the file says meanwhile", async () => {
  const fixed = { contract: { id: "fixed", patterns: ["probe:look"], immutable: true, validToMs: startMs + 1000 } };
  const disk = fakeFile([fixed]);
  await using kit = await open({ ruleFile: disk.file });
  disk.write(rules({ contract: { id: "fixed", patterns: ["nothing"] } }));
  assert.deepEqual((await answer(kit, "gating.reload", {}))["held"], ["fixed"]);
  assert.equal(await came(kit.call("probe.look", {})), "arw.denied");
  kit.clock.advance(1001);
  assert.deepEqual((await answer(kit, "gating.reload", {}))["held"], []);
  assert.equal(await came(kit.call("probe.look", {})), "answer");
});

test("contracts are listed in the order in which they decide, page by page, with source, place and status", async () => {
  const disk = fakeFile([{ contract: { id: "b", patterns: ["x"], validFromMs: startMs + 1 }, place: "gating.toml:9" }]);
  await using kit = await open({ deny: ["y"], ruleFile: disk.file });
  await put(kit, { id: "a", patterns: ["z"], validToMs: startMs + 5 });
  const page = await answer(kit, "gating.contracts.list", { limit: 2 });
  const next = await answer(kit, "gating.contracts.list", { limit: 2, cursor: page["nextCursor"] });
  const rows = [...(page["contracts"] as unknown[]), ...(next["contracts"] as unknown[])] as Record<string, unknown>[];
  assert.deepEqual(
    rows.map(({ id, source, place, status, endsAtMs }) => [id, source, place, status, endsAtMs]),
    [
      ["y", "config:gate.deny", undefined, "active", undefined],
      ["b", "file:gating.toml", "gating.toml:9", "waiting", undefined],
      ["a", "api", undefined, "active", startMs + 5],
    ],
  );
  assert.deepEqual([page["total"], next["nextCursor"]], [3, null]);
});

test("an explanation names the deciding rule, its place and the nearest change, and runs nothing", async () => {
  const closedUntil = {
    id: "night",
    patterns: ["io:egress:probe:*"],
    validToMs: startMs + 60_000,
    reason: "it is night",
  };
  const disk = fakeFile([{ contract: closedUntil, place: "gating.toml:12" }]);
  await using kit = await open({ ruleFile: disk.file });
  const told = await answer(kit, "policy.explain", { operation: "probe.act", input: {} });
  assert.equal(told["verdict"], "deny");
  assert.deepEqual(told["decidedBy"], {
    stage: "gate",
    key: "io:egress:probe:act",
    verdict: "deny",
    reason: "it is night",
    rule: "night",
    source: "gating.toml:12",
    next: `remove the contract night at gating.toml:12, then: arw gate reload; or wait until ${new Date(startMs + 60_001).toISOString()}`,
  });
  assert.equal((await answer(kit, "policy.explain", { key: "probe:act", atMs: startMs + 60_001 }))["verdict"], "allow");
  assert.equal((await answer(kit, "policy.explain", { key: "io:egress:probe:x" }))["verdict"], "deny");
  assert.deepEqual(kit.ran, []);
  assert.equal(await came(kit.call("policy.explain", {})), "arw.invalid-input");
  assert.equal(await came(kit.call("policy.explain", { operation: "probe.none" })), "arw.not-found");
  assert.equal(
    await came(kit.call("policy.explain", { operation: "probe.act", input: { wrong: 1 } })),
    "arw.invalid-input",
  );
  assert.equal(await came(kit.call("policy.explain", { key: "probe:act", caller: admin }, scout)), "arw.denied");
  assert.equal((await outputOf(kit.call("policy.explain", { key: "probe:act" }, scout)))["caller"], "agent:scout");
});
