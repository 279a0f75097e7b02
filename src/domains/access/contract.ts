/** Access: who is signed in, and how a browser gets there without ever holding the token. */
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, Type } from "../../contract/schema.ts";
import { TooManyRequests, Unauthenticated } from "../../contract/standard-problems.ts";

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
  about: "Swap a one-time code, or the admin token, for a browser sign-in cookie.",
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
  isIdempotent: true,
  about: "End this browser's sign-in.",
  input: closed({}),
  output: closed({ signedOut: Type.Boolean() }),
});
export const Whoami = op({
  id: "access.whoami",
  http: "GET /whoami",
  cli: "whoami",
  effect: "read",
  about: "Say who the hub takes this caller for.",
  input: closed({}),
  output: closed({ caller: Type.String() }),
});
