/** The way out of the hub: posture, leases, previews, the ledger, and those that send. */
import type { Caller } from "../../contract/caller.ts";
import { parseEndpoint } from "../../base/web-address.ts";
import { parseIp } from "../../base/ip-address.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, Exits, Gate, Policy, Redactor } from "../../kernel/ports.ts";
import type { ChildBudget } from "./child-meter.ts";
import { type Children, createChildren } from "./children.ts";
import {
  AllowHost,
  type EgressLease,
  EgressRefused,
  EgressSent,
  LeaseExpired,
  LeaseGranted,
  LeaseRevoked,
  PostureSet,
  Preview,
  RevokeLease,
  SetPosture,
  ShowPosture,
} from "./contract.ts";
import { type Courier, createCourier } from "./courier.ts";
import type { SecretSource } from "./headers.ts";
import { createLeases, type EgressSettings } from "./leases.ts";
import type { ProxyDoor, Wire } from "./port.ts";
import { preview } from "./preview.ts";
import { egressLeases, egressLedger, egressPosture } from "./views.ts";
import type { Wanted } from "./openings.ts";
import { createWarden } from "./warden.ts";

export interface EgressDeps {
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly wire: Wire;
  readonly door: ProxyDoor;
  readonly gate: Gate;
  readonly policy: Policy;
  readonly secrets: SecretSource;
  readonly redactor: Redactor;
  /** What connections of children count against. */
  readonly budget: ChildBudget;
  readonly settings: EgressSettings;
  /** Aborts when that lease of calls ends. */
  readonly leaseEnds?: (leaseId: string) => AbortSignal;
}

export interface Egress {
  readonly domain: Domain;
  readonly courier: Courier;
  readonly children: Children;
  /** What the corridor refuses stands in the same list as what is refused on the way. */
  readonly exits: Exits;
  /** Whether posture or lease open `example.org:443` to this caller: what the policies read as `context.open`. */
  isOpen(host: string, caller: Caller): boolean;
  /** Whether nothing opens it, not even the user's policies under the posture `custom`. */
  isShut(host: string, caller: Caller): boolean;
  /** Hosts that leases hold open now. */
  openings(): readonly EgressLease[];
  /** Takes every lease back and ends what is under way. */
  endAll(reason: string): Promise<void>;
}

export function createEgress(deps: EgressDeps): Egress {
  const { parts, clock, wire, door, gate, policy, secrets, redactor, settings, leaseEnds } = deps;
  const leases = createLeases({ parts, clock, settings, review: () => warden.review() });
  const warden = createWarden({
    rules: leases.rules,
    gate,
    policy,
    ...(leaseEnds === undefined ? {} : { ends: leaseEnds }),
  });
  const children = createChildren({ parts, warden, door, budget: deps.budget });
  return {
    courier: createCourier({ wire, warden, secrets, redactor }),
    children,
    exits: createExits({ parts, redactor }),
    openings: () => leases.rules().leases,
    isOpen(host, caller) {
      const wanted = wantedOf(host, caller);
      return wanted !== null && warden.isOpen(wanted);
    },
    isShut(host, caller) {
      const wanted = wantedOf(host, caller);
      return wanted === null || warden.isShut(wanted);
    },
    async endAll(reason) {
      children.endAll();
      warden.endAll(reason);
      await leases.revokeAll(reason);
    },
    domain: {
      name: "egress",
      operations: [
        bind(ShowPosture, () => leases.rules().posture),
        bind(SetPosture, leases.setPosture),
        bind(AllowHost, leases.allow),
        bind(RevokeLease, ({ leaseId }, ctx) => leases.revoke(leaseId, ctx)),
        bind(Preview, (input, ctx) => preview(input, { ctx, deps: { warden, wire, secrets } })),
      ],
      events: [PostureSet, LeaseGranted, LeaseRevoked, LeaseExpired, EgressSent, EgressRefused],
      views: [egressPosture, egressLeases, egressLedger],
      start: () => leases.start(),
    },
  };
}

function wantedOf(host: string, caller: Caller): Wanted | null {
  const to = parseEndpoint(host);
  return to === null ? null : { to: { ...to, isLiteral: parseIp(to.host) !== null }, caller, typed: null };
}

const hostCharactersMax = 260;

const createExits = ({ parts, redactor }: Pick<EgressDeps, "parts" | "redactor">): Exits => ({
  async turnedBack({ key, caller, corrId, host: named, rule, source, reason }) {
    const host = redactor.text(named);
    const to = parseEndpoint(host) ?? { host, port: 0 };
    const written = parts.act({ caller, corrId }).emit(EgressRefused, {
      operation: key,
      host: to.host.slice(0, hostCharactersMax),
      port: to.port,
      // Nothing was composed yet.
      method: "",
      url: host.slice(0, hostCharactersMax),
      rule: rule.slice(0, 300),
      source: source.slice(0, 300),
      reason: reason.slice(0, 500),
    });
    await written.catch((error: unknown) => {
      if (!isProblem(error, Denied)) throw error;
    });
  },
});
