/** One connection to a collector, over which requests go one after the other. */
import { Agent as PlainAgent, type IncomingMessage, request as plainRequest } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import type { Reply } from "./verdict.ts";

/** The protocol's own default; a collector that thinks longer is overloaded. */
const timeoutMs = 10_000;
/** The protocol recommends a limit of four mebibytes; what is read of an answer are two fields. */
const replyBytesMax = 1_048_576;

export interface Poster extends Disposable {
  /** Rejects when there is no answer: no connection, a broken one, one too slow, or `signal`. */
  post(body: Uint8Array, signal: AbortSignal): Promise<Reply>;
}

interface PosterOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function createPoster({ url, headers }: PosterOptions): Poster {
  const target = new URL(url);
  const isSecure = target.protocol === "https:";
  const agent = isSecure
    ? new SecureAgent({ keepAlive: true, maxSockets: 1 })
    : new PlainAgent({ keepAlive: true, maxSockets: 1 });
  const send = isSecure ? secureRequest : plainRequest;
  return {
    post: (body, signal) =>
      new Promise((resolve, reject) => {
        const request = send(target, {
          method: "POST",
          agent,
          headers: {
            ...headers,
            "content-type": "application/json",
            "content-encoding": "gzip",
            "content-length": body.byteLength,
          },
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
        request.on("error", reject);
        request.on("response", (response) => void read(response).then(resolve, reject));
        request.end(body);
      }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

async function read(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    // Leaving the loop closes the connection.
    if (sizeBytes > replyBytesMax) break;
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    retryAfter: response.headers["retry-after"] ?? null,
    text: sizeBytes > replyBytesMax ? null : Buffer.concat(chunks).toString("utf8"),
  };
}
