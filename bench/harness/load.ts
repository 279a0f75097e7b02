/**
 * A small load generator over kept-alive sockets. It writes one prepared request again and again and looks at each answer,
 * so that it takes less of the machine than the server it measures.
 */
import { connect, type Socket } from "node:net";

const headEnd = "\r\n\r\n";
const lengthHeader = /\r\ncontent-length: (\d+)/i;

export interface LoadOptions {
  readonly port: number;
  readonly request: string;
  readonly connections: number;
  /** Requests on their way per connection. */
  readonly pipelined: number;
  readonly requests: number;
  /** How long a connection rests between an answer and its next request, in milliseconds. */
  readonly restMs?: number;
  /** Throws when an answer is not what was asked for. */
  readonly check: (statusLine: string, body: string) => void;
}

export interface Sent {
  readonly ops: number;
  readonly durationMs: number;
  /** From each request to its answer, added up; for connections that send one at a time. */
  readonly waitedMs: number;
}

/** Sends all requests and resolves when each was answered. */
export async function sendAll(options: LoadOptions): Promise<Sent> {
  const budget = { left: options.requests, waitedMs: 0 };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: options.connections }, () => drive(options, budget)));
  return { ops: options.requests, durationMs: performance.now() - startedMs, waitedMs: budget.waitedMs };
}

function drive(options: LoadOptions, budget: { left: number; waitedMs: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(options.port, "127.0.0.1");
    socket.setNoDelay(true);
    let open = 0;
    let text = "";
    let sentMs = 0;
    const send = (): void => {
      let batch = "";
      while (open < options.pipelined && budget.left > 0) {
        budget.left -= 1;
        open += 1;
        batch += options.request;
      }
      sentMs = performance.now();
      if (batch !== "") socket.write(batch);
      else if (open === 0) {
        socket.destroy();
        resolve();
      }
    };
    const take = (): void => {
      let at = 0;
      for (;;) {
        const end = text.indexOf(headEnd, at);
        if (end < 0) break;
        const head = text.slice(at, end);
        const length = Number(lengthHeader.exec(head)?.[1] ?? Number.NaN);
        const bodyAt = end + headEnd.length;
        if (!(text.length >= bodyAt + length)) break;
        options.check(head.slice(0, head.indexOf("\r\n")), text.slice(bodyAt, bodyAt + length));
        at = bodyAt + length;
        open -= 1;
        budget.waitedMs += performance.now() - sentMs;
      }
      text = text.slice(at);
    };
    socket.setEncoding("latin1");
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("close", () => (open > 0 ? reject(new TypeError("the server closed the connection")) : resolve()));
    socket.on("data", (chunk: string) => {
      text += chunk;
      try {
        take();
        if (options.restMs === undefined) send();
        else setTimeout(send, options.restMs);
      } catch (error) {
        socket.destroy();
        reject(error);
      }
    });
  });
}
