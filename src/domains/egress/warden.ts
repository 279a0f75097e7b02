/**
 * Decides about every place that something wants to go, and ends what is under way when its host closes. Deny rules first, then
 * what opens the host, then the policies; nobody else in the hub says yes.
 */
import { endpointName, type WebAddress } from "../../base/web-address.ts";
import { egressKey } from "../../contract/gate-keys.ts";
import { Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { Denial, Gate, Policy, PolicyCall, Ruling } from "../../kernel/ports.ts";
import { closedReason, type Opening, openingOf, type Rules, type Wanted } from "./openings.ts";

export interface Asking extends Wanted {
  readonly to: WebAddress;
  /** The corridor has asked the policies about this very host, and a person if they wanted one. */
  readonly isRuled: boolean;
  /** Episode that it belongs to. */
  readonly corrId?: string;
}

export interface Flight extends Disposable {
  readonly opening: Opening;
  /** Aborts with a problem when the host closes. */
  readonly signal: AbortSignal;
}

export interface Warden {
  /** What `admit` would say; counts nothing. */
  foresee(asking: Asking): Promise<Opening>;
  /** Throws `Denied`, which names the rule. */
  admit(asking: Asking): Promise<Flight>;
  /** Whether posture or lease open `example.org:443` to this caller, as the policies read it. */
  isOpen(wanted: Wanted): boolean;
  /** Whether nothing opens it to this caller, and the policies cannot either. */
  isShut(wanted: Wanted): boolean;
  /** Looks again at all that is under way. */
  review(): void;
  /** Ends all of it. */
  endAll(reason: string): void;
}

export interface WardenOptions {
  readonly rules: () => Rules;
  readonly gate: Gate;
  readonly policy: Policy;
  /** Aborts when that lease of calls ends. */
  readonly ends?: (leaseId: string) => AbortSignal;
}

interface Under {
  readonly asking: Asking;
  readonly stop: AbortController;
}

export function createWarden({ rules, gate, policy, ends }: WardenOptions): Warden {
  const flights = new Set<Under>();
  const decide = async (asking: Asking): Promise<Opening> => {
    const { to, caller } = asking;
    for (const key of netKeys(to)) refuseGated(gate.check(key, caller), key);
    const now = rules();
    const opening = refuseClosed(asking, now);
    const needsPolicy = !asking.isRuled || opening.isByPolicy === true;
    // The hub's own work has no policies; where they alone decide, there is nobody to say yes.
    if (caller.kind === "system" && opening.isByPolicy === true)
      throw denied("egress.closed", now.posture.source, `only a lease opens ${endpointName(to)} to the hub itself`);
    if (!needsPolicy || caller.kind === "system") return opening;
    const ruling = await policy.rule(ruledCall(asking));
    // A lease of calls answers a question, and opens nothing: that no policy permits the host stays a no.
    const isOpenedByLease = opening.isByPolicy === true && ruling.otherwise?.effect === "deny";
    refuseRuled(isOpenedByLease ? ruling.otherwise : ruling, asking);
    const { rule, source, leaseId } = ruling;
    const ruled = opening.isByPolicy === true ? { ...opening, rule, source } : opening;
    return leaseId === undefined ? ruled : { ...ruled, leaseId };
  };
  return {
    foresee: decide,
    async admit(asking) {
      const opening = await decide(asking);
      const keys = netKeys(asking.to);
      refuseGated(await gate.admit(keys, asking.caller), keys[0]);
      // Somebody may have closed the host while others were asked.
      refuseClosed(asking, rules());
      const flight: Under = { asking, stop: new AbortController() };
      flights.add(flight);
      const ending = opening.leaseId === undefined ? undefined : ends?.(opening.leaseId);
      const signal = ending === undefined ? flight.stop.signal : AbortSignal.any([flight.stop.signal, ending]);
      return { opening, signal, [Symbol.dispose]: () => void flights.delete(flight) };
    },
    isOpen(wanted) {
      const opening = openingOf(wanted, rules());
      // Where the policies decide, they are not told that they did.
      return opening !== null && opening.isByPolicy !== true;
    },
    isShut: (wanted) => openingOf(wanted, rules()) === null,
    review() {
      const now = rules();
      for (const { asking, stop } of flights)
        if (openingOf(asking, now) === null)
          stop.abort(denied("egress.closed", now.posture.source, `${endpointName(asking.to)} was closed meanwhile`));
    },
    endAll(reason) {
      for (const { stop } of flights) stop.abort(denied("egress.ended", "halt", reason));
    },
  };
}

const denied = (rule: string, source: string, reason: string): Problem => new Problem(Denied, reason, { rule, source });

/** Deny rules stay closed whatever is granted: one host, or all of them. */
const netKeys = ({ host }: WebAddress) => [egressKey(`net:${host}`), egressKey("net")] as const;

function refuseGated(denial: Denial | null, key: string): void {
  if (denial === null) return;
  const { reason, ...rule } = denial;
  throw new Problem(Denied, `${denial.key ?? key} is denied: ${reason}`, { key, ...rule });
}

function refuseClosed(asking: Asking, rules: Rules): Opening {
  const opening = openingOf(asking, rules);
  if (opening !== null) return opening;
  const { host } = asking.to;
  throw new Problem(Denied, closedReason(asking, rules.posture), {
    key: egressKey(`net:${host}`),
    rule: "egress.closed",
    source: rules.posture.source,
    next: `arw egress allow ${endpointName(asking.to)}`,
  });
}

/** Whatever leaves is ruled as `web.fetch` is: it is the operation that policies about hosts speak of. */
const ruledCall = ({ to, caller, corrId }: Asking): PolicyCall => ({
  operation: "web.fetch",
  key: "web:fetch",
  caller,
  scope: { host: endpointName(to) },
  effect: "read",
  needs: ["net:fetch", "net:send"],
  isStep: true,
  ...(corrId === undefined ? {} : { corrId }),
});

function refuseRuled({ effect, rule, source, reason, next }: Ruling, { to, isRuled }: Asking): void {
  if (effect === "allow" || (effect === "ask" && isRuled)) return;
  const extra = { key: egressKey(`net:${to.host}`), rule, source, ...(next === undefined ? {} : { next }) };
  if (effect === "deny") throw new Problem(Denied, reason, extra);
  const way = next === undefined ? "" : `; a person lets it pass beforehand with \`${next}\``;
  throw new Problem(
    Denied,
    `${endpointName(to)} is asked for, and nobody can be asked on the way: ${reason}${way}`,
    extra,
  );
}
