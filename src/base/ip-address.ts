/**
 * What kind of place an IP address is. Taken from IANA's registries of special-purpose addresses; of IPv6 only global unicast
 * (`2000::/3`) is ever public, so that a range nobody has heard of yet is closed.
 */
export type AddressClass =
  | "public"
  | "loopback"
  | "private"
  | "link-local"
  | "shared"
  | "unique-local"
  | "unspecified"
  | "multicast"
  | "broadcast"
  | "documentation"
  | "benchmark"
  | "tunnel"
  | "reserved";

export interface IpAddress {
  readonly version: 4 | 6;
  readonly value: bigint;
}

/** The first that matches decides, so narrower ranges stand before those they lie in. */
const ranges: readonly (readonly [range: string, is: AddressClass])[] = [
  ["0.0.0.0/8", "unspecified"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "shared"],
  ["127.0.0.0/8", "loopback"],
  ["169.254.0.0/16", "link-local"],
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "reserved"],
  ["192.0.2.0/24", "documentation"],
  ["192.31.196.0/24", "reserved"],
  ["192.52.193.0/24", "reserved"],
  ["192.88.99.0/24", "tunnel"],
  ["192.168.0.0/16", "private"],
  ["192.175.48.0/24", "reserved"],
  ["198.18.0.0/15", "benchmark"],
  ["198.51.100.0/24", "documentation"],
  ["203.0.113.0/24", "documentation"],
  ["224.0.0.0/4", "multicast"],
  ["255.255.255.255/32", "broadcast"],
  ["240.0.0.0/4", "reserved"],
  ["0.0.0.0/0", "public"],
  ["::1/128", "loopback"],
  ["::/128", "unspecified"],
  // Each of these carries an IPv4 address inside, which a gateway would unpack behind our back.
  ["::/96", "tunnel"],
  ["::ffff:0:0:0/96", "tunnel"],
  ["64:ff9b::/96", "tunnel"],
  ["64:ff9b:1::/48", "tunnel"],
  ["2001::/32", "tunnel"],
  ["2002::/16", "tunnel"],
  ["2001::/23", "reserved"],
  ["2001:db8::/32", "documentation"],
  ["2620:4f:8000::/48", "reserved"],
  ["3fff::/20", "documentation"],
  ["2000::/3", "public"],
  ["fc00::/7", "unique-local"],
  ["fe80::/10", "link-local"],
  ["fec0::/10", "private"],
  ["ff00::/8", "multicast"],
  ["::/0", "reserved"],
];

interface Range extends IpAddress {
  readonly hostBits: bigint;
  readonly is: AddressClass;
}

const table: readonly Range[] = ranges.map(([range, is]) => {
  const [text = "", bits = ""] = range.split("/");
  const address = parseIp(text);
  if (address === null) throw new TypeError(`${range} is no range`);
  return { ...address, hostBits: BigInt((address.version === 4 ? 32 : 128) - Number(bits)), is };
});

/** Null for what is no address in its usual spelling: four decimal parts, or IPv6 without a zone. */
export function parseIp(text: string): IpAddress | null {
  const four = parseFour(text);
  if (four !== null) return { version: 4, value: four };
  const six = text.includes(":") ? parseSix(text) : null;
  return six === null ? null : { version: 6, value: six };
}

/** An IPv4 address in the clothes of IPv6 (`::ffff:10.0.0.1`) is what it is underneath. Null for what is no address. */
export function addressClassOf(text: string): AddressClass | null {
  const address = parseIp(text);
  if (address === null) return null;
  const isMapped = address.version === 6 && address.value >> 32n === 0xffffn;
  const plain: IpAddress = isMapped ? { version: 4, value: address.value & 0xffff_ffffn } : address;
  const found = table.find(
    ({ version, value, hostBits }) => version === plain.version && value >> hostBits === plain.value >> hostBits,
  );
  return found?.is ?? "reserved";
}

function parseFour(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) return null;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseSix(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === "" ? [] : groupsOf(half.split(":"))));
  if (head === undefined || head === null || tail === null) return null;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array<bigint>(missing).fill(0n), ...(tail ?? [])];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/** The last part may be an IPv4 address, which stands for two groups. */
function groupsOf(parts: readonly string[]): bigint[] | null {
  const groups: bigint[] = [];
  for (const [place, part] of parts.entries()) {
    const four = place === parts.length - 1 && part.includes(".") ? parseFour(part) : null;
    if (four !== null) groups.push(four >> 16n, four & 0xffffn);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`));
    else return null;
  }
  return groups;
}
