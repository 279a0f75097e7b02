/** Failures on the wire: RFC 9457 documents, and nothing else ever leaves the hub as an error. */
import { isProblem, Problem, type ProblemDefinition, problemDocument } from "../../contract/problem.ts";
import {
  Cancelled,
  DeadlineExceeded,
  Internal,
  InvalidInput,
  TooLarge,
  TooManyRequests,
  Unauthenticated,
} from "../../contract/standard-problems.ts";
import type { Log } from "../../kernel/ports.ts";
import { baseHeaders, write } from "./answers.ts";
import type { Exchange } from "./exchange.ts";

export const problemMedia = "application/problem+json; charset=utf-8";

/** What Node calls its refusals, in our words. The message is ours: its own may quote the request. */
const foreign: Readonly<Record<string, readonly [definition: ProblemDefinition, detail: string]>> = {
  ECONNRESET: [Cancelled, "The client left before the request was complete."],
  HPE_HEADER_OVERFLOW: [TooLarge, "The header lines are larger than the limit."],
  ERR_HTTP_REQUEST_TIMEOUT: [DeadlineExceeded, "The request did not arrive in time."],
};

/** Any thrown value as the problem to answer with. A defect is logged here, once, and its message stays inside. */
export function toProblem(error: unknown, corrId: string, log: Log): Problem {
  if (isProblem(error)) return error;
  const { code, statusCode, stack } = Object(error) as { code?: unknown; statusCode?: unknown; stack?: unknown };
  const known = typeof code === "string" ? foreign[code] : undefined;
  if (known !== undefined) return new Problem(known[0], known[1], { cause: error });
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500)
    return new Problem(InvalidInput, "The request is not well formed.", { cause: error });
  log.error("a request failed inside", {
    corrId,
    error: String(error),
    stack: typeof stack === "string" ? stack : undefined,
  });
  return new Problem(Internal, "Something failed inside the hub. The log has the details under this correlation id.");
}

export function sendProblem({ response, corrId }: Exchange, error: Problem): void {
  const { status, code } = error.definition;
  const headers = refusalHeaders(error, corrId);
  headers.push("content-type", problemMedia);
  if (code === Unauthenticated.code) headers.push("www-authenticate", 'Bearer realm="arw"');
  write(response, { status, headers, body: JSON.stringify(problemDocument(error, corrId)) });
}

/** What every refusal carries, in whatever form its body is. */
export function refusalHeaders(error: Problem, corrId: string): string[] {
  const headers = [...baseHeaders(corrId), "cache-control", "no-store"];
  const retryAfter = retryAfterS(error);
  if (retryAfter !== null) headers.push("retry-after", retryAfter);
  const allow = error.extra["allow"];
  if (error.definition.status === 405 && Array.isArray(allow)) headers.push("allow", allow.join(", "));
  return headers;
}

/** A whole HTTP/1.1 answer for connections that never became a request. */
export function rawProblem(error: Problem, corrId: string): string {
  const body = JSON.stringify(problemDocument(error, corrId));
  return [
    `HTTP/1.1 ${error.definition.status} ${error.definition.title}`,
    `Content-Type: ${problemMedia}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-ARW-Corr: ${corrId}`,
    "X-Content-Type-Options: nosniff",
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}

export const tooBusy = (detail: string, retryAfterMs: number): Problem =>
  new Problem(TooManyRequests, detail, { retryAfterMs });

export function retryAfterS(error: Problem): string | null {
  const { retryAfterMs } = error.extra;
  return typeof retryAfterMs === "number" ? String(Math.max(1, Math.ceil(retryAfterMs / 1000))) : null;
}
