/** Servers on this machine, which count who comes. */
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createRawServer, type Server, type Socket } from "node:net";

export interface LoopbackServer extends AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  readonly count: number;
  /** Those open now. */
  readonly open: number;
}

export const serveHttp = (answer: RequestListener): Promise<LoopbackServer> => listen(createServer(answer));

export const serveHttps = (
  { cert, key }: { readonly cert: string; readonly key: string },
  answer: RequestListener,
): Promise<LoopbackServer> => listen(createSecureServer({ cert, key }, answer));

/** For those that speak no proper HTTP. */
export const serveRaw = (answer: (socket: Socket) => void): Promise<LoopbackServer> => listen(createRawServer(answer));

async function listen(server: Server): Promise<LoopbackServer> {
  const sockets = new Set<Socket>();
  let count = 0;
  server.on("connection", (socket: Socket) => {
    count += 1;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get count() {
      return count;
    },
    get open() {
      return sockets.size;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
