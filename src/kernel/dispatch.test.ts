import assert from "node:assert/strict";
import { test } from "vitest";
import { admin, domainOf, type KitOptions, makeKernel, until } from "../../test/kit/kernel.ts";
import type { Caller } from "../contract/caller.ts";
import { event } from "../contract/event.ts";
import { bind, type Bound, type Context, op, type Operation } from "../contract/operation.ts";
import { isProblem, Problem, problem } from "../contract/problem.ts";
import { closed, Type } from "../contract/schema.ts";
import { Cancelled } from "../contract/standard-problems.ts";
import type { CallRequest } from "./kernel.ts";

const Broken = problem({ code: "probe.broken", status: 409, title: "Broken", about: "x" });
const Foreign = problem({ code: "other.foreign", status: 418, title: "Foreign", about: "x" });
const Input = closed({ text: Type.String({ maxLength: 20 }) });
const Output = closed({ text: Type.String() });
const options = { effect: "read", about: "Probe.", input: Input, output: Output } as const;
const probe = (name: string, more: Partial<Operation<typeof Input, typeof Output>> = {}) =>
  op({ ...options, id: `probe.${name}`, http: `POST /probe/${name}`, ...more } as never) as Operation<
    typeof Input,
    typeof Output
  >;

const agent: Caller = { kind: "agent", id: "scout" };
const given = { text: "hello" };

/** A kernel with operations of the test, and the code and text of whatever a call came to. */
async function walk(bounds: readonly Bound[], more: KitOptions = {}) {
  const kit = await makeKernel({ ...more, domains: () => [domainOf("probe", { operations: bounds })] });
  const come = async (request: Partial<CallRequest> & { readonly operationId: string }): Promise<string> => {
    try {
      const { outcome } = await kit.kernel.dispatch({
        input: given,
        credentials: { kind: "caller", caller: admin },
        ...request,
      });
      return outcome.kind === "answer" ? `answer ${JSON.stringify(outcome.output)}` : outcome.kind;
    } catch (error) {
      return isProblem(error) ? error.definition.code : `no problem: ${String(error)}`;
    }
  };
  return { ...kit, come };
}

const echo = (operation: Operation<typeof Input, typeof Output>, runs: unknown[] = []) =>
  bind(operation, (input) => {
    runs.push(input);
    return { text: input.text };
  });

test("the corridor has these stages in this order", async () => {
  await using kit = await walk([]);
  assert.deepEqual(kit.kernel.stages, [
    "identify",
    "gate",
    "decode",
    "policy",
    "lease",
    "approve",
    "budget",
    "admit",
    "run",
    "egress",
    "encode",
    "record",
  ]);
});

test("each stage refuses before the next one looks, nothing runs after a refusal, and each walk is recorded once", async () => {
  const runs: unknown[] = [];
  const wrong = bind(probe("wrong"), () => ({ nonsense: 1 }) as never);
  await using kit = await walk(
    [
      echo(probe("open"), runs),
      echo(probe("shut"), runs),
      echo(probe("asked"), runs),
      echo(probe("sealed"), runs),
      wrong,
    ],
    {
      deny: ["probe:shut", "io:egress:probe:sealed", "io:egress:probe:wrong"],
      ask: ["probe:asked"],
    },
  );
  const none = { kind: "none", address: "local" } as const;
  const badInput = { text: 1 };
  const walks: [string, string, boolean][] = [
    [await kit.come({ operationId: "probe.shut", input: badInput, credentials: none }), "arw.unauthenticated", false],
    [await kit.come({ operationId: "probe.shut", input: badInput }), "arw.denied", false],
    [await kit.come({ operationId: "probe.asked", input: badInput }), "arw.invalid-input", false],
    [await kit.come({ operationId: "probe.asked" }), "held", false],
    [await kit.come({ operationId: "probe.open" }), `answer {"text":"hello"}`, true],
    [await kit.come({ operationId: "probe.sealed" }), "arw.denied", false],
    [await kit.come({ operationId: "probe.wrong" }), "arw.denied", false],
  ];
  assert.deepEqual(
    walks.map(([came]) => came),
    walks.map(([, wanted]) => wanted),
  );
  assert.equal(runs.length, walks.filter(([, , isRun]) => isRun).length);
  assert.deepEqual(
    kit.samples.map(({ operation, caller, code, status }) => [operation, caller, code, status]),
    [
      ["probe.shut", "anonymous", "arw.unauthenticated", 401],
      ["probe.shut", "person:admin", "arw.denied", 403],
      ["probe.asked", "person:admin", "arw.invalid-input", 400],
      ["probe.asked", "person:admin", "ok", 200],
      ["probe.open", "person:admin", "ok", 200],
      ["probe.sealed", "person:admin", "arw.denied", 403],
      ["probe.wrong", "person:admin", "arw.denied", 403],
    ],
  );
  assert.deepEqual(kit.kinds(), ["approvals.requested"]);
});

test("a denial names its key, rule and source; an egress denial lets no word of the answer out", async () => {
  await using kit = await makeKernel({
    deny: ["io:egress:probe:*"],
    domains: () => [domainOf("probe", { operations: [bind(probe("leak"), () => ({ text: "the secret plan" }))] })],
  });
  const error = await kit.call("probe.leak", given).then(
    () => assert.fail("it answered"),
    (reason: unknown) => reason,
  );
  assert.ok(isProblem(error));
  assert.deepEqual(error.extra, {
    key: "io:egress:probe:leak",
    rule: "io:egress:probe:*",
    source: "config:gate.deny",
    reason: "the rule io:egress:probe:* denies it",
    next: "take io:egress:probe:* out of gate.deny and start the hub again",
    explain: "arw policy explain io:egress:probe:leak",
  });
  assert.doesNotMatch(`${error.message} ${JSON.stringify(error.extra)} ${JSON.stringify(kit.samples)}`, /secret plan/);
});

test("credentials become callers; only a public operation takes nobody", async () => {
  const whoami = bind(probe("whoami", { isPublic: true }), (_input, ctx) => ({
    text: `${ctx.caller.kind}:${ctx.caller.id}`,
  }));
  await using kit = await walk([whoami, echo(probe("open"))]);
  const as = (credentials: CallRequest["credentials"], operationId = "probe.whoami") =>
    kit.come({ operationId, credentials });
  assert.equal(await as({ kind: "token", token: "token", address: "local" }), `answer {"text":"person:admin"}`);
  assert.equal(await as({ kind: "token", token: "wrong", address: "local" }), "arw.unauthenticated");
  assert.equal(await as({ kind: "none", address: "local" }), `answer {"text":"person:anonymous"}`);
  assert.equal(await as({ kind: "none", address: "local" }, "probe.open"), "arw.unauthenticated");
  assert.equal(await kit.come({ operationId: "probe.unknown" }), "arw.not-found");
});

test("what a handler throws comes out as a problem: declared ones as they are, all others as internal, with no detail", async () => {
  const failing = (name: string, error: unknown, isAsync: boolean) =>
    bind(probe(name, { problems: [Broken] }), () => {
      if (isAsync) return Promise.reject(error);
      throw error;
    });
  const causes = {
    declared: new Problem(Broken, "it broke"),
    undeclared: new Problem(Foreign, "not mine"),
    defect: new RangeError("password=hunter2"),
    text: "just text",
  };
  const names = Object.keys(causes) as (keyof typeof causes)[];
  await using kit = await walk(
    names.flatMap((name) => [failing(name, causes[name], false), failing(`${name}-later`, causes[name], true)]),
  );
  const came = async (suffix: string) =>
    Promise.all(names.map((name) => kit.come({ operationId: `probe.${name}${suffix}` })));
  const wanted = ["probe.broken", "arw.internal", "arw.internal", "arw.internal"];
  assert.deepEqual(await came(""), wanted);
  assert.deepEqual(await came("-later"), wanted);
  assert.equal(kit.errors.length, 6);
  const shown = await kit.call("probe.defect", given).then(
    () => "",
    (error: unknown) => `${(error as Problem).message} ${JSON.stringify((error as Problem).extra)}`,
  );
  assert.doesNotMatch(shown, /hunter2/);
});

test("an answer is cut to what was promised, and refused when something promised is missing", async () => {
  const more = bind(probe("more"), () => ({ text: "a", token: "secret" }));
  const less = bind(probe("less"), () => ({}) as never);
  await using kit = await walk([more, less]);
  assert.equal(await kit.come({ operationId: "probe.more" }), `answer {"text":"a"}`);
  assert.equal(await kit.come({ operationId: "probe.less" }), "arw.internal");
  assert.match(kit.errors.join("\n"), /answered what it did not promise/);
});

test("an agent sees answers without secrets, a person sees them whole", async () => {
  const key = "sk-live-0123456789abcdef0123456789";
  await using kit = await walk([bind(probe("keys"), () => ({ text: `key ${key}` }))], { secrets: [key] });
  const seen = await kit.come({ operationId: "probe.keys", credentials: { kind: "caller", caller: agent } });
  assert.ok(!seen.includes(key) && seen.startsWith("answer"), seen);
  assert.ok((await kit.come({ operationId: "probe.keys" })).includes(key));
});

/** A handler that waits for its signal and says why it ended; `ctx` is what it was given. */
function waiting(operation: Operation<typeof Input, typeof Output>) {
  const seen: Context[] = [];
  const bound = bind(operation, (_input, ctx) => {
    seen.push(ctx);
    return new Promise<{ text: string }>(() => {});
  });
  return { bound, seen };
}

test("past its deadline a call ends, and the handler is told to stop", async () => {
  const { bound, seen } = waiting(probe("slow", { deadlineMs: 500 }));
  await using kit = await walk([bound]);
  const came = kit.come({ operationId: "probe.slow" });
  await until(() => seen.length === 1, "the handler runs");
  const signal = seen[0]?.signal as AbortSignal;
  kit.clock.advance(499);
  assert.equal(signal.aborted, false);
  kit.clock.advance(1);
  assert.equal(await came, "arw.deadline-exceeded");
  assert.equal(signal.aborted, true);
  assert.equal((seen[0] as Context).signal.aborted, true);
  assert.equal(kit.samples.at(-1)?.durationMs, 500);
});

test("without a word about it a call has a minute, and its timer goes when it ends", async () => {
  const { bound, seen } = waiting(probe("slow"));
  await using kit = await walk([bound, bind(probe("quick"), async (input) => input)]);
  const idleInMs = kit.clock.nextInMs();
  assert.equal(await kit.come({ operationId: "probe.quick" }), `answer {"text":"hello"}`);
  assert.equal(kit.clock.nextInMs(), idleInMs);
  const came = kit.come({ operationId: "probe.slow" });
  await until(() => seen.length === 1, "the handler runs");
  kit.clock.advance(60_000);
  assert.equal(await came, "arw.deadline-exceeded");
});

test("when the caller leaves, the call ends at once and whatever it called inside ends too", async () => {
  const inner = waiting(probe("inner"));
  const outer = bind(probe("outer"), (input, ctx) => ctx.call(probe("inner"), input));
  await using kit = await walk([inner.bound, outer]);
  const controller = new AbortController();
  const came = kit.come({ operationId: "probe.outer", signal: controller.signal });
  await until(() => inner.seen.length === 1, "the inner call runs");
  controller.abort(new Problem(Cancelled, "gone"));
  assert.equal(await came, "arw.cancelled");
  assert.equal(inner.seen[0]?.signal.aborted, true);
  const left = AbortSignal.abort(new Problem(Cancelled, "left before"));
  assert.equal(await kit.come({ operationId: "probe.inner", signal: left }), "arw.cancelled");
  assert.equal(inner.seen.length, 1);
});

test("a call inside keeps the caller and the episode, and its problems must be declared outside too", async () => {
  const inner = bind(probe("inner", { problems: [Broken] }), (input, ctx) => {
    if (input.text === "break") throw new Problem(Broken, "broke inside");
    return { text: `${ctx.corrId} ${ctx.caller.id}` };
  });
  const outer = (name: string, problems: readonly (typeof Broken)[]) =>
    bind(probe(name, { problems }), (input, ctx) => ctx.call(probe("inner"), input));
  await using kit = await walk([inner, outer("says", [Broken]), outer("hides", [])]);
  assert.equal(await kit.come({ operationId: "probe.says", corrId: "episode-7" }), `answer {"text":"episode-7 admin"}`);
  assert.equal(await kit.come({ operationId: "probe.says", input: { text: "break" } }), "probe.broken");
  assert.equal(await kit.come({ operationId: "probe.hides", input: { text: "break" } }), "arw.internal");
});

test("a gate closes calls between domains as it closes those from outside", async () => {
  const runs: unknown[] = [];
  const outer = bind(probe("outer"), (input, ctx) => ctx.call(probe("inner"), input));
  await using kit = await walk([echo(probe("inner"), runs), outer], { deny: ["probe:inner"] });
  assert.equal(await kit.come({ operationId: "probe.outer" }), "arw.denied");
  assert.deepEqual(runs, []);
});

test("an answer carries the ETag of the state it was made from, and an unchanged one is not made again", async () => {
  let version = 1;
  let made = 0;
  const slow = bind(
    probe("slow"),
    async () => {
      made += 1;
      const text = `version ${version}`;
      await Promise.resolve();
      // Something happens while the answer is on its way.
      version += 1;
      return { text };
    },
    { etag: () => `"${version}"` },
  );
  await using kit = await walk([slow]);
  const first = await kit.call("probe.slow", given);
  assert.deepEqual(first.outcome, { kind: "answer", output: { text: "version 1" }, etag: `"1"` });
  version = 1;
  const again = (etag: string) =>
    kit.kernel.dispatch({
      operationId: "probe.slow",
      input: given,
      credentials: { kind: "caller", caller: admin },
      ifNoneMatch: etag,
    });
  assert.deepEqual((await again(`"1"`)).outcome, { kind: "unchanged", etag: `"1"` });
  assert.equal(made, 1);
  for (const header of [`"0", W/"1"`, `W/"1"`])
    assert.deepEqual((await again(header)).outcome, { kind: "unchanged", etag: `"1"` });
  assert.equal(made, 1);
  assert.deepEqual((await again("*")).outcome, { kind: "unchanged", etag: `"1"` });
  assert.equal((await again(`"0"`)).outcome.kind, "answer");
  assert.deepEqual(
    kit.samples.map((each) => each.code),
    ["ok", "ok", "ok", "ok", "ok", "ok"],
  );
});

test("a stream is checked item by item, and is stopped by the first wrong one", async () => {
  const items = async function* () {
    yield { text: "good" };
    yield { text: 1 as unknown as string };
  };
  await using kit = await walk([bind(probe("many", { mode: "many" }), items)]);
  const { outcome } = await kit.call("probe.many", given);
  assert.equal(outcome.kind, "stream");
  const seen: unknown[] = [];
  const read = async () => {
    if (outcome.kind === "stream") for await (const item of outcome.items) seen.push(item);
  };
  await assert.rejects(read(), (error) => isProblem(error) && error.definition.code === "arw.internal");
  assert.deepEqual(seen, [{ text: "good" }]);
});

test("a job is queued and runs later; its admission refuses before that", async () => {
  const runs: unknown[] = [];
  const job = probe("job", { mode: "job", problems: [Broken], effect: "write" });
  const bound = bind(job, (input) => (runs.push(input), { text: input.text }), {
    admit: async ({ text }) => {
      if (text === "no") throw new Problem(Broken, "not this one");
    },
  });
  await using kit = await walk([bound]);
  assert.equal(await kit.come({ operationId: "probe.job", input: { text: "no" } }), "probe.broken");
  const { outcome, corrId } = await kit.call("probe.job", given);
  assert.equal(outcome.kind, "accepted");
  const finished = await kit.next("task.finished", () => true);
  assert.deepEqual(runs, [given]);
  const { taskId, output } = finished.data as { taskId: string; output: unknown };
  assert.deepEqual(
    [outcome.kind === "accepted" && outcome.taskId, finished.corrId, output],
    [taskId, corrId, { text: "hello" }],
  );
  assert.deepEqual(kit.kinds(), ["task.enqueued", "task.started", "task.finished"]);
});

test("what a handler emits carries its caller, its episode and its cause", async () => {
  const Said = event({ kind: "probe.said", about: "x", data: Input });
  const say = bind(probe("say", { emits: [Said], effect: "write" }), async (input, ctx) => {
    await ctx.emit(Said, input);
    return input;
  });
  await using kit = await walk([say]);
  await kit.come({ operationId: "probe.say", corrId: "episode-1", causeId: "cause-1" });
  const [said] = kit.events();
  assert.deepEqual(
    [said?.kind, said?.caller, said?.corrId, said?.causeId, said?.node],
    ["probe.said", "person:admin", "episode-1", "cause-1", "node-test"],
  );
});

test("a hub that stops ends what runs, and takes nothing more", async () => {
  const { bound, seen } = waiting(probe("slow"));
  const stopping = bind(
    probe("heeds"),
    (_input, ctx) =>
      new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error))),
  );
  const kit = await walk([bound, stopping]);
  const came = kit.come({ operationId: "probe.heeds" });
  void kit.come({ operationId: "probe.slow" });
  await until(() => seen.length === 1, "the handler runs");
  await kit[Symbol.asyncDispose]();
  assert.equal(await came, "arw.shutting-down");
  assert.equal(seen[0]?.signal.aborted, true);
});
