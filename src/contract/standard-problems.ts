/** The problems that every operation may answer with, because the corridor itself raises them. */
import { type ProblemDefinition, problem } from "./problem.ts";

export const InvalidInput = problem({
  code: "arw.invalid-input",
  status: 400,
  title: "Invalid input",
  about: "The input does not match the operation's schema. `faults` names each place and what was expected there.",
});
export const Unauthenticated = problem({
  code: "arw.unauthenticated",
  status: 401,
  title: "Sign in first",
  about: "No valid token or sign-in came with the request. `arw signin` prints a link; programs send a bearer token.",
});
export const Denied = problem({
  code: "arw.denied",
  status: 403,
  title: "Denied by a rule",
  about: "A rule denies this to this caller. `rule` and `source` name it; nothing was done.",
});
export const Halted = problem({
  code: "arw.halted",
  status: 503,
  title: "The hub is halted",
  about:
    "A person stopped everything. `by`, `haltedAtMs` and `reason` say who, when and why; agents, plugins, nodes and workers wait until a person releases the hub with `arw stop --release`.",
});
export const ApprovalDenied = problem({
  code: "arw.approval-denied",
  status: 403,
  title: "Not approved",
  about: "A person was asked and said no, or nobody answered in time. Nothing was done.",
});
export const NotFound = problem({
  code: "arw.not-found",
  status: 404,
  title: "Not found",
  about: "There is nothing under this address or id.",
});
export const MethodNotAllowed = problem({
  code: "arw.method-not-allowed",
  status: 405,
  title: "Method not allowed",
  about: "The address exists, but not for this method. `allow` lists the methods it has.",
});
export const TooLarge = problem({
  code: "arw.too-large",
  status: 413,
  title: "Too large",
  about: "The request is larger than the limit in `sizeBytesMax`.",
});
export const UnsupportedMedia = problem({
  code: "arw.unsupported-media",
  status: 415,
  title: "Unsupported media type",
  about: "Send the body as `application/json`.",
});
export const WrongOrigin = problem({
  code: "arw.wrong-origin",
  status: 403,
  title: "Wrong host or origin",
  about: "The Host or Origin header names a site that is not this hub. This stops other web pages from reaching it.",
});
export const AddressRefused = problem({
  code: "arw.address-refused",
  status: 403,
  title: "Address not allowed",
  about: "The request comes from an address that `server.allowAddresses` does not name.",
});
export const TooManyRequests = problem({
  code: "arw.too-many-requests",
  status: 429,
  title: "Too many requests",
  about: "A limit is reached. `Retry-After` says when the next try may succeed.",
});
export const BudgetExceeded = problem({
  code: "arw.budget-exceeded",
  status: 429,
  title: "The budget is used up",
  about:
    "An allowance has less left than this call can use at most. `allowance` and `rule` name it, `left` and `wanted` say how much; `Retry-After` says when its next window begins. Nothing was done.",
});
export const Cancelled = problem({
  code: "arw.cancelled",
  status: 499,
  title: "Cancelled",
  about: "The caller left or the episode was stopped before the call ended.",
});
export const DeadlineExceeded = problem({
  code: "arw.deadline-exceeded",
  status: 504,
  title: "Took too long",
  about: "The call did not end within its time limit and was stopped.",
});
export const ShuttingDown = problem({
  code: "arw.shutting-down",
  status: 503,
  title: "The hub is stopping",
  about: "The hub takes no new work while it stops. Start it again, then retry.",
});
export const StoreFull = problem({
  code: "arw.store-full",
  status: 507,
  title: "No space left",
  about: "The disk that holds the state directory is full. Nothing acknowledged was lost; free some space, then retry.",
});
export const StoreFailed = problem({
  code: "arw.store-failed",
  status: 503,
  title: "The store did not take the write",
  about: "The event could not be written, so nothing was done. `arw doctor` or the log tells why.",
});
export const Internal = problem({
  code: "arw.internal",
  status: 500,
  title: "Internal error",
  about: "A defect in ARW. The correlation id in `instance` finds it in the log.",
});

export const standardProblems: readonly ProblemDefinition[] = [
  InvalidInput,
  Unauthenticated,
  Denied,
  Halted,
  ApprovalDenied,
  NotFound,
  MethodNotAllowed,
  TooLarge,
  UnsupportedMedia,
  WrongOrigin,
  AddressRefused,
  TooManyRequests,
  BudgetExceeded,
  Cancelled,
  DeadlineExceeded,
  ShuttingDown,
  StoreFull,
  StoreFailed,
  Internal,
];
