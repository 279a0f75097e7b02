/**
 * Where a request comes from. Behind a proxy that is trusted by its address, the right-most hop of X-Forwarded-For that is
 * no such proxy; otherwise the other end of the connection. Whatever other headers say of it was written by the client.
 */
import { BlockList, isIP, isIPv6 } from "node:net";
import { Problem } from "../../contract/problem.ts";
import { AddressRefused } from "../../contract/standard-problems.ts";

export interface ClientAddress {
  /** Throws `AddressRefused` for an address that may not knock. */
  of(peer: string | undefined, forwardedFor: string | readonly string[] | undefined): string;
}

export interface ClientAddressOptions {
  /** Addresses or CIDR ranges of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Addresses or CIDR ranges that are answered, besides this machine's own; empty answers all. */
  readonly allowAddresses: readonly string[];
}

/** Stands for a hop that wrote no address. It is in no range, and shares one count of wrong tokens with its like. */
const unknown = "unknown";
const loopback = ["127.0.0.0/8", "::1"];

export function createClientAddress({ trustedProxies, allowAddresses }: ClientAddressOptions): ClientAddress {
  const isProxy = trustedProxies.length === 0 ? () => false : inRanges(trustedProxies);
  const isAllowed = allowAddresses.length === 0 ? () => true : inRanges([...allowAddresses, ...loopback]);

  const find = (peer: string, forwardedFor: string | readonly string[] | undefined): string => {
    if (forwardedFor === undefined || !isProxy(peer)) return peer;
    const hops = String(forwardedFor).split(",");
    let address = peer;
    while (hops.length > 0 && isProxy(address)) address = addressOf(hops.pop() ?? "");
    return address;
  };
  return {
    of(peer, forwardedFor) {
      const address = find(plain(peer ?? unknown), forwardedFor);
      if (!isAllowed(address)) throw new Problem(AddressRefused, "This hub does not answer to your address.");
      return address;
    },
  };
}

function inRanges(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    list.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** A hop as proxies write it: an address, perhaps with a port, in brackets when it is IPv6. */
function addressOf(hop: string): string {
  const text = hop.trim();
  const bare = /^\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text;
  return isIP(bare) === 0 ? unknown : plain(bare);
}

/** One name per address: a socket of both families calls IPv4 addresses `::ffff:192.0.2.1`. */
const plain = (address: string): string => {
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
  return mapped ?? address.toLowerCase();
};
