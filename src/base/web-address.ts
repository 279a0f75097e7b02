/** Addresses of the web in one spelling, and the rules that name their hosts. Whatever decides about a host reads these. */
import { parseIp } from "./ip-address.ts";

export interface Endpoint {
  /** Lower case, ASCII, without brackets and without a dot at the end. */
  readonly host: string;
  readonly port: number;
}

export interface WebAddress extends Endpoint {
  readonly scheme: "http" | "https";
  /** Path and query, as they are sent. */
  readonly path: string;
  readonly isLiteral: boolean;
  /** What may be shown and kept: no query, which often carries keys. */
  readonly shown: string;
}

/** Longer ones are refused by servers, too. */
export const addressLengthMax = 8_192;
const shownLengthMax = 300;

/** Answers the fault in words when the text is no address that may be gone to. */
export function parseWebAddress(text: string, base?: WebAddress): WebAddress | string {
  if (text.length > addressLengthMax) return `the address is longer than ${addressLengthMax} characters`;
  const url = URL.parse(text, base === undefined ? undefined : `${originOf(base)}${base.path}`);
  if (url === null) return "it is no address";
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return `only http and https are spoken, not ${url.protocol}`;
  if (url.username !== "" || url.password !== "") return "the address holds a user or a password";
  const host = hostOf(url.hostname);
  if (host === null) return "its host is no name and no address";
  const scheme = url.protocol === "http:" ? "http" : "https";
  const port = url.port === "" ? defaultPort(scheme) : Number(url.port);
  if (port === 0) return "there is no port 0";
  const isLiteral = parseIp(host) !== null;
  const at = { scheme, host, port } as const;
  const query = url.search === "" ? "" : "?…";
  const shown = `${originOf(at)}${url.pathname}${query}`.slice(0, shownLengthMax);
  return { ...at, path: `${url.pathname}${url.search}`, isLiteral, shown };
}

export const defaultPort = (scheme: "http" | "https"): number => (scheme === "http" ? 80 : 443);

const bracketed = (host: string): string => (host.includes(":") ? `[${host}]` : host);

/** `example.org:443`, `[::1]:80`: the form that rules, scopes and allowances read. */
export const endpointName = ({ host, port }: Endpoint): string => `${bracketed(host)}:${port}`;

/** As browsers write it: without the port that the scheme has anyway. */
export const hostHeader = ({ scheme, host, port }: Pick<WebAddress, "scheme" | "host" | "port">): string =>
  port === defaultPort(scheme) ? bracketed(host) : endpointName({ host, port });

export const originOf = (address: Pick<WebAddress, "scheme" | "host" | "port">): string =>
  `${address.scheme}://${hostHeader(address)}`;

/** `host:port` as a proxy's client or a rule writes it; every spelling of a host becomes the one. Null for anything else. */
export function parseEndpoint(text: string): Endpoint | null {
  const port = /:(\d{1,5})$/.exec(text)?.[1];
  if (port === undefined || !/^[^/?#@\\\s]+$/.test(text)) return null;
  const url = URL.parse(`http://${text}/`);
  const host = url === null ? null : hostOf(url.hostname);
  const number = Number(port);
  return host === null || number < 1 || number > 65_535 ? null : { host, port: number };
}

export interface HostRule {
  readonly host: string;
  /** `*.example.org` names everything below, and not the name itself. */
  readonly isWild: boolean;
  /** Null names the ports of the web, 80 and 443. */
  readonly port: number | null;
}

/** `example.org`, `*.example.org`, `example.org:8443`, `192.168.1.5:80`, `[fd00::1]:80`. Null for anything else. */
export function parseHostRule(text: string): HostRule | null {
  const isWild = text.startsWith("*.");
  const rest = isWild ? text.slice(2) : text;
  const hasPort = /^(\[[^\]]*\]|[^:]*):\d{1,5}$/.test(rest);
  const bare = !hasPort && rest.includes(":") && !rest.startsWith("[") ? `[${rest}]` : rest;
  const endpoint = parseEndpoint(hasPort ? bare : `${bare}:80`);
  if (endpoint === null || (isWild && parseIp(endpoint.host) !== null)) return null;
  return { host: endpoint.host, isWild, port: hasPort ? endpoint.port : null };
}

export const isWebPort = (port: number): boolean => port === 80 || port === 443;

export function matchesHost({ host, isWild, port }: HostRule, endpoint: Endpoint): boolean {
  if (port === null ? !isWebPort(endpoint.port) : port !== endpoint.port) return false;
  return isWild ? endpoint.host.endsWith(`.${host}`) : endpoint.host === host;
}

export const hostRuleName = ({ host, isWild, port }: HostRule): string =>
  `${isWild ? "*." : ""}${bracketed(host)}${port === null ? "" : `:${port}`}`;

const nameLengthMax = 253;

/** The URL parser has already made IDNs ASCII, and numbers in any base four decimal parts. */
function hostOf(hostname: string): string | null {
  const host = hostname
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
  if (parseIp(host) !== null) return host;
  const isName =
    host.length <= nameLengthMax &&
    /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(host);
  // A last label of digits is an address in the eyes of some resolvers.
  return isName && !/(^|\.)(\d+|0x[0-9a-f]*)$/.test(host) ? host : null;
}
