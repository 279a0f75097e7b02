/** The listening end of the surface: Node's server with our limits, and its end in good order. */
import type { RequestListener, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock, Log } from "../../kernel/ports.ts";
import { rawProblem, toProblem } from "./failure.ts";
import type { HttpLimits } from "./limits.ts";

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

export interface Listener {
  /** Port 0 takes a free one. Rejects with Node's error when the port is taken. */
  listen(options: { readonly port: number; readonly host: string }): Promise<HttpAddress>;
  /** To be told of every answer that is out: its connection may be idle now, which while closing ends it. */
  answered(): void;
  /** Takes no more connections, lets running requests end within the grace, then cuts. */
  close(): Promise<void>;
}

export interface ListenerDeps {
  readonly limits: HttpLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly newCorrId: () => string;
  readonly answer: RequestListener;
}

/** The name means two addresses, and a program may try either first. */
const loopbacks = ["127.0.0.1", "::1"] as const;

export function createListener(deps: ListenerDeps): Listener {
  const { limits, clock, answer } = deps;
  const servers: Server[] = [];
  /** Opened and not used yet, as browsers do ahead of need. To Node they are busy with a request that is to come. */
  const unused = new Set<Socket>();
  /** Answers that are not out yet, by their connection. Node tells those that wait for their turn nothing of its end. */
  const underWay = new Map<Socket, Set<ServerResponse>>();
  let isClosing = false;
  const onRequest: RequestListener = (request, response) => {
    unused.delete(request.socket);
    const answers = underWay.get(request.socket);
    answers?.add(response);
    response.once("close", () => answers?.delete(response));
    if (isClosing) response.shouldKeepAlive = false;
    answer(request, response);
  };
  const open = async (port: number, host: string): Promise<number> => {
    const server = createServer(deps, onRequest);
    // Left to Node it is refused without a word; what else a client expects may be passed over (RFC 9110, 10.1.1).
    server.on("checkExpectation", onRequest);
    server.on("connection", (socket) => {
      const answers = new Set<ServerResponse>();
      unused.add(socket);
      underWay.set(socket, answers);
      socket.once("close", () => {
        unused.delete(socket);
        underWay.delete(socket);
        for (const answer of answers) if (answer.socket === null) answer.emit("close");
      });
    });
    const bound = await listening(server, { port, host });
    servers.push(server);
    return bound;
  };
  return {
    async listen({ port, host }) {
      const isByName = host === "localhost";
      const bound = await open(port, isByName ? loopbacks[0] : host);
      // A machine without the other one is reached by the first.
      if (isByName) await open(bound, loopbacks[1]).catch(() => undefined);
      return { host, port: bound, url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}` };
    },
    answered() {
      if (isClosing) for (const server of servers) server.closeIdleConnections();
    },
    async close() {
      isClosing = true;
      for (const socket of unused) socket.destroy();
      const cancel = clock.after(limits.closeGraceMs, () => {
        for (const server of servers) server.closeAllConnections();
      });
      await Promise.all(servers.map(closed));
      cancel();
    },
  };
}

function createServer(deps: ListenerDeps, onRequest: RequestListener): Server {
  const { limits } = deps;
  // Taken late, and not by an import: see `late-node.ts` of the adapters.
  const server = process.getBuiltinModule("node:http").createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
    },
    onRequest,
  );
  server.maxConnections = limits.connectionsMax;
  server.on("clientError", (error, socket) => refuseSocket(error, socket as Socket, deps));
  return server;
}

function listening(server: Server, at: { readonly port: number; readonly host: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => {
      server.off("error", reject);
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : at.port);
    });
  });
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });

/** Node gave up on the bytes before there was a request: malformed, too large, or too slow. */
function refuseSocket(error: Error & { code?: string }, socket: Socket, deps: ListenerDeps): void {
  if (error.code === "ECONNRESET" || !socket.writable || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const corrId = deps.newCorrId();
  // Every fault here is the client's; the status keeps it out of the log of our own.
  socket.end(rawProblem(toProblem(Object.assign(error, { statusCode: 400 }), corrId, deps.log), corrId));
}

/**
 * Whether an answer is under way, or owed to a request that came before the fault: the client would take the refusal for
 * part of it, or for the answer itself. Node keeps the name of the field for what its own handler does with it.
 */
function isAnswering(socket: Socket & { _httpMessage?: ServerResponse | null }): boolean {
  const answer = socket._httpMessage;
  return answer !== null && answer !== undefined && (answer.headersSent || answer.req.complete);
}
