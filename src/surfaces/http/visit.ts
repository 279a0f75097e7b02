/** One request on its way: what every stage of the surface needs to know of it. */
import type { IncomingHttpHeaders } from "node:http";
import { isCorrelationId, parseTraceparent } from "../../base/ids.ts";
import { Problem } from "../../contract/problem.ts";
import { Cancelled, InvalidInput } from "../../contract/standard-problems.ts";
import type { Credentials } from "../../kernel/ports.ts";

export interface Visit {
  corrId: string;
  /** Where the request comes from; see `client-address.ts`. */
  address: string;
  /** Aborts when the client leaves before its answer is complete. */
  readonly controller: AbortController;
  isStream: boolean;
}

export const corrHeader = "x-arw-corr";
export const sessionCookie = "arw_session";
const bearerPrefix = "bearer ";

/** The id that the request brought, or null. A trace id joins as it is. Throws `InvalidInput` when it is malformed. */
export function broughtCorrId(headers: IncomingHttpHeaders): string | null {
  const own = headers[corrHeader];
  if (typeof own === "string") {
    if (isCorrelationId(own)) return own;
    throw refuse("X-ARW-Corr", "must be 1 to 64 letters, digits, dots, dashes or underscores");
  }
  const trace = headers["traceparent"];
  if (typeof trace !== "string") return null;
  const parsed = parseTraceparent(trace);
  if (parsed === null) throw refuse("traceparent", "must be a W3C trace context");
  return parsed.traceId;
}

export function abortVisit(visit: Visit): void {
  if (!visit.controller.signal.aborted)
    visit.controller.abort(new Problem(Cancelled, "The client left before the answer was complete."));
}

/** A token wins over a cookie: a program that sends one means it. */
export function credentialsOf(headers: IncomingHttpHeaders, address: string): Credentials {
  const token = tokenOf(headers);
  if (token !== null) return { kind: "token", token, address };
  const cookie = headers.cookie === undefined ? null : cookieOf(headers.cookie);
  if (cookie !== null) return { kind: "cookie", cookie, address };
  return { kind: "none", address };
}

function tokenOf(headers: IncomingHttpHeaders): string | null {
  const { authorization } = headers;
  if (authorization !== undefined && authorization.slice(0, bearerPrefix.length).toLowerCase() === bearerPrefix)
    return authorization.slice(bearerPrefix.length).trim();
  const own = headers["x-arw-admin"];
  return typeof own === "string" ? own : null;
}

function cookieOf(header: string): string | null {
  for (const part of header.split(";")) {
    const at = part.indexOf("=");
    if (part.slice(0, at).trim() === sessionCookie) return part.slice(at + 1).trim();
  }
  return null;
}

function refuse(header: string, message: string): Problem {
  return new Problem(InvalidInput, `The header ${header} ${message}.`, { faults: [{ at: header, message }] });
}
