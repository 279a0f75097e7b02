/** Reads the body of a request: JSON of a bounded size, whole or not at all. */
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { Problem } from "../../contract/problem.ts";
import { Cancelled, TooLarge, UnsupportedMedia } from "../../contract/standard-problems.ts";
import type { Exchange } from "./exchange.ts";
import { checkMedia, type JsonObject, parseBody } from "./json-body.ts";
import type { HttpLimits } from "./limits.ts";

/** What comes along with these means nothing (RFC 9110, 9.3). */
const bodyless: ReadonlySet<string> = new Set(["GET", "HEAD", "TRACE"]);

/** Whether one has to arrive. Throws what refuses it by its header lines. */
export function bringsBody(
  { method, headers, response }: Exchange,
  { bodyBytesMax }: Pick<HttpLimits, "bodyBytesMax">,
): boolean {
  if (bodyless.has(method)) return false;
  const media = headers["content-type"];
  if (media === undefined && !bringsBytes(headers)) return false;
  checkMedia(media ?? "");
  checkCodings(headers);
  if (Number(headers["content-length"]) > bodyBytesMax) throw tooLarge(response);
  return true;
}

/**
 * For whoever may not be read. What was announced, Node passes over without keeping it, and the connection goes on: clients
 * send it before they look for an answer. Of what was not announced there may be no end.
 */
export function leaveBody({ headers, response }: Exchange): void {
  if (headers["transfer-encoding"] !== undefined) response.shouldKeepAlive = false;
}

/** Undefined where it is empty. Rejects with what refuses it. */
export function readBody(
  { request, response }: Exchange,
  { bodyBytesMax, jsonDepthMax }: Pick<HttpLimits, "bodyBytesMax" | "jsonDepthMax">,
): Promise<JsonObject | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    const take = (part: Buffer): void => {
      sizeBytes += part.length;
      parts.push(part);
      if (sizeBytes <= bodyBytesMax) return;
      request.off("data", take);
      parts.length = 0;
      reject(tooLarge(response));
    };
    request.on("data", take);
    request.once("end", () => {
      try {
        if (sizeBytes <= bodyBytesMax) resolve(parseBody(wholeOf(parts), jsonDepthMax));
      } catch (error) {
        reject(error);
      }
    });
    request.once("error", (cause) =>
      reject(new Problem(Cancelled, "The client left before the request was complete.", { cause })),
    );
  });
}

/** Nearly every body comes in one piece, which is then read where it lies. */
const wholeOf = (parts: readonly Buffer[]): Buffer => {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
};

/** Bytes that were packed are not unpacked: a small body would become one of any size. */
function checkCodings(headers: IncomingHttpHeaders): void {
  const packed = headers["content-encoding"] ?? "identity";
  const sent = headers["transfer-encoding"] ?? "chunked";
  if (packed.toLowerCase() !== "identity" || sent.toLowerCase() !== "chunked")
    throw new Problem(UnsupportedMedia, "Send the body as it is, without compression.");
}

const bringsBytes = (headers: IncomingHttpHeaders): boolean =>
  headers["transfer-encoding"] !== undefined ||
  (headers["content-length"] !== undefined && headers["content-length"] !== "0");

/** The rest of it would have to be read before the connection could carry another request. */
function tooLarge(response: ServerResponse): Problem {
  response.shouldKeepAlive = false;
  return new Problem(TooLarge, "The body is larger than the limit.");
}
