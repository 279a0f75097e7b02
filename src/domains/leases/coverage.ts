/** Which calls a lease covers: what it permits, within its scope, for its holder. Pure; time and counts are asked elsewhere. */
import { type HostRule, matchesHost, parseEndpoint, parseHostRule } from "../../base/web-address.ts";
import { type Caller, matchesKey, type Scope } from "../../contract/caller.ts";
import type { PolicyCall } from "../../kernel/ports.ts";
import type { Lease, LeaseScope } from "./contract.ts";

export type Terms = Pick<Lease, "capability" | "scope" | "holder">;

export const covers = ({ capability, scope, holder }: Terms, call: PolicyCall): boolean =>
  isHeldBy(holder, call.caller) && permits(capability, call) && isWithin(scope, call);

/** The one of that name, or whoever is of that kind. */
function isHeldBy(holder: string, { kind, id }: Caller): boolean {
  const cut = holder.indexOf(":");
  const name = holder.slice(cut + 1);
  return holder.slice(0, cut) === kind && (name === "*" || name === id);
}

/** The operation itself, or one that needs nothing else than this: a right to write is none to write and send. */
export const permits = (capability: string, { key, needs }: Pick<PolicyCall, "key" | "needs">): boolean =>
  matchesKey(capability, key) || (needs.length > 0 && needs.every((need) => includes(capability, need)));

const includes = (capability: string, need: string): boolean =>
  matchesKey(capability, need) || (capability === "net:send" && need === "net:fetch");

function isWithin(scope: LeaseScope, { scope: reached, corrId, operation }: PolicyCall): boolean {
  // Rules of somebody else are taken in by a policy or a person's answer, each time.
  if (reached.capsule !== undefined) return false;
  if (scope.run !== undefined && scope.run !== corrId) return false;
  if (scope.operation !== undefined && scope.operation !== operation) return false;
  // As with grants the folder is that folder: what lies below may be a link to somewhere else.
  if (scope.folder !== undefined && scope.folder !== reached.folder) return false;
  if (scope.path !== undefined && scope.path !== reached.path) return false;
  if (scope.tool !== undefined && scope.tool !== reached.tool) return false;
  return scope.host === undefined || isHost(scope.host, reached);
}

function isHost(host: string, { host: reached }: Scope): boolean {
  const rule: HostRule | null = parseHostRule(host);
  const endpoint = reached === undefined ? null : parseEndpoint(reached);
  return rule !== null && endpoint !== null && matchesHost(rule, endpoint);
}
