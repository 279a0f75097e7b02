/** Says what a request would do, without doing it. */
import { Buffer } from "node:buffer";
import { addressClassOf } from "../../base/ip-address.ts";
import { hostHeader, type WebAddress } from "../../base/web-address.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { Static } from "../../contract/schema.ts";
import type { Preview, PreviewAnswer } from "./contract.ts";
import { privateAddress, readAddress, ruleOf, typedBy } from "./courier.ts";
import { checkedHeaders, type Filled, type SecretSource, withSecrets } from "./headers.ts";
import { mayReach, type Wire } from "./port.ts";
import type { Warden } from "./warden.ts";

interface PreviewDeps {
  readonly warden: Warden;
  readonly wire: Pick<Wire, "resolve">;
  readonly secrets: SecretSource;
}

const resolveMsMax = 5_000;

export async function preview(
  { url, method = "GET", headers = {}, body = "", agent }: Static<typeof Preview.input>,
  { ctx, deps }: { readonly ctx: Context; readonly deps: PreviewDeps },
): Promise<PreviewAnswer> {
  const to = readAddress(url);
  const given = checkedHeaders(headers);
  if (agent !== undefined && ctx.caller.kind !== "person")
    throw new Problem(Denied, "Only a person may ask on behalf of an agent.", {
      rule: "built-in:person",
      source: "built-in",
      next: "leave the agent out, or let a person make the call",
    });
  const caller: Caller = agent === undefined ? ctx.caller : { kind: "agent", id: agent };
  const typed = agent === undefined ? typedBy(ctx, to) : null;
  const opened = await openedBy({ to, caller, typed }, deps);
  // A name is looked up where it is open, and for a person: to ask a name server is to tell it something.
  const mayLook = "opening" in opened || ctx.caller.kind === "person";
  const isNearOpen = "opening" in opened && opened.opening.isNearOpen;
  const addresses = mayLook ? await addressesOf(to, { deps, signal: ctx.signal, isNearOpen }) : [];
  const filled = filledOf(given, { to, deps });
  const far = addresses.find((each) => !each.isOpen);
  const verdict = verdictOf(opened, { filled, far: far?.address });
  const sent = "headers" in filled ? filled : { headers: given, names: [] };
  return {
    url: to.shown,
    host: to.host,
    port: to.port,
    method,
    ...verdict,
    addresses: [...addresses],
    bytesOut: sizeOf({ to, method, headers: sent.headers, body }),
    headers: Object.keys(given),
    secrets: [...sent.names],
  };
}

type Opened =
  | { readonly opening: { rule: string; source: string; isNearOpen: boolean } }
  | { readonly closed: Problem };

async function openedBy(
  asked: { readonly to: WebAddress; readonly caller: Caller; readonly typed: WebAddress | null },
  { warden }: PreviewDeps,
): Promise<Opened> {
  try {
    return { opening: await warden.foresee({ ...asked, isRuled: false }) };
  } catch (error) {
    if (isProblem(error, Denied)) return { closed: error };
    throw error;
  }
}

interface Looking {
  readonly deps: PreviewDeps;
  readonly signal: AbortSignal;
  readonly isNearOpen: boolean;
}

async function addressesOf(to: WebAddress, { deps, signal, isNearOpen }: Looking): Promise<PreviewAnswer["addresses"]> {
  const found = to.isLiteral
    ? [to.host]
    : await deps.wire.resolve(to.host, { signal, timeoutMs: resolveMsMax }).catch((): readonly string[] => []);
  return found.map((address) => ({
    address,
    kind: addressClassOf(address) ?? "unknown",
    isOpen: mayReach(address, to, isNearOpen),
  }));
}

function filledOf(
  given: Readonly<Record<string, string>>,
  { to, deps }: { readonly to: WebAddress; readonly deps: PreviewDeps },
): Filled | Problem {
  try {
    return withSecrets(given, to, deps.secrets);
  } catch (error) {
    if (isProblem(error, Denied)) return error;
    throw error;
  }
}

type Verdict = Pick<PreviewAnswer, "isOpen" | "rule" | "source" | "reason">;

const closedBy = (problem: Problem): Verdict => ({ isOpen: false, ...ruleOf(problem), reason: problem.message });

function verdictOf(opened: Opened, { filled, far }: { filled: Filled | Problem; far: string | undefined }): Verdict {
  if ("closed" in opened) return closedBy(opened.closed);
  if (isProblem(filled)) return closedBy(filled);
  const { rule, source } = opened.opening;
  if (far === undefined) return { isOpen: true, rule, source, reason: `${rule} opens it` };
  const reason = `it leads to ${far}, which is not open`;
  return { isOpen: false, ...privateAddress, reason };
}

/** As it stands on the wire before it is encrypted; what the client adds by itself included. */
function sizeOf(sent: {
  to: WebAddress;
  method: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}): number {
  const { to, method, body } = sent;
  const bodyBytes = Buffer.byteLength(body);
  const all = {
    "accept-encoding": "gzip",
    ...sent.headers,
    host: hostHeader(to),
    connection: "close",
    ...(bodyBytes === 0 ? {} : { "content-length": String(bodyBytes) }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.byteLength(`${method} ${to.path} HTTP/1.1\r\n${lines.join("")}\r\n`) + bodyBytes;
}
