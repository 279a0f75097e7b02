/** What opens a host: a person's own word, now or beforehand, a lease, the posture. Without any of them it is closed. Pure. */
import {
  endpointName,
  isWebPort,
  matchesHost,
  parseHostRule,
  type HostRule,
  type WebAddress,
} from "../../base/web-address.ts";
import { type Caller, callerName } from "../../contract/caller.ts";
import type { EgressLease, PostureState } from "./contract.ts";

export interface Opening {
  readonly rule: string;
  readonly source: string;
  /** Addresses of this machine and of private networks, too. */
  readonly isNearOpen: boolean;
  /** The user's policies decide, and whoever relies on this has to ask them. */
  readonly isByPolicy?: boolean;
  /** The lease of calls that answered what the policies ask. */
  readonly leaseId?: string;
}

export interface Wanted {
  readonly to: Pick<WebAddress, "host" | "port" | "isLiteral">;
  readonly caller: Caller;
  /** The address that a person typed into their own call; null for anybody else's. */
  readonly typed: Pick<WebAddress, "host" | "port"> | null;
  /** An address that a person named beforehand, for what this request is. */
  readonly given?: Given | undefined;
}

export interface Given extends Pick<WebAddress, "host" | "port"> {
  readonly rule: string;
  readonly source: string;
}

export interface Rules {
  readonly posture: PostureState;
  readonly leases: readonly EgressLease[];
  readonly nowMs: number;
}

export function openingOf(wanted: Wanted, { posture, leases, nowMs }: Rules): Opening | null {
  return (
    byPerson(wanted) ??
    byGiven(wanted) ??
    byLease(
      wanted,
      leases.filter(({ endsAtMs }) => endsAtMs > nowMs),
    ) ??
    byPosture(wanted, posture)
  );
}

/** One host and port, and the same host where a server sends from its plain to its encrypted door. */
function byPerson({ to, typed, caller }: Wanted): Opening | null {
  if (typed === null || typed.host !== to.host) return null;
  const isSame = typed.port === to.port || (typed.port === 80 && to.port === 443);
  return isSame ? { rule: "typed", source: callerName(caller), isNearOpen: true } : null;
}

/** That host and port alone, whatever a server there redirects to. */
function byGiven({ to, given }: Wanted): Opening | null {
  if (given === undefined || given.host !== to.host || given.port !== to.port) return null;
  return { rule: given.rule, source: given.source, isNearOpen: true };
}

function byLease({ to, caller }: Wanted, leases: readonly EgressLease[]): Opening | null {
  for (const { leaseId, host, isPrivate, agent, grantedBy } of leases) {
    if (agent !== undefined && (caller.kind !== "agent" || caller.id !== agent)) continue;
    const rule = parseHostRule(host);
    if (rule === null || !matchesHost(rule, to)) continue;
    return { rule: `lease:${leaseId}`, source: grantedBy, isNearOpen: isPrivate || to.isLiteral };
  }
  return null;
}

function byPosture({ to }: Wanted, { posture, hosts, source }: PostureState): Opening | null {
  switch (posture) {
    case "closed":
      return null;
    case "public":
      return to.isLiteral || !isWebPort(to.port) ? null : { rule: "posture:public", source, isNearOpen: false };
    case "allowlist":
      return byList(to, { hosts, source });
    case "custom":
      return { rule: "posture:custom", source, isNearOpen: false, isByPolicy: true };
    default:
      return posture satisfies never;
  }
}

function byList(to: Wanted["to"], { hosts, source }: Pick<PostureState, "hosts" | "source">): Opening | null {
  const found = hosts.find((host) => matches(parseHostRule(host), to));
  // A number in the list is meant, whatever network it lies in.
  return found === undefined ? null : { rule: `posture:allowlist:${found}`, source, isNearOpen: to.isLiteral };
}

const matches = (rule: HostRule | null, to: Wanted["to"]): boolean => rule !== null && matchesHost(rule, to);

/** Why it is closed, and what would open it. */
export function closedReason({ to, caller }: Wanted, { posture, source }: PostureState): string {
  const host = endpointName(to);
  const way = caller.kind === "person" ? "" : ` to ${caller.kind} ${caller.id}`;
  return `${host} is closed${way}: the posture is ${posture} (${source}) and no lease names it; a person opens it with \`arw egress allow ${host}\``;
}
