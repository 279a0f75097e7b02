/** What carries bytes out of the hub, as the domain sees it. It decides nothing but what it is told to hold: reach and limits. */
import { addressClassOf } from "../../base/ip-address.ts";
import type { WebAddress } from "../../base/web-address.ts";

export interface HopLimits {
  readonly connectMs: number;
  /** From the first byte sent to the end of the answer's headers. */
  readonly firstByteMs: number;
  readonly wholeMs: number;
  /** Of the answer, decoded; the rest is cut off. */
  readonly bodyBytesMax: number;
}

/** One request to one place; redirects are the domain's. */
export interface Hop {
  readonly to: WebAddress;
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | null;
  /** Loopback and private addresses may be reached, too. */
  readonly isNearOpen: boolean;
  readonly limits: HopLimits;
  /** Ends the connection at once. */
  readonly signal: AbortSignal;
  /** Takes the answer piece by piece instead of having it kept. */
  readonly sink?: (chunk: Uint8Array) => void | Promise<void>;
}

/** Bytes are those on the connection, with headers and encryption. */
export interface Carried {
  readonly address: string | null;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly durationMs: number;
}

export interface HopReply extends Carried {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded; empty with a sink. */
  readonly body: Uint8Array;
  readonly isCut: boolean;
}

export const wireFaults = ["address", "name", "connect", "encryption", "slow", "protocol", "broken", "ended"] as const;
export type WireFaultReason = (typeof wireFaults)[number];

export class WireFault extends Error {
  readonly reason: WireFaultReason;
  /** What was carried until then. */
  readonly carried: Carried;
  constructor(reason: WireFaultReason, detail: string, options: ErrorOptions & { readonly carried?: Carried } = {}) {
    super(detail, options);
    this.name = "WireFault";
    this.reason = reason;
    this.carried = options.carried ?? nothingCarried;
  }
}
export const nothingCarried: Carried = { address: null, bytesOut: 0, bytesIn: 0, durationMs: 0 };

/**
 * - Every address that a name stands for is looked at before a connection is opened, and the connection goes to one of those;
 *   a single address that may not be reached refuses all of them.
 * - Certificates are always checked, against the host of the address.
 * - No proxy of the environment is used, no redirect followed, no cookie kept.
 * - Rejects with `WireFault` and nothing else.
 */
export interface Wire {
  resolve(
    host: string,
    options: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<readonly string[]>;
  send(hop: Hop): Promise<HopReply>;
}

/** What one child process may do through the proxy. */
export interface ProxyChild {
  /** Asked for each connection. Rejects with the problem that the child is told. */
  pass(to: WebAddress, method: string): Promise<ProxyPass>;
}

export interface ProxyPass {
  readonly isNearOpen: boolean;
  /** Aborts when what opened the host ends. */
  readonly signal: AbortSignal;
  /** Before so many bytes more go out, one at a time. Rejects with the problem that ends the connection; they then stay here. */
  sends(bytes: number): void | Promise<void>;
  /** Called once, with what was carried, and why it ended when that was no good end. */
  ended(end: Carried & { readonly status: number | null }, fault: WireFault | null): Promise<void>;
}

/** How a child comes to the proxy: over the loopback of the machine, or, where it has none of that, through a socket in a file. */
export type ProxyWay = "loopback" | "socket";

/** In a confinement a forwarder listens here, on a loopback that is the child's own, and leads to the socket. */
export const forwarderPort = 3128;

export interface ProxyEntry {
  /** For `HTTP_PROXY`, with the child's own credential in it. */
  readonly url: string;
  /** For the way `socket`; null otherwise. */
  readonly socketPath: string | null;
  leave(): void;
}

/** The proxy. It listens from the first child on, each way from the first child that comes by it. */
export interface ProxyDoor extends AsyncDisposable {
  admit(child: ProxyChild, way?: ProxyWay): Promise<ProxyEntry>;
}

/** Kinds of address that a lease or a person's own word opens. Nothing opens the rest, which are nobody's address. */
const nearClasses: ReadonlySet<string> = new Set(["loopback", "private", "shared", "unique-local"]);

/**
 * Whether a connection may go to this address. Link-local ones, where clouds keep the keys of a machine, are only reached by
 * their own number, never by a name that leads there.
 */
export function mayReach(address: string, to: Pick<WebAddress, "isLiteral">, isNearOpen: boolean): boolean {
  const addressClass = addressClassOf(address);
  if (addressClass === "public") return true;
  if (addressClass === null || !isNearOpen) return false;
  return nearClasses.has(addressClass) || (addressClass === "link-local" && to.isLiteral);
}
