/** Failures on the wire: RFC 9457 documents, and nothing else ever leaves the hub as an error. */
import type { FastifyReply } from "fastify";
import { isProblem, Problem, type ProblemDefinition, problemDocument } from "../../contract/problem.ts";
import {
  Cancelled,
  DeadlineExceeded,
  Internal,
  InvalidInput,
  TooLarge,
  TooManyRequests,
  Unauthenticated,
  UnsupportedMedia,
} from "../../contract/standard-problems.ts";
import type { Log } from "../../kernel/ports.ts";

export const problemMedia = "application/problem+json; charset=utf-8";

/** What Fastify and Node call their refusals, in our words. The message is ours: theirs may quote the request. */
const foreign: Readonly<Record<string, readonly [definition: ProblemDefinition, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [TooLarge, "The body is larger than the limit."],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [UnsupportedMedia, "Send the body as application/json."],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [InvalidInput, "The body is not as long as Content-Length says."],
  FST_ERR_BAD_URL: [InvalidInput, "The address is not a valid URL path."],
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

/** What every answer carries, whoever writes it. */
export function addBaseHeaders(reply: FastifyReply, corrId: string): FastifyReply {
  return reply.header("x-arw-corr", corrId).header("x-content-type-options", "nosniff");
}

export function sendProblem(reply: FastifyReply, error: Problem, corrId: string): void {
  const { status, code } = error.definition;
  addRefusalHeaders(reply, error, corrId).code(status).header("content-type", problemMedia);
  if (code === Unauthenticated.code) reply.header("www-authenticate", 'Bearer realm="arw"');
  reply.send(JSON.stringify(problemDocument(error, corrId)));
}

/** What every refusal carries, in whatever form its body is. */
export function addRefusalHeaders(reply: FastifyReply, error: Problem, corrId: string): FastifyReply {
  addBaseHeaders(reply, corrId).header("cache-control", "no-store");
  const retryAfter = retryAfterS(error);
  if (retryAfter !== null) reply.header("retry-after", retryAfter);
  const allow = error.extra["allow"];
  if (error.definition.status === 405 && Array.isArray(allow)) reply.header("allow", allow.join(", "));
  return reply;
}

/** A whole HTTP/1.1 answer for connections that never became a request Fastify knows. */
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
