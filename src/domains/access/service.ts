/** Access: recognises callers by token or cookie, counts what they do, and turns codes and tokens into cookies. */
import { type Caller, callerName } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied, InvalidInput, Unauthenticated } from "../../contract/standard-problems.ts";
import type { Clock, Credentials, Identity, Log } from "../../kernel/ports.ts";
import { createCodes } from "./codes.ts";
import {
  CodeRefused,
  Signin,
  SigninCode,
  Signout,
  TokenCreated,
  TokenRevoked,
  TokenRotated,
  Whoami,
} from "./contract.ts";
import { createCookies } from "./cookies.ts";
import { createLimits, type Rates } from "./limits.ts";
import type { SessionStore, StoredSession, StoredToken, StoredTokens, TokenStore } from "./port.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { createTokenBook, type TokenBook, type TokenEntry } from "./token-book.ts";
import { createTokenCheck } from "./token-check.ts";
import { tokenOperations } from "./token-operations.ts";

export interface AccessDeps {
  readonly token: StoredToken;
  readonly tokens: { readonly stored: StoredTokens; readonly store: TokenStore };
  readonly sessions: { readonly stored: readonly StoredSession[]; readonly store: SessionStore };
  readonly randomBytes: (count: number) => Uint8Array;
  readonly clock: Pick<Clock, "nowMs" | "after">;
  readonly log: Log;
  /** From `access.adminRateLimit` and `access.readRateLimit`. */
  readonly rates: Rates;
  /** Told what must never be seen again, before anybody else is. */
  readonly learnSecrets: (secrets: readonly string[]) => void;
}

export interface Access extends AsyncDisposable {
  readonly domain: Domain;
  readonly identity: Identity;
  /** `Set-Cookie` values that sign-in and sign-out leave for the answer of that very call. */
  readonly cookies: { take(operationId: string, corrId: string): string | null };
}

/** Failed sign-ins come without an address; they share one count, which holds up nobody who is right. */
const signinKey = "signin";

const admin: Caller = Object.freeze({ kind: "person", id: "admin" });
const cookieOf = (value: string, ageS: number): string =>
  `arw_session=${value}; Path=/; Max-Age=${ageS}; HttpOnly; SameSite=Strict`;

export function createAccess(deps: AccessDeps): Access {
  const { clock } = deps;
  const adminToken = createTokenCheck(deps.token);
  const limits = createLimits(deps.rates);
  const book = createTokenBook({ ...deps.tokens, randomBytes: deps.randomBytes, clock });
  const sessions = createSessions({
    ...deps.sessions,
    randomBytes: deps.randomBytes,
    log: deps.log,
    tokenOf: book.byHash,
    nowMs: clock.nowMs(),
  });
  const signins = createSignins({ deps, isAdminToken: adminToken.isRight, limits, book, sessions });

  const callerBy = (token: string, nowMs: number): Caller | null => {
    // What is cheap to know is asked first.
    if (adminToken.isKnown(token)) return admin;
    return book.find(token, nowMs)?.caller ?? (adminToken.isRight(token) ? admin : null);
  };
  const identify: Identity["identify"] = (credentials, wanted) => {
    if (credentials.kind === "caller") return credentials.caller;
    if (credentials.kind === "none") return null;
    const { address } = credentials;
    const nowMs = clock.nowMs();
    if (credentials.kind === "cookie") {
      const caller = sessions.find(credentials.cookie, nowMs);
      // A stale cookie is no attack and no error: its browser must still reach the sign-in.
      if (caller !== null)
        limits.call({ name: `${sessions.holder(caller)} ${address}`, isPerson: true }, wanted, nowMs);
      return caller;
    }
    // The right token passes before wrong ones are counted, so no flood of those shuts its owner out.
    const caller = callerBy(credentials.token, nowMs);
    if (caller !== null) {
      limits.call({ name: `${callerName(caller)} ${address}`, isPerson: caller.kind === "person" }, wanted, nowMs);
      return caller;
    }
    limits.wrong(address, nowMs);
    throw new Problem(Unauthenticated, "The token is none of this hub, or not any more.");
  };

  const isKnown = (credentials: Credentials): boolean => {
    const nowMs = clock.nowMs();
    if (credentials.kind === "cookie") return sessions.find(credentials.cookie, nowMs) !== null;
    if (credentials.kind === "token") return callerBy(credentials.token, nowMs) !== null;
    return credentials.kind === "caller";
  };

  return {
    domain: {
      name: "access",
      operations: [
        ...signins.operations,
        bind(Whoami, (_input, ctx) => ({ caller: callerName(ctx.caller) })),
        ...tokenOperations({ book, sessions, learnSecrets: deps.learnSecrets }),
      ],
      events: [TokenCreated, TokenRotated, TokenRevoked],
      views: [],
    },
    identity: { identify, isKnown, ending: (caller) => endingOf(caller, { book, sessions }) },
    cookies: signins.cookies,
    [Symbol.asyncDispose]: () => sessions.flush(),
  };
}

/** What a caller opened ends with their sign-in, and with the token that they came by. */
function endingOf(
  caller: Caller,
  { book, sessions }: { readonly book: TokenBook; readonly sessions: Sessions },
): AbortSignal | undefined {
  const session = sessions.ending(caller);
  const token = caller.reach === undefined ? undefined : book.byName(caller.reach.token)?.ending;
  return session === undefined || token === undefined ? (session ?? token) : AbortSignal.any([session, token]);
}

interface SigninDeps {
  readonly deps: AccessDeps;
  readonly isAdminToken: (token: string) => boolean;
  readonly limits: ReturnType<typeof createLimits>;
  readonly book: TokenBook;
  readonly sessions: Sessions;
}

function createSignins({ deps, isAdminToken, limits, book, sessions }: SigninDeps) {
  const codes = createCodes(deps.randomBytes);
  const cookies = createCookies();

  /** Whose sign-in the input proves: a named token's, the admin's as null. Throws what refuses it. */
  const holderOf = ({ code, token }: Static<typeof Signin.input>, nowMs: number): TokenEntry | null => {
    if (code !== undefined) {
      const used = codes.use(code, nowMs);
      const entry = used === null || used.tokenHash === null ? null : book.byHash(used.tokenHash, nowMs);
      if (used !== null && (used.tokenHash === null || entry !== null)) return entry;
      limits.wrong(signinKey, nowMs);
      throw new Problem(CodeRefused, "This sign-in link does not work, or does not work any more.");
    }
    if (token !== undefined && isAdminToken(token)) return null;
    const entry = book.find(token ?? "", nowMs);
    if (entry !== null) return entry;
    limits.wrong(signinKey, nowMs);
    throw new Problem(Unauthenticated, "The token is none of this hub, or not any more.");
  };
  const signin = (input: Static<typeof Signin.input>, ctx: Context): Static<typeof Signin.output> => {
    if ((input.code === undefined) === (input.token === undefined))
      throw new Problem(InvalidInput, "Give a code or a token, and not both.");
    const nowMs = ctx.now();
    const by = holderOf(input, nowMs);
    const caller = by?.caller ?? admin;
    mustBePerson(caller, "Browsers are for people: an agent or a node sends its token with each call.");
    const { value, expiresAtMs } = sessions.open(by, nowMs);
    cookies.leave(Signin.id, ctx.corrId, cookieOf(value, Math.max(1, Math.floor((expiresAtMs - nowMs) / 1000))));
    return { caller: callerName(caller), expiresAtMs };
  };
  const signout = (ctx: Context): Static<typeof Signout.output> => {
    const signedOut = sessions.end(ctx.caller);
    cookies.leave(Signout.id, ctx.corrId, cookieOf("", 0));
    return { signedOut };
  };
  const makeCode = ({ caller, now }: Context): Static<typeof SigninCode.output> => {
    // A link is as good as the token it is made with: only a person may hand one out, whatever else was granted to an agent.
    mustBePerson(caller, "Only a person can make a sign-in link.");
    const entry = caller.reach === undefined ? null : book.byName(caller.reach.token);
    if (entry === undefined) throw new Problem(Unauthenticated, "The token that this call came by is gone.");
    const { code, expiresAtMs } = codes.make(entry?.stored.hash ?? null, now());
    return { code, path: `/#code=${code}`, expiresAtMs };
  };
  return {
    cookies,
    operations: [
      bind(Signin, signin),
      bind(SigninCode, (_input, ctx) => makeCode(ctx)),
      bind(Signout, (_input, ctx) => signout(ctx)),
    ],
  };
}

function mustBePerson({ kind }: Caller, detail: string): void {
  if (kind !== "person")
    throw new Problem(Denied, detail, {
      rule: "access.person",
      source: "built-in",
      next: "let a person make the call",
    });
}
