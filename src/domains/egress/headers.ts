/** Headers that a caller may give, and secrets that are put into them at the moment of sending. */
import { addressClassOf } from "../../base/ip-address.ts";
import { hostHeader, type WebAddress } from "../../base/web-address.ts";
import { egressKey } from "../../contract/gate-keys.ts";
import { Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import { BadHeader } from "./contract.ts";

export type Headers = Readonly<Record<string, string>>;

/** Those that say something of the connection or of who is behind it are the hub's own. */
const closedNames: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "cookie",
  "cookie2",
  "expect",
  "forwarded",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
  "x-real-ip",
]);
const closedBeginnings = ["proxy-", "x-forwarded-", "sec-"];
/** What servers take as well. */
const headersMax = 64;
const headerBytesMax = 16_384;

/** Names in lower case. Throws `BadHeader`. */
export function checkedHeaders(headers: Headers): Headers {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  if (entries.length > headersMax) throw new Problem(BadHeader, `there are over ${headersMax} headers`);
  const sizeBytes = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (sizeBytes > headerBytesMax) throw new Problem(BadHeader, `the headers are over ${headerBytesMax} bytes`);
  for (const [name, value] of entries) {
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) throw new Problem(BadHeader, "a name of a header has odd characters");
    if (closedNames.has(name) || closedBeginnings.some((each) => name.startsWith(each)))
      throw new Problem(BadHeader, `${name} is not the caller's to set`);
    if (!/^[\t\u0020-\u007e]*$/.test(value)) throw new Problem(BadHeader, `the value of ${name} has odd characters`);
  }
  const checked = Object.fromEntries(entries);
  if (Object.keys(checked).length < entries.length) throw new Problem(BadHeader, "a header is given twice");
  return checked;
}

/** Headers that may be shown to a place that a redirect names: they say what is wanted and nothing of who wants it. */
const harmlessNames: ReadonlySet<string> = new Set(["accept", "accept-language", "user-agent"]);
export const harmless = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name, value]) => harmlessNames.has(name) && !hasSecret(value)));

const secretPattern = /\bsecret:([A-Z][A-Z0-9_]{0,63})\b/g;
const hasSecret = (value: string): boolean => value.search(secretPattern) >= 0;

export const secretNamesIn = (headers: Headers): readonly string[] => [
  ...new Set(
    Object.values(headers).flatMap((value) => [...value.matchAll(secretPattern)].map((match) => match[1] ?? "")),
  ),
];

export interface SecretSource {
  /** The value, when the secret exists and is bound to this very host; `host` is as `URL.host` writes it. */
  secretFor(name: string, host: string): string | null;
}

export interface Filled {
  readonly headers: Headers;
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/** Throws `Denied` where a secret is not bound to the host, or would travel unencrypted. */
export function withSecrets(headers: Headers, to: WebAddress, source: SecretSource): Filled {
  const names = secretNamesIn(headers);
  if (names.length === 0) return { headers, names, values: [] };
  const host = hostHeader(to);
  // What stays on this machine passes nobody who could listen.
  if (to.scheme === "http" && addressClassOf(to.host) !== "loopback")
    throw secretDenied(
      {
        rule: "egress.secret-unencrypted",
        next: `ask for https://${host}, or for a number of this machine such as 127.0.0.1`,
      },
      to,
      `secrets go over https alone, and ${host} was to be reached over http`,
    );
  const values = new Map<string, string>();
  for (const name of names) {
    const value = source.secretFor(name, host);
    if (value === null)
      throw secretDenied(
        { rule: "egress.secret-not-bound", next: `arw secret bind ${name} ${host}` },
        to,
        `there is no secret ${name} that is bound to ${host}`,
      );
    values.set(name, value);
  }
  const put = (text: string): string => text.replace(secretPattern, (_whole, name: string) => values.get(name) ?? "");
  return {
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, put(value)])),
    names,
    values: [...values.values()],
  };
}

interface Refusing {
  readonly rule: string;
  readonly next: string;
}

const secretDenied = (refusing: Refusing, { host }: WebAddress, reason: string): Problem =>
  new Problem(Denied, reason, { key: egressKey(`net:${host}`), source: "built-in", ...refusing });
