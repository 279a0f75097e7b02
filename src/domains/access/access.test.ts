import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { test } from "vitest";
import type { Caller } from "../../contract/caller.ts";
import type { Context, Operation } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { checkerOf } from "../../contract/schema.ts";
import { Denied, InvalidInput, TooManyRequests, Unauthenticated } from "../../contract/standard-problems.ts";
import { contractTable } from "../../app/domains.ts";
import { createManualClock, type ManualClock } from "../../adapters/memory/clock.ts";
import type { Credentials } from "../../kernel/ports.ts";
import { TestPolicies } from "../policy/contract.ts";
import { CodeRefused, CreateToken, ListTokens, Signin } from "./contract.ts";
import { type StoredSession, type StoredTokens, tokenHash } from "./port.ts";
import { type Access, createAccess } from "./service.ts";
import { sessionAgeMsMax, sessionIdleMsMax, sessionsMax } from "./sessions.ts";
import { createTokenCheck } from "./token-check.ts";
import { codeLifeMs, codesMax } from "./codes.ts";

const salt = "5a".repeat(32);
const right = "arw_right";
const address = "192.0.2.1";
const admin: Caller = { kind: "person", id: "admin" };

interface Stored {
  sessions: readonly StoredSession[];
  tokens: StoredTokens;
}

interface House {
  readonly access: Access;
  readonly clock: ManualClock;
  readonly stored: Stored;
  /** Every event, and every secret that the redactor was told. */
  readonly events: { readonly kind: string; readonly data: object }[];
  readonly learned: string[];
  failsToStore: boolean;
  identify(credentials: Credentials, wanted?: Operation): Caller | null;
  call(id: string, input: object, caller?: Caller): unknown;
}

const noTokens: StoredTokens = { salt: "a5".repeat(32), tokens: [] };

function house({ sessions = [], tokens = noTokens }: Partial<Stored> = {}, startMs = 1_000_000): House {
  const clock = createManualClock(startMs);
  const stored: Stored = { sessions, tokens };
  const self: House = {
    clock,
    stored,
    events: [],
    learned: [],
    failsToStore: false,
    access: createAccess({
      token: { salt, hash: tokenHash(salt, right) },
      tokens: {
        stored: tokens,
        store: {
          async save(next) {
            if (self.failsToStore) throw new RangeError("disk");
            stored.tokens = structuredClone(next);
          },
        },
      },
      sessions: { stored: sessions, store: { save: async (next) => void (stored.sessions = next) } },
      randomBytes,
      clock,
      log: { info() {}, warn() {}, error() {} },
      rates: { admin: { limit: 3, windowMs: 60_000 }, reads: { limit: 20, windowMs: 60_000 } },
      learnSecrets: (secrets) => void self.learned.push(...secrets),
    }),
    identify: (credentials, wanted = ListTokens) => self.access.identity.identify(credentials, wanted),
    call(id, input, caller = admin) {
      const bound = self.access.domain.operations.find(({ operation }) => operation.id === id);
      assert.ok(bound);
      assert.ok(checkerOf(bound.operation.input).check(input));
      const emit = async ({ kind }: { kind: string }, data: object): Promise<void> =>
        void self.events.push({ kind, data });
      const ctx = { caller, corrId: "c1", now: clock.nowMs, emit } as unknown as Context;
      const output = bound.run(input as never, ctx);
      if (!(output instanceof Promise))
        assert.ok(checkerOf(bound.operation.output).check(output), "output fits its schema");
      return output;
    },
  };
  return self;
}

const cookieIn = (access: Access): string =>
  /^arw_session=([^;]*);/.exec(access.cookies.take(Signin.id, "c1") ?? "")?.[1] ?? "";
const token = (text: string, from = address): Credentials => ({ kind: "token", token: text, address: from });
const cookie = (text: string): Credentials => ({ kind: "cookie", cookie: text, address });
const throwsProblem = (run: () => unknown, definition: Parameters<typeof isProblem>[1]): void => {
  assert.throws(run, (error) => isProblem(error, definition));
};

function signIn(home: House): string {
  home.call("access.signin", { token: right });
  return cookieIn(home.access);
}

test("the check of a token is HMAC-SHA-256 of it, whatever its text", () => {
  const text = fc.string({ maxLength: 300, unit: "grapheme" });
  fc.assert(
    fc.property(text, text, (one, other) => {
      const { isRight: check, isKnown } = createTokenCheck({ salt, hash: tokenHash(salt, one) });
      assert.equal(isKnown(one), false);
      assert.equal(check(one), one !== "");
      assert.equal(isKnown(one), one !== "");
      // Again, by the shorter way.
      assert.equal(check(one), one !== "");
      assert.equal(check(other), one === other && one !== "");
      assert.equal(isKnown(other), one === other && one !== "");
    }),
  );
  assert.equal(createTokenCheck({ salt, hash: tokenHash(salt, right) }).isRight("x".repeat(100_000)), false);
});

test("the right token is the admin, no proof is nobody, a wrong one is refused", () => {
  const home = house();
  assert.deepEqual(home.identify(token(right)), admin);
  assert.equal(home.identify({ kind: "none", address }), null);
  throwsProblem(() => home.identify(token("wrong")), Unauthenticated);
});

test("wrong tokens run into a limit per address, which never holds up the right one", () => {
  const home = house();
  for (let count = 0; count < 3; count += 1) throwsProblem(() => home.identify(token("wrong")), Unauthenticated);
  assert.throws(
    () => home.identify(token("wrong")),
    (error) => isProblem(error, TooManyRequests) && error.extra["retryAfterMs"] === 60_000,
  );
  throwsProblem(() => home.identify(token("wrong", "192.0.2.2")), Unauthenticated);
  assert.deepEqual(home.identify(token(right)), admin);
  home.clock.advance(60_000);
  throwsProblem(() => home.identify(token("wrong")), Unauthenticated);
});

test("a code signs in once, in time", () => {
  const home = house();
  const { code, path } = home.call("access.code", {}) as { code: string; path: string };
  assert.equal(path, `/#code=${code}`);
  assert.deepEqual(home.call("access.signin", { code }), {
    caller: "person:admin",
    expiresAtMs: home.clock.nowMs() + sessionAgeMsMax,
  });
  assert.equal(home.identify(cookie(cookieIn(home.access)))?.id, "admin");
  throwsProblem(() => home.call("access.signin", { code }), CodeRefused);
  const late = home.call("access.code", {}) as { code: string };
  home.clock.advance(codeLifeMs);
  throwsProblem(() => home.call("access.signin", { code: late.code }), CodeRefused);
});

test("a clock that was ahead and is set back leaves no sign-in and no code that outlives its age", () => {
  const home = house();
  const dayMs = 86_400_000;
  home.clock.setWall(home.clock.nowMs() + 400 * dayMs);
  const ahead = signIn(home);
  const { code } = home.call("access.code", {}) as { code: string };
  home.clock.setWall(home.clock.nowMs() - 1000);
  assert.ok(home.identify(cookie(ahead)), "a small correction ends nothing");
  home.clock.setWall(home.clock.nowMs() - 400 * dayMs);
  assert.equal(home.identify(cookie(ahead)), null);
  throwsProblem(() => home.call("access.signin", { code }), CodeRefused);
});

test("only the newest codes are kept, and agents make none", () => {
  const home = house();
  const codes = Array.from({ length: codesMax + 1 }, () => (home.call("access.code", {}) as { code: string }).code);
  throwsProblem(() => home.call("access.signin", { code: codes[0] }), CodeRefused);
  home.call("access.signin", { code: codes[1] });
  throwsProblem(() => home.call("access.code", {}, { kind: "agent", id: "scout" }), Denied);
});

test("sign-in takes exactly one of code and token, and counts what fails", () => {
  const home = house();
  throwsProblem(() => home.call("access.signin", {}), InvalidInput);
  throwsProblem(() => home.call("access.signin", { code: "a", token: right }), InvalidInput);
  for (let count = 0; count < 3; count += 1)
    throwsProblem(() => home.call("access.signin", { token: "wrong" }), Unauthenticated);
  throwsProblem(() => home.call("access.signin", { code: "wrong" }), TooManyRequests);
  assert.notEqual(signIn(home), "");
});

test("the cookie is for this answer alone and cannot be read by scripts", () => {
  const home = house();
  home.call("access.signin", { token: right });
  assert.equal(home.access.cookies.take("access.whoami", "c1"), null);
  const header = home.access.cookies.take("access.signin", "c1") ?? "";
  assert.match(header, /^arw_session=[A-Za-z0-9_-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/);
  assert.equal(home.access.cookies.take("access.signin", "c1"), null);
});

test("a session ends by sign-out, by idleness and by age; an unknown cookie is nobody, not an error", () => {
  const home = house();
  const first = signIn(home);
  const caller = home.identify(cookie(first));
  assert.ok(caller);
  assert.deepEqual(home.call("access.signout", {}, caller), { signedOut: true });
  assert.match(home.access.cookies.take("access.signout", "c1") ?? "", /^arw_session=; Path=\/; Max-Age=0;/);
  assert.equal(home.identify(cookie(first)), null);
  assert.deepEqual(home.call("access.signout", {}, admin), { signedOut: false });

  const idle = signIn(home);
  home.clock.advance(sessionIdleMsMax);
  assert.ok(home.identify(cookie(idle)));
  home.clock.advance(sessionIdleMsMax + 1);
  assert.equal(home.identify(cookie(idle)), null);

  const old = signIn(home);
  const startedMs = home.clock.nowMs();
  while (home.clock.nowMs() - startedMs + sessionIdleMsMax <= sessionAgeMsMax) {
    home.clock.advance(sessionIdleMsMax);
    assert.ok(home.identify(cookie(old)));
  }
  home.clock.advance(1);
  assert.equal(home.identify(cookie(old)), null);
});

test("sessions survive a restart as hashes, and there are never too many", async () => {
  const home = house();
  const values = Array.from({ length: sessionsMax + 1 }, () => {
    home.clock.advance(1);
    return signIn(home);
  });
  await home.access[Symbol.asyncDispose]();
  assert.equal(home.stored.sessions.length, sessionsMax);
  assert.ok(!JSON.stringify(home.stored.sessions).includes(values.at(-1) ?? "-"));
  const next = house(home.stored, home.clock.nowMs());
  assert.equal(next.identify(cookie(values[0] ?? "")), null);
  assert.ok(next.identify(cookie(values.at(-1) ?? "")));
});

test("a person who is over every limit still stops and takes back, and each of those is counted by itself", () => {
  const table = [...contractTable().operations.values()].map(({ operation }) => operation);
  const waysOut = table.filter(({ isWayOut, effect }) => isWayOut === true && effect !== "read");
  assert.ok(waysOut.some(({ id }) => id === "halt.engage"));
  const home = house();
  for (const credentials of [token(right), cookie(signIn(home))]) {
    for (let count = 0; count < 3; count += 1) home.identify(credentials, CreateToken);
    for (let count = 0; count < 20; count += 1) home.identify(credentials, TestPolicies);
    for (let count = 0; count < 3; count += 1)
      throwsProblem(() => home.identify(token("wrong", `10.0.0.${count}`)), Unauthenticated);
    throwsProblem(() => home.identify(credentials, CreateToken), TooManyRequests);
    for (const operation of waysOut) assert.deepEqual(home.identify(credentials, operation), admin, operation.id);
    const [stop, other] = waysOut as [Operation, Operation];
    for (let count = 1; count < 20; count += 1) home.identify(credentials, stop);
    throwsProblem(() => home.identify(credentials, stop), TooManyRequests);
    home.identify(credentials, other);
  }
});

test("a session store that fails costs nobody the sign-in", async () => {
  const warnings: string[] = [];
  const access = createAccess({
    token: { salt, hash: tokenHash(salt, right) },
    sessions: { stored: [], store: { save: () => Promise.reject(new RangeError("disk")) } },
    randomBytes,
    tokens: { stored: noTokens, store: { save: async () => undefined } },
    clock: createManualClock(5),
    log: { info() {}, warn: (message) => void warnings.push(message), error() {} },
    rates: { admin: { limit: 3, windowMs: 60_000 }, reads: { limit: 20, windowMs: 60_000 } },
    learnSecrets: () => undefined,
  });
  const bound = access.domain.operations[0];
  bound?.run({ token: right } as never, { caller: admin, corrId: "c1", now: () => 5 } as unknown as Context);
  await access[Symbol.asyncDispose]();
  assert.equal(warnings.length, 1);
  assert.ok(access.identity.identify(cookie(cookieIn(access)), ListTokens));
});
