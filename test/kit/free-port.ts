/** A port of this machine that nobody had a moment ago, for programs that cannot take any free one themselves. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  // What listens on a port has an address with one.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
