/** Access: who is signed in, with which token, and how a browser gets there without ever holding one. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { NotFound, StoreFailed, TooManyRequests, Unauthenticated } from "../../contract/standard-problems.ts";
import { tokenRoles } from "./port.ts";

export const CodeRefused = problem({
  code: "access.code-refused",
  status: 401,
  title: "Sign-in link refused",
  about: "The link was used before, is older than 10 minutes, or is not from this hub. `arw signin` makes a new one.",
});

export const Signin = op({
  id: "access.signin",
  http: "POST /signin",
  cli: "",
  effect: "write",
  isPublic: true,
  isSecret: true,
  about: "Swap a one-time code, or the token of a person, for a browser sign-in cookie.",
  input: closed({
    code: Type.Optional(Type.String({ maxLength: 200 })),
    token: Type.Optional(Type.String({ maxLength: 500 })),
  }),
  output: closed({ caller: Type.String(), expiresAtMs: EpochMs }),
  problems: [CodeRefused, Unauthenticated, TooManyRequests],
});
export const SigninCode = op({
  id: "access.code",
  http: "POST /signin/code",
  cli: "signin",
  effect: "write",
  isForPersons: true,
  isSecret: true,
  isOpenWhenHalted: true,
  about: "Make a sign-in link that works once, within 10 minutes.",
  input: closed({}),
  output: closed({
    code: Type.String(),
    path: Type.String({ description: "`/#code=…`, to be put behind the hub's address." }),
    expiresAtMs: EpochMs,
  }),
});
export const Signout = op({
  id: "access.signout",
  http: "POST /signout",
  cli: "",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  // To leave needs no right, also of who only reads; whoever came by no sign-in ends none.
  isPublic: true,
  isOpenWhenHalted: true,
  about: "End this browser's sign-in.",
  input: closed({}),
  output: closed({ signedOut: Type.Boolean() }),
});
export const Whoami = op({
  id: "access.whoami",
  http: "GET /whoami",
  cli: "whoami",
  effect: "read",
  isWayOut: true,
  about: "Say who the hub takes this caller for.",
  input: closed({}),
  output: closed({ caller: Type.String() }),
});

const Role = oneOf(tokenRoles, "What its holder is: an observer only reads, and agents and nodes never make tokens.");
const TokenName = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
  description: "Name of the token, by which rules, events and the audit log call its holder.",
});
/** More patterns than this say nothing that a broader one does not. */
const keysMax = 60;
const Keys = Type.Array(Type.String({ pattern: "^(\\*|[a-z][A-Za-z0-9_.:-]*\\*?)$", maxLength: 200 }), {
  minItems: 1,
  maxItems: keysMax,
  description: "Gate key, or beginning of one with `*`, that the token reaches; repeat it for more.",
});

const tokenFacts = { name: TokenName, role: Role, key: Keys, expiresAtMs: EpochMs };
export const TokenCreated = event({
  kind: "access.token.created",
  about: "A named token was made; what it reads is told to nobody but its maker.",
  data: closed(tokenFacts),
});
export const TokenRotated = event({
  kind: "access.token.rotated",
  about: "A named token got a new text, and the old one ended at once.",
  data: closed(tokenFacts),
});
export const TokenRevoked = event({
  kind: "access.token.revoked",
  about: "A named token was taken away, with its open streams and sign-ins.",
  data: closed({ name: TokenName, role: Role }),
});

export const TokenExists = problem({
  code: "access.token-exists",
  status: 409,
  title: "Name is taken",
  about: "A token of this name exists. Rotate it, remove it, or choose another name.",
});
export const TooManyTokens = problem({
  code: "access.too-many-tokens",
  status: 409,
  title: "Too many tokens",
  about: "The hub keeps no more named tokens than this. Remove those that are not used.",
});

const MadeToken = closed({
  ...tokenFacts,
  token: Type.String({ description: "The token. It is shown this once and kept nowhere." }),
});

export const CreateToken = op({
  id: "access.tokens.create",
  http: "POST /access/tokens",
  cli: "token create <name>",
  effect: "write",
  isForPersons: true,
  isSecret: true,
  about: "Make a named token that reaches no more than the keys given, and ends by itself.",
  input: closed({
    name: TokenName,
    role: Role,
    key: Keys,
    ttl: Type.Optional(
      Type.String({
        pattern: "^[1-9][0-9]{0,5}[mhd]$",
        default: "90d",
        description: "How long it works: minutes, hours or days, as `30d`; at most ten years.",
      }),
    ),
  }),
  output: MadeToken,
  problems: [TokenExists, TooManyTokens, StoreFailed],
  emits: [TokenCreated],
});
export const ListedToken = closed({
  ...tokenFacts,
  createdAtMs: EpochMs,
  isExpired: Type.Boolean(),
  usedAtMs: Type.Union([EpochMs, Type.Null()], {
    description: "When it was last used since the hub started, epoch milliseconds.",
  }),
});
export type ListedToken = Static<typeof ListedToken>;
export const ListTokens = op({
  id: "access.tokens.list",
  http: "GET /access/tokens",
  cli: "token list",
  effect: "read",
  isWayOut: true,
  isForPersons: true,
  about: "List the named tokens with role, keys and end; what they read is not known to the hub.",
  input: closed({}),
  output: closed({ tokens: Type.Array(ListedToken) }),
});
export const RotateToken = op({
  id: "access.tokens.rotate",
  http: "POST /access/tokens/{name}/rotate",
  cli: "token rotate <name>",
  effect: "write",
  isWayOut: true,
  isForPersons: true,
  isSecret: true,
  isOpenWhenHalted: true,
  about: "Give a named token a new text with the same role and keys; the old text and what it opened end at once.",
  input: closed({ name: TokenName }),
  output: MadeToken,
  problems: [NotFound, StoreFailed],
  emits: [TokenRotated],
});
export const RevokeToken = op({
  id: "access.tokens.revoke",
  http: "DELETE /access/tokens/{name}",
  cli: "token rm <name>",
  effect: "destroy",
  isWayOut: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "Take a named token away; its open streams and sign-ins end at once.",
  input: closed({ name: TokenName }),
  output: closed({ name: TokenName, endedSessions: Type.Integer({ minimum: 0 }) }),
  problems: [NotFound, StoreFailed],
  emits: [TokenRevoked],
});
