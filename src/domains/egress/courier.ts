/** Sends for whoever may: asks the warden at every hop, puts secrets in, follows redirects, and tells the ledger. */
import { Buffer } from "node:buffer";
import { endpointName, originOf, parseWebAddress, type WebAddress } from "../../base/web-address.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Context } from "../../contract/operation.ts";
import type { Static } from "../../contract/schema.ts";
import { BudgetExceeded, Denied } from "../../contract/standard-problems.ts";
import type { Redactor } from "../../kernel/ports.ts";
import { BadAddress, EgressRefused, EgressSent, NotReached, TooSlow } from "./contract.ts";
import { checkedHeaders, type Filled, harmless, type Headers, type SecretSource, withSecrets } from "./headers.ts";
import type { Given } from "./openings.ts";
import { type Carried, type HopLimits, type HopReply, type Wire, WireFault } from "./port.ts";
import type { Flight, Warden } from "./warden.ts";

export interface Outgoing {
  /** Gate key of the operation that sends. Its `scope` names the host, so that the corridor has asked about that already. */
  readonly operation: string;
  readonly url: string;
  readonly method?: string;
  readonly headers?: Headers;
  readonly body?: Uint8Array;
  readonly limits?: Partial<HopLimits>;
  readonly sink?: (chunk: Uint8Array) => void | Promise<void>;
  /** What the request may send at most; a megabyte without it. */
  readonly sentBytesMax?: number;
  /** Ends the request alone, beside what ends the call. */
  readonly signal?: AbortSignal;
  /** A person named this address beforehand, and for this: so it is open. */
  readonly given?: { readonly rule: string; readonly source: string };
}

export interface Answer extends HopReply {
  /** Where it came from in the end, without its query. */
  readonly url: string;
  /** Of all hops together. */
  readonly bytesOutTotal: number;
}

export interface Courier {
  send(request: Outgoing, ctx: Context): Promise<Answer>;
}

export const limitsDefault: HopLimits = {
  connectMs: 10_000,
  firstByteMs: 30_000,
  wholeMs: 55_000,
  bodyBytesMax: 8_000_000,
};
/** As many as browsers need on the worst sites of today, and a loop is over soon. */
const redirectsMax = 5;
/** What one call may send; larger things are uploads, which say so themselves. */
const requestBytesMax = 1_000_000;

interface CourierDeps {
  readonly wire: Wire;
  readonly warden: Warden;
  readonly secrets: SecretSource;
  readonly redactor: Redactor;
}

/** A request on its way: what the next hop sends, and to where. */
interface Leg {
  readonly to: WebAddress;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array | null;
}

/**
 * An address that a person's own call holds. What was read elsewhere, and by agents, is nobody's word; and behind a named
 * token stands a program that was given it, whoever it is for.
 */
export const typedBy = ({ caller }: Pick<Context, "caller">, to: WebAddress): WebAddress | null =>
  caller.kind === "person" && caller.reach === undefined && (caller.labels ?? []).every((label) => label === "user")
    ? to
    : null;

export function readAddress(text: string, base?: WebAddress): WebAddress {
  const to = parseWebAddress(text, base);
  if (typeof to === "string") throw new Problem(BadAddress, to);
  return to;
}

export function createCourier(deps: CourierDeps): Courier {
  return {
    async send(request, ctx) {
      const to = readAddress(request.url);
      const body = request.body ?? null;
      const { sentBytesMax = requestBytesMax } = request;
      if (body !== null && body.byteLength > sentBytesMax)
        throw new Problem(BadAddress, `${body.byteLength} bytes are over the ${sentBytesMax} that one call may send`);
      const typed = typedBy(ctx, to);
      const given = request.given === undefined ? undefined : { ...request.given, host: to.host, port: to.port };
      let leg: Leg = { to, method: request.method ?? "GET", headers: checkedHeaders(request.headers ?? {}), body };
      let bytesOutTotal = 0;
      for (let hop = 0; hop <= redirectsMax; hop += 1) {
        const reply = await travel(leg, { request, ctx, deps, typed, given, isFirst: hop === 0 });
        bytesOutTotal += reply.bytesOut;
        const next = redirected(leg, reply);
        if (next === null) return { ...reply, url: leg.to.shown, bytesOutTotal };
        leg = next;
      }
      throw new Problem(NotReached, `${to.host} redirected over ${redirectsMax} times`, { fault: "redirects" });
    },
  };
}

interface Travel {
  readonly request: Outgoing;
  readonly ctx: Context;
  readonly deps: CourierDeps;
  readonly typed: WebAddress | null;
  readonly given: Given | undefined;
  readonly isFirst: boolean;
}

async function travel(leg: Leg, { request, ctx, deps, typed, given, isFirst }: Travel): Promise<HopReply> {
  const { to, method } = leg;
  const { host, port } = to;
  const told = { operation: request.operation, host, port, method, url: deps.redactor.text(to.shown).slice(0, 400) };
  let filled: Filled;
  let flight: Flight;
  try {
    const asking = { to, caller: ctx.caller, typed, given, isRuled: isFirst, corrId: ctx.corrId };
    flight = await deps.warden.admit(asking);
  } catch (error) {
    throw await refused(error, { told, ctx });
  }
  using _held = flight;
  try {
    filled = withSecrets(leg.headers, to, deps.secrets);
  } catch (error) {
    throw await refused(error, { told, ctx });
  }
  const { opening } = flight;
  const by = { rule: opening.rule, source: opening.source, secrets: [...filled.names] };
  try {
    const reply = await deps.wire.send({
      ...leg,
      headers: Object.entries(filled.headers),
      isNearOpen: opening.isNearOpen,
      limits: { ...limitsDefault, ...request.limits },
      signal: AbortSignal.any([ctx.signal, flight.signal, ...(request.signal === undefined ? [] : [request.signal])]),
      ...(request.sink === undefined ? {} : { sink: request.sink }),
    });
    await ctx.emit(EgressSent, { ...told, ...by, ...carriedOf(reply), status: reply.status, fault: null });
    return withoutSecrets(reply, filled);
  } catch (error) {
    if (!(error instanceof WireFault)) throw error;
    if (error.reason === "address") throw await outOfReach(error, { told, ctx, to });
    await ctx.emit(EgressSent, { ...told, ...by, ...carriedOf(error.carried), status: null, fault: error.reason });
    throw problemOf(error, { ctx, flight, host: endpointName(to), own: request.signal });
  }
}

const carriedOf = ({ address, bytesOut, bytesIn, durationMs }: Carried) => ({ address, bytesOut, bytesIn, durationMs });

export const privateAddress = { rule: "egress.private-address", source: "built-in" } as const;

/** Where names of the inside lead is told to the ledger and to persons: an agent could draw a map of it. */
async function outOfReach(
  fault: WireFault,
  { told, ctx, to }: Telling & { readonly to: WebAddress },
): Promise<unknown> {
  const next = `arw egress allow ${endpointName(to)} --is-private`;
  const problemWith = (reason: string): Problem =>
    new Problem(Denied, `${reason}; \`${next}\` opens those of your own network`, { ...privateAddress, next });
  const whole = problemWith(fault.message);
  await refused(whole, { told, ctx });
  return ctx.caller.kind === "person" ? whole : problemWith(`${to.host} leads to an address that is not open`);
}

interface Telling {
  readonly told: Omit<Static<typeof EgressRefused.data>, "rule" | "source" | "reason">;
  readonly ctx: Pick<Context, "emit" | "caller">;
}

/** Tells the ledger, and answers the problem to throw. */
export async function refused(error: unknown, { told, ctx }: Telling): Promise<unknown> {
  if (!isProblem(error, Denied) && !isProblem(error, BudgetExceeded)) return error;
  await ctx.emit(EgressRefused, { ...told, ...ruleOf(error), reason: error.message.slice(0, 500) });
  return error;
}

export function ruleOf({ extra }: Problem): { readonly rule: string; readonly source: string } {
  const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, 300) : "");
  // An allowance is named by its words.
  return { rule: text(extra["rule"]), source: text(extra["source"] ?? extra["allowance"]) };
}

interface Failing {
  readonly ctx: Context;
  readonly flight: Flight;
  readonly host: string;
  readonly own: AbortSignal | undefined;
}

/** Why a connection came to nothing, in the order of who decided: whoever closed the host, the caller, the other side. */
function problemOf(fault: WireFault, { ctx, flight, host, own }: Failing): unknown {
  if (flight.signal.aborted) return flight.signal.reason;
  if (ctx.signal.aborted) return ctx.signal.reason;
  if (own?.aborted === true) return own.reason;
  if (fault.reason === "slow") return new Problem(TooSlow, fault.message, { host, cause: fault });
  return new Problem(NotReached, fault.message, { host, fault: fault.reason, cause: fault });
}

const redirectCodes: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The next leg, or null when this is the answer. Elsewhere goes only what says nothing of the caller. */
function redirected({ to, method, headers, body }: Leg, reply: HopReply): Leg | null {
  const location = reply.headers["location"];
  if (!redirectCodes.has(reply.status) || location === undefined) return null;
  const next = readAddress(location, to);
  if (to.scheme === "https" && next.scheme === "http")
    throw new Problem(NotReached, `${to.host} redirected from https to http`, { fault: "redirects" });
  const keepsMethod = reply.status === 307 || reply.status === 308 || method === "HEAD";
  const isSame = originOf(to) === originOf(next);
  if (keepsMethod && body !== null && !isSame)
    throw new Problem(NotReached, `${to.host} redirected what was sent to ${next.host}`, { fault: "redirects" });
  return {
    to: next,
    method: keepsMethod ? method : "GET",
    headers: isSame ? headers : harmless(headers),
    body: keepsMethod ? body : null,
  };
}

/** A server that sends back what it was sent tells nobody a secret. */
function withoutSecrets(reply: HopReply, { values }: Filled): HopReply {
  if (values.length === 0) return reply;
  const cut = (text: string): string =>
    values.reduce((rest, value) => rest.replaceAll(value, "[redacted:secret]"), text);
  const headers = Object.fromEntries(Object.entries(reply.headers).map(([name, value]) => [name, cut(value)]));
  const text = Buffer.from(reply.body).toString("latin1");
  const body = values.some((value) => text.includes(value)) ? Buffer.from(cut(text), "latin1") : reply.body;
  return { ...reply, headers, body };
}
