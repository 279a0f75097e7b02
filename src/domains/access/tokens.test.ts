import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { test } from "vitest";
import { admin, domainOf, makeKernel, turn } from "../../../test/kit/kernel.ts";
import { runs } from "../../../test/kit/runs.ts";
import { type Caller, coversPattern, matchesKey } from "../../contract/caller.ts";
import { bind, type Context, op } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Credentials } from "../../kernel/ports.ts";
import type { AgentProgram } from "../agents/contract.ts";
import { ListTokens, Signin } from "./contract.ts";
import type { StoredSession, StoredTokens } from "./port.ts";
import { tokenHash } from "./port.ts";
import { type Access, createAccess } from "./service.ts";

const salt = "5a".repeat(32);
const adminToken = "arw_admin-of-the-test";
const address = "192.0.2.1";
const hourMs = 3_600_000;

const Read = op({
  id: "probe.read",
  http: "GET /probe",
  effect: "read",
  about: "Reads.",
  input: closed({}),
  output: closed({}),
});
const Write = op({
  id: "probe.write",
  http: "POST /probe",
  effect: "write",
  about: "Writes.",
  input: closed({}),
  output: closed({}),
});
const Nest = op({
  id: "probe.nest",
  http: "POST /probe/nest",
  effect: "write",
  about: "Calls on.",
  input: closed({}),
  output: closed({}),
});
const Later = op({
  id: "probe.later",
  http: "POST /probe/later",
  mode: "job",
  effect: "write",
  about: "Calls later.",
  input: closed({}),
  output: closed({}),
});
const Look = op({
  id: "probe.look",
  http: "GET /probe/look",
  effect: "read",
  about: "Reads by another.",
  input: closed({}),
  output: closed({}),
});
const LookLater = op({
  id: "probe.lookLater",
  http: "POST /probe/look",
  mode: "job",
  effect: "read",
  about: "Reads later.",
  input: closed({}),
  output: closed({}),
});
const Follow = op({
  id: "probe.follow",
  http: "GET /probe/follow",
  mode: "many",
  effect: "read",
  about: "Streams.",
  input: closed({}),
  output: Type.Integer(),
});
const runsOf: string[] = [];
const labelsOf: (Caller["labels"] | null)[] = [];

async function* follow(ctx: Context): AsyncGenerator<number> {
  yield 1;
  await new Promise((_resolve, reject) =>
    ctx.signal.addEventListener("abort", () => reject(new RangeError("ended")), { once: true }),
  );
}

const probe = () =>
  domainOf("probe", {
    operations: [
      bind(Read, (_input, ctx) => {
        labelsOf.push(ctx.caller.labels ?? null);
        return {};
      }),
      bind(Look, async (_input, ctx) => await ctx.call(Read, {})),
      bind(LookLater, async (_input, ctx) => await ctx.call(Read, {})),
      bind(Write, (_input, ctx) => {
        runsOf.push(ctx.caller.id);
        return {};
      }),
      bind(Nest, async (_input, ctx) => await ctx.call(Write, {})),
      bind(Later, async (_input, ctx) => await ctx.call(Write, {})),
      bind(Follow, (_input, ctx) => follow(ctx)),
    ],
  });

interface Kept {
  tokens: StoredTokens;
  sessions: readonly StoredSession[];
}

const idle: AgentProgram = {
  id: "idle",
  about: "Does nothing.",
  model: "none",
  tools: [],
  run: () => Promise.resolve({ outcome: "nothing", notDone: [], output: null }),
};

/** A kernel with the real access domain in front, and what it stored and learned. */
async function hub(kept: Kept = { tokens: { salt: "a5".repeat(32), tokens: [] }, sessions: [] }) {
  const learned: string[] = [];
  const failing = { isOn: false };
  let access: Access | undefined;
  const kit = await makeKernel({
    identityOf: ({ clock }) => {
      access = createAccess({
        token: { salt, hash: tokenHash(salt, adminToken) },
        tokens: {
          stored: kept.tokens,
          store: {
            async save(tokens) {
              if (failing.isOn) throw new RangeError("disk");
              kept.tokens = structuredClone(tokens);
            },
          },
        },
        sessions: { stored: kept.sessions, store: { save: async (sessions) => void (kept.sessions = sessions) } },
        randomBytes,
        clock,
        log: { info() {}, warn() {}, error() {} },
        rates: { admin: { limit: 20, windowMs: 60_000 }, reads: { limit: 40, windowMs: 60_000 } },
        learnSecrets: (secrets) => void learned.push(...secrets),
      });
      return { identity: access.identity, domain: access.domain };
    },
    domains: () => [probe()],
    programs: [idle],
  });
  assert.ok(access);
  const { cookies } = access;
  const as = (credentials: Credentials) => ({
    come: (operationId: string, input: object = {}) => come(kit.kernel, { operationId, input, credentials }),
    answer: async (operationId: string, input: object = {}) => {
      const { outcome } = await kit.kernel.dispatch({ operationId, input, credentials, corrId: "cookie" });
      assert.equal(outcome.kind, "answer");
      return (outcome as { output: Made }).output;
    },
  });
  const by = (token: string, from = address) => as({ kind: "token", token, address: from });
  return {
    ...kit,
    kept,
    learned,
    failing,
    as,
    by,
    admin: by(adminToken),
    cookies,
    [Symbol.asyncDispose]: kit[Symbol.asyncDispose],
  };
}

interface Made {
  readonly token: string;
  readonly expiresAtMs: number;
  readonly endedSessions: number;
  readonly tokens: readonly { readonly name: string; readonly isExpired: boolean; readonly usedAtMs: number | null }[];
  readonly caller: string;
  readonly path: string;
}

async function come(kernel: Kernel, request: { operationId: string; input: object; credentials: Credentials }) {
  try {
    return (await kernel.dispatch(request)).outcome.kind;
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return error.definition.code;
  }
}

const make = (...[name, role, key, ttl = "1h"]: [string, string, readonly string[], string?]) => ({
  name,
  role,
  key,
  ttl,
});

test("a token does what its keys and its role reach, and nothing else", async () => {
  await using home = await hub();
  const cases = [
    ["ann", "person", ["probe:*"], { read: "answer", write: "answer", other: "arw.denied" }],
    ["reader", "observer", ["*"], { read: "answer", write: "arw.denied", other: "answer" }],
    ["narrow", "person", ["probe:read"], { read: "answer", write: "arw.denied", other: "arw.denied" }],
    ["bot", "agent", ["probe:*"], { read: "answer", write: undefined, other: "arw.denied" }],
    ["edge", "node", ["probe:read"], { read: "answer", write: "arw.denied", other: "arw.denied" }],
  ] as const;
  for (const [name, role, keys, want] of cases) {
    const { token } = await home.admin.answer("access.tokens.create", make(name, role, keys));
    const holder = home.by(token);
    assert.equal(await holder.come("probe.read"), want.read, name);
    if (want.write !== undefined) assert.equal(await holder.come("probe.write"), want.write, name);
    assert.equal(await holder.come("gating.keys"), want.other, name);
    const kind = role === "observer" ? "person" : role;
    assert.equal((await holder.answer("access.whoami")).caller, `${kind}:${name}`);
  }
});

test("what a token's call does inside is the call's own, and what it leaves to the queue is held to its keys", async () => {
  await using home = await hub();
  const inner = await home.admin.answer("access.tokens.create", make("inner", "person", ["probe:nest"]));
  assert.equal(await home.by(inner.token).come("probe.nest"), "answer");
  assert.equal(await home.by(inner.token).come("probe.write"), "arw.denied");
  const later = await home.admin.answer(
    "access.tokens.create",
    make("later", "person", ["probe:later", "tasks:enqueue"]),
  );
  assert.equal(await home.by(later.token).come("probe.later"), "accepted");
  const done = await home.next("task.finished", () => true);
  assert.equal(done.caller, "person:later");
  assert.equal(runsOf.at(-1), "later");
});

test("what a program reads elsewhere nobody knows, so its calls are built from strangers' words, now and later", async () => {
  await using home = await hub();
  const roles = [
    ["person", null],
    ["agent", ["user", "tool"]],
    ["node", ["user", "tool"]],
  ] as const;
  for (const [role, labels] of roles) {
    const { token } = await home.admin.answer("access.tokens.create", make(`a-${role}`, role, ["*"]));
    const holder = home.by(token);
    for (const operation of ["probe.read", "probe.look", "probe.lookLater"]) {
      labelsOf.length = 0;
      const end = await holder.come(operation);
      if (end === "accepted") await home.next("task.finished", ({ caller }) => caller === `${role}:a-${role}`);
      assert.deepEqual(labelsOf, [labels], `${operation} of ${role} ends as ${end}`);
    }
  }
});

test("a token that may begin runs grants an agent nothing beyond its own reach", async () => {
  await using home = await hub();
  const { token } = await home.admin.answer(
    "access.tokens.create",
    make("runner", "person", ["agents:run", "fs:read"]),
  );
  const run = (key: string) =>
    home.by(token).come("agents.run", { agent: "idle", title: "t", input: {}, grants: [{ key, folder: "/tmp" }] });
  assert.equal(await run("fs:read"), "accepted");
  assert.equal(await run("fs:write"), "arw.denied");
  assert.equal(await run("fs:*"), "arw.denied");
});

test("agents, nodes and observers make no tokens, rotate none and take none away, whatever their keys", async () => {
  await using home = await hub();
  await home.admin.answer("access.tokens.create", make("victim", "person", ["probe:read"]));
  for (const role of ["agent", "node", "observer"]) {
    const { token } = await home.admin.answer("access.tokens.create", make(`a-${role}`, role, ["*"]));
    const caller: Caller = { kind: role === "observer" ? "person" : (role as "agent"), id: `a-${role}` };
    const holder = home.by(token);
    for (const [operation, input] of [
      ["access.tokens.create", make("more", "person", ["*"])],
      ["access.tokens.rotate", { name: "victim" }],
      ["access.tokens.revoke", { name: "victim" }],
      ["access.code", {}],
    ] as const)
      assert.equal(await holder.come(operation, input), "arw.denied", `${role} ${operation} ${caller.id}`);
    if (role !== "observer") assert.equal(await holder.come("access.tokens.list"), "arw.denied");
    assert.equal(home.kinds().includes("approvals.requested"), false, "nobody is asked about what must not be");
  }
  const { tokens } = await home.admin.answer("access.tokens.list");
  assert.equal(tokens.length, 4);
});

test("nobody gives, renews or takes away more than they reach, and nothing outlives what made it", async () => {
  await using home = await hub();
  const ann = await home.admin.answer("access.tokens.create", make("ann", "person", ["access:*", "probe:*"], "2h"));
  await home.admin.answer("access.tokens.create", make("wide", "person", ["*"], "5h"));
  const holder = home.by(ann.token);
  assert.equal(await holder.come("access.tokens.create", make("x", "person", ["*"])), "arw.denied");
  assert.equal(await holder.come("access.tokens.create", make("x", "person", ["probe:read", "p*"])), "arw.denied");
  assert.equal(await holder.come("access.tokens.rotate", { name: "wide" }), "arw.denied");
  assert.equal(await holder.come("access.tokens.revoke", { name: "wide" }), "arw.denied");
  const child = await holder.answer("access.tokens.create", make("child", "person", ["probe:r*"], "30d"));
  assert.equal(child.expiresAtMs, ann.expiresAtMs);
  home.clock.advance(hourMs);
  const again = await holder.answer("access.tokens.rotate", { name: "ann" });
  assert.equal(again.expiresAtMs, ann.expiresAtMs, "a token does not lengthen its own life");
  assert.equal(await holder.come("probe.read"), "arw.unauthenticated", "the old text ended with the answer");
  assert.equal(await home.by(again.token).come("probe.read"), "answer");
  assert.equal(await home.by(again.token).come("gating.keys"), "arw.denied", "the same reach as before");
});

test("one pattern covers another exactly when it matches whatever the other matches", () => {
  const pattern = fc
    .tuple(fc.stringMatching(/^[ab:]{0,4}$/), fc.boolean())
    .map(([text, isOpen]) => (isOpen ? `${text}*` : text));
  fc.assert(
    fc.property(pattern, pattern, fc.stringMatching(/^[ab:]{0,6}$/), (outer, inner, key) => {
      if (coversPattern(outer, inner) && matchesKey(inner, key)) assert.ok(matchesKey(outer, key));
      if (!coversPattern(outer, inner)) {
        const witness = [inner.replace("*", ""), `${inner.replace("*", "")}~`].filter((each) =>
          matchesKey(inner, each),
        );
        assert.ok(witness.some((each) => !matchesKey(outer, each)));
      }
    }),
    runs(100),
  );
});

test("a token ends at its time, by rotation and by removal, and its streams and sign-ins end with it", async () => {
  await using home = await hub();
  const stream = async (credentials: Credentials) => {
    const { outcome } = await home.kernel.dispatch({ operationId: "probe.follow", input: {}, credentials });
    assert.equal(outcome.kind, "stream");
    const items = (outcome as { items: AsyncIterable<unknown> }).items[Symbol.asyncIterator]();
    await items.next();
    return items.next().then(
      () => "went on",
      () => "ended",
    );
  };
  for (const end of ["rotate", "revoke", "expire"] as const) {
    const name = `t-${end}`;
    const { token } = await home.admin.answer("access.tokens.create", make(name, "person", ["*"], "1h"));
    const signin = home.as({ kind: "none", address });
    await signin.answer("access.signin", { token });
    const cookie = /arw_session=([^;]*)/.exec(home.cookies.take(Signin.id, "cookie") ?? "")?.[1] ?? "";
    const browser: Credentials = { kind: "cookie", cookie, address };
    const open = [stream({ kind: "token", token, address }), stream(browser)];
    // A turn for the streams to reach their second item.
    await turn();
    if (end === "rotate") await home.admin.answer("access.tokens.rotate", { name });
    if (end === "revoke") assert.equal((await home.admin.answer("access.tokens.revoke", { name })).endedSessions, 1);
    if (end === "expire") home.clock.advance(hourMs);
    assert.deepEqual(await Promise.all(open), ["ended", "ended"], end);
    assert.equal(await home.by(token).come("probe.read"), "arw.unauthenticated", end);
    assert.equal(await home.as(browser).come("probe.read"), "arw.unauthenticated", end);
  }
});

test("a sign-in link goes as far as the token that made it; agents and nodes do not sign in", async () => {
  await using home = await hub();
  const ann = await home.admin.answer("access.tokens.create", make("ann", "person", ["access:code", "probe:read"]));
  const { path } = await home.by(ann.token).answer("access.code");
  await home.as({ kind: "none", address }).answer("access.signin", { code: path.slice("/#code=".length) });
  const cookie = /arw_session=([^;]*)/.exec(home.cookies.take(Signin.id, "cookie") ?? "")?.[1] ?? "";
  const browser = home.as({ kind: "cookie", cookie, address });
  assert.equal((await browser.answer("access.whoami")).caller, "person:ann");
  assert.equal(await browser.come("probe.read"), "answer");
  assert.equal(await browser.come("probe.write"), "arw.denied");
  const bot = await home.admin.answer("access.tokens.create", make("bot", "agent", ["*"]));
  assert.equal(await home.as({ kind: "none", address }).come("access.signin", { token: bot.token }), "arw.denied");
});

test("tokens outlive a restart as hashes; the journal and the file know no text of one", async () => {
  const kept: Kept = { tokens: { salt: "a5".repeat(32), tokens: [] }, sessions: [] };
  let token = "";
  {
    await using home = await hub(kept);
    ({ token } = await home.admin.answer("access.tokens.create", make("ann", "person", ["probe:read"])));
    assert.deepEqual(home.learned, [token], "the redactor knows it before anybody else");
    const { token: gone } = await home.admin.answer("access.tokens.create", make("gone", "agent", ["*"]));
    await home.admin.answer("access.tokens.revoke", { name: "gone" });
    const written = JSON.stringify([home.events(), kept, home.samples]);
    for (const text of [token, gone]) assert.ok(!written.includes(text));
    assert.deepEqual(
      home.events().map(({ kind, caller, data }) => [kind, caller, (data as { name: string }).name]),
      [
        ["access.token.created", "person:admin", "ann"],
        ["access.token.created", "person:admin", "gone"],
        ["access.token.revoked", "person:admin", "gone"],
      ],
    );
  }
  assert.deepEqual(kept.tokens.tokens[0]?.hash, tokenHash(kept.tokens.salt, token));
  await using next = await hub(kept);
  assert.equal(await next.by(token).come("probe.read"), "answer");
  assert.equal(await next.by(token).come("probe.write"), "arw.denied");
});

test("names are taken once, ends are bounded, and what cannot be stored is no token", async () => {
  await using home = await hub();
  await home.admin.answer("access.tokens.create", make("ann", "person", ["*"]));
  assert.equal(await home.admin.come("access.tokens.create", make("ann", "agent", ["*"])), "access.token-exists");
  assert.equal(await home.admin.come("access.tokens.create", make("admin", "person", ["*"])), "access.token-exists");
  for (const ttl of ["3651d", "0d", "1y", "d", "-1d"])
    assert.equal(await home.admin.come("access.tokens.create", make("x", "person", ["*"], ttl)), "arw.invalid-input");
  assert.equal(await home.admin.come("access.tokens.create", make("x", "person", [])), "arw.invalid-input");
  assert.equal(await home.admin.come("access.tokens.rotate", { name: "nobody" }), "arw.not-found");
  home.failing.isOn = true;
  assert.equal(await home.admin.come("access.tokens.create", make("bob", "person", ["*"])), "arw.store-failed");
  home.failing.isOn = false;
  const { tokens } = await home.admin.answer("access.tokens.list");
  assert.deepEqual(
    tokens.map(({ name }) => name),
    ["ann"],
  );
});

test("changes and reads are counted per token and address, and nobody uses up what is another's", async () => {
  await using home = await hub();
  const { token } = await home.admin.answer("access.tokens.create", make("ann", "person", ["*"]));
  const writes = async (holder: { come(operation: string): Promise<string> }, operation = "probe.write") => {
    let count = 0;
    while (count < 100 && (await holder.come(operation)) === "answer") count += 1;
    return count;
  };
  assert.equal(await writes(home.by(token)), 20);
  await assert.rejects(
    home.kernel.dispatch({ operationId: "probe.write", input: {}, credentials: { kind: "token", token, address } }),
    (error) => isProblem(error) && error.definition.status === 429 && error.extra["retryAfterMs"] === 60_000,
  );
  assert.equal(await writes(home.by(token), "probe.read"), 40, "reads have a bucket of their own");
  assert.equal(await writes(home.by(token, "192.0.2.2")), 20, "another address counts by itself");
  assert.equal(await writes(home.admin), 19, "and so does another token; one change made the token above");
  home.clock.advance(60_000);
  for (let attempt = 0; attempt < 200; attempt += 1) await home.by(`wrong-${attempt}`).come("probe.write");
  assert.equal(await home.by("wrong").come("probe.write"), "arw.too-many-requests");
  assert.equal(await writes(home.admin), 20, "a flood of wrong tokens takes nothing from the right one");
});

test("a rule that asks about tokens closes them: a question would keep the text", async () => {
  await using kit = await makeKernel({
    ask: ["access:*"],
    identityOf: ({ clock }) =>
      createAccess({
        token: { salt, hash: tokenHash(salt, adminToken) },
        tokens: { stored: { salt: "a5".repeat(32), tokens: [] }, store: { save: async () => undefined } },
        sessions: { stored: [], store: { save: async () => undefined } },
        randomBytes,
        clock,
        log: { info() {}, warn() {}, error() {} },
        rates: { admin: { limit: 20, windowMs: 1 }, reads: { limit: 40, windowMs: 1 } },
        learnSecrets: () => undefined,
      }),
  });
  const input = make("ann", "person", ["*"]);
  const credentials: Credentials = { kind: "caller", caller: admin };
  assert.equal(await come(kit.kernel, { operationId: "access.tokens.create", input, credentials }), "arw.denied");
  const name = { name: "ann" };
  assert.equal(await come(kit.kernel, { operationId: ListTokens.id, input: {}, credentials }), "held");
  assert.equal(await come(kit.kernel, { operationId: "access.tokens.rotate", input: name, credentials }), "arw.denied");
});
