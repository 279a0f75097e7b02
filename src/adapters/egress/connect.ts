/** Opens connections to addresses that were looked at, and to no others: what a name stands for later changes nothing. */
import { lookup } from "node:dns/promises";
import { connect as connectSocket, isIP, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { WebAddress } from "../../base/web-address.ts";
import { mayReach, WireFault } from "../../domains/egress/port.ts";
import { nodeTls } from "../system/late-node.ts";
import type { Trip } from "./trip.ts";

/** Every address that a name stands for now, in the order to try them. */
export type Resolver = (host: string) => Promise<readonly string[]>;

export const systemResolver: Resolver = async (host) => {
  const found = await lookup(host, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
};

/** A name with more addresses than that is somebody's joke, or an attempt to have us knock at many doors. */
const addressesMax = 32;
/** So many addresses of one name are tried. */
const triesMax = 3;

/** The addresses to try, each of which may be reached. */
export async function reachableOf(
  to: WebAddress,
  { isNearOpen, resolver }: { readonly isNearOpen: boolean; readonly resolver: Resolver },
): Promise<readonly string[]> {
  const addresses = to.isLiteral ? [to.host] : await resolved(to.host, resolver);
  const closed = addresses.find((address) => !mayReach(address, to, isNearOpen));
  if (closed !== undefined) throw new WireFault("address", `${to.host} leads to ${closed}, which may not be reached`);
  return addresses;
}

async function resolved(host: string, resolver: Resolver): Promise<readonly string[]> {
  const addresses = await resolver(host).catch((cause: unknown) => {
    throw new WireFault("name", `the name ${host} could not be looked up`, { cause });
  });
  if (addresses.length === 0) throw new WireFault("name", `the name ${host} has no address`);
  if (addresses.length > addressesMax)
    throw new WireFault("name", `the name ${host} has over ${addressesMax} addresses`);
  return addresses;
}

interface Connecting {
  readonly trip: Trip;
  readonly isNearOpen: boolean;
  readonly resolver: Resolver;
  /** For all of it: looking up the name, and every address that is tried. */
  readonly timeoutMs: number;
}

export async function openSocket(to: WebAddress, { trip, timeoutMs, ...how }: Connecting): Promise<Socket> {
  const inTime = trip.within(timeoutMs, `connecting to ${to.host}`);
  const addresses = await trip.step(reachableOf(to, how));
  let last: unknown = null;
  for (const address of addresses.slice(0, triesMax)) {
    try {
      const socket = await trip.step(connectTo(address, { to, trip, isNearOpen: how.isNearOpen }));
      inTime();
      return socket;
    } catch (error) {
      if (error instanceof WireFault) throw error;
      last = error;
    }
  }
  throw new WireFault("connect", `${to.host} does not answer on port ${to.port}`, { cause: last });
}

interface Reaching {
  readonly to: WebAddress;
  readonly trip: Trip;
  readonly isNearOpen: boolean;
}

function connectTo(address: string, { to, trip, isNearOpen }: Reaching): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // The last look before anything opens: only a number, and only one that may be reached.
    if (isIP(address) === 0 || !mayReach(address, to, isNearOpen)) {
      reject(new WireFault("address", `${address} may not be reached`));
      return;
    }
    const socket = connectSocket({ host: address, port: to.port });
    socket.setNoDelay(true);
    trip.use(socket, address);
    // Stays, so that an error after the end of a trip is nobody's surprise.
    socket.on("error", reject);
    socket.once("connect", () => {
      const { remoteAddress } = socket;
      if (remoteAddress !== undefined && mayReach(remoteAddress, to, isNearOpen)) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new WireFault("address", `the connection led to ${remoteAddress ?? "nowhere"}`));
    });
  });
}

/** Certificates are checked whatever the environment says, for the name; for a number, against the addresses in it. */
export function secure(
  socket: Socket,
  to: WebAddress,
  certificates: readonly string[] | undefined,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const { connect: connectSecure } = nodeTls();
    const secured = connectSecure({
      socket,
      host: to.host,
      servername: to.isLiteral ? "" : to.host,
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
      ...(certificates === undefined ? {} : { ca: [...certificates] }),
    });
    const fail = (cause: unknown): void => {
      const detail = cause instanceof Error ? cause.message : String(cause);
      reject(new WireFault("encryption", `no secure connection to ${to.host}: ${detail}`, { cause }));
    };
    secured.on("error", fail);
    secured.once("close", () => fail("the connection was closed"));
    secured.once("secureConnect", () => resolve(secured));
  });
}
