/** Access: recognises callers by token or cookie, and turns codes and tokens into cookies. */
import { createRateWindow, type RateWindow } from "../../base/rate-window.ts";
import { type Caller, callerName } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem, type ProblemDefinition } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied, InvalidInput, TooManyRequests, Unauthenticated } from "../../contract/standard-problems.ts";
import type { Identity, Log } from "../../kernel/ports.ts";
import { createCodes } from "./codes.ts";
import { CodeRefused, Signin, SigninCode, Signout, Whoami } from "./contract.ts";
import type { SessionStore, StoredSession, StoredToken } from "./port.ts";
import { createSessions, sessionAgeMsMax } from "./sessions.ts";
import { createTokenCheck } from "./token-check.ts";

export interface AccessDeps {
  readonly token: StoredToken;
  readonly sessions: { readonly stored: readonly StoredSession[]; readonly store: SessionStore };
  readonly randomBytes: (count: number) => Uint8Array;
  readonly now: () => number;
  readonly log: Log;
  /** Wrong tokens that one address may send; from `access.adminRateLimit`. */
  readonly failures: { readonly limit: number; readonly windowMs: number };
}

export interface Access extends AsyncDisposable {
  readonly domain: Domain;
  readonly identity: Identity;
  /** `Set-Cookie` values that sign-in and sign-out leave for the answer of that very call. */
  readonly cookies: { take(operationId: string, corrId: string): string | null };
}

/** Addresses remembered for their wrong tokens; the window forgets the quiet ones first. */
const addressesMax = 4_096;
/** Answers that may be on their way at once with a cookie; they wait for microseconds. */
const cookiesWaitingMax = 256;
/** Failed sign-ins come without an address; they share one count, which holds up nobody who is right. */
const signinKey = "signin";

const admin: Caller = Object.freeze({ kind: "person", id: "admin" });
const cookieOf = (value: string, ageS: number): string =>
  `arw_session=${value}; Path=/; Max-Age=${ageS}; HttpOnly; SameSite=Strict`;

type SigninInput = Static<typeof Signin.input>;

export function createAccess(deps: AccessDeps): Access {
  const isToken = createTokenCheck(deps.token);
  const sessions = createSessions({ ...deps.sessions, randomBytes: deps.randomBytes, log: deps.log });
  const codes = createCodes(deps.randomBytes);
  const failures = createRateWindow({ ...deps.failures, keysMax: addressesMax });
  const cookies = createCookies();

  const signin = (input: SigninInput, ctx: Context): Static<typeof Signin.output> => {
    if ((input.code === undefined) === (input.token === undefined))
      throw new Problem(InvalidInput, "Give a code or a token, and not both.");
    const nowMs = ctx.now();
    if (input.code !== undefined && !codes.use(input.code, nowMs))
      throw failure(failures, signinKey, { nowMs, definition: CodeRefused });
    if (input.token !== undefined && !isToken(input.token))
      throw failure(failures, signinKey, { nowMs, definition: Unauthenticated });
    const { value, expiresAtMs } = sessions.open(nowMs);
    cookies.leave(Signin.id, ctx.corrId, cookieOf(value, sessionAgeMsMax / 1000));
    return { caller: callerName(admin), expiresAtMs };
  };

  const signout = (ctx: Context): Static<typeof Signout.output> => {
    const signedOut = sessions.end(ctx.caller);
    cookies.leave(Signout.id, ctx.corrId, cookieOf("", 0));
    return { signedOut };
  };

  const makeCode = (ctx: Context): Static<typeof SigninCode.output> => {
    // A link is as good as the token: only a person may hand one out, whatever else was granted to an agent.
    if (ctx.caller.kind !== "person")
      throw new Problem(Denied, "Only a person can make a sign-in link.", {
        rule: "access.person",
        source: "built-in",
      });
    const { code, expiresAtMs } = codes.make(ctx.now());
    return { code, path: `/#code=${code}`, expiresAtMs };
  };

  return {
    domain: {
      name: "access",
      operations: [
        bind(Signin, signin),
        bind(SigninCode, (_input, ctx) => makeCode(ctx)),
        bind(Signout, (_input, ctx) => signout(ctx)),
        bind(Whoami, (_input, ctx) => ({ caller: callerName(ctx.caller) })),
      ],
      events: [],
      views: [],
    },
    identity: {
      identify(credentials) {
        if (credentials.kind === "caller") return credentials.caller;
        if (credentials.kind === "none") return null;
        // A stale cookie is no attack and no error: its browser must still reach the sign-in.
        if (credentials.kind === "cookie") return sessions.find(credentials.cookie, deps.now());
        // The right token passes before anything is counted, so no flood of wrong ones shuts its owner out.
        if (isToken(credentials.token)) return admin;
        throw failure(failures, credentials.address, { nowMs: deps.now(), definition: Unauthenticated });
      },
    },
    cookies,
    [Symbol.asyncDispose]: () => sessions.flush(),
  };
}

function failure(
  failures: RateWindow,
  key: string,
  { nowMs, definition }: { nowMs: number; definition: ProblemDefinition },
): Problem {
  const answer = failures.take(key, nowMs);
  if (!answer.ok)
    return new Problem(TooManyRequests, "Too many wrong tokens or codes.", { retryAfterMs: answer.retryAfterMs });
  return definition === CodeRefused
    ? new Problem(CodeRefused, "This sign-in link does not work, or does not work any more.")
    : new Problem(definition, "The token is not the admin token of this hub.");
}

/**
 * Keyed by operation and correlation id together: who joins somebody else's id must succeed with the same operation to be
 * answered at all, and then has a cookie of their own.
 */
function createCookies(): Access["cookies"] & { leave(operationId: string, corrId: string, cookie: string): void } {
  const waiting = new Map<string, string>();
  return {
    leave(operationId, corrId, cookie) {
      for (const key of waiting.keys()) {
        if (waiting.size < cookiesWaitingMax) break;
        waiting.delete(key);
      }
      waiting.set(`${operationId} ${corrId}`, cookie);
    },
    take(operationId, corrId) {
      if (waiting.size === 0) return null;
      const key = `${operationId} ${corrId}`;
      const cookie = waiting.get(key) ?? null;
      waiting.delete(key);
      return cookie;
    },
  };
}
