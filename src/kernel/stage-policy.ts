/** The stage that asks the user's policies: a call that none permits, or one forbids, ends here. */
import { Problem } from "../contract/problem.ts";
import { Denied } from "../contract/standard-problems.ts";
import { type Call, nobody } from "./call.ts";
import type { Policy, PolicyCall, Ruling } from "./ports.ts";

/** The hub's own work is not asked for, and neither is what everybody may call. */
export function policy(call: Call, port: Policy): void | Promise<void> {
  if (call.prepared.operation.isPublic || call.caller?.kind === "system") return undefined;
  const ruling = port.rule(policyCallOf(call));
  if (ruling instanceof Promise) return ruling.then((said) => obey(call, said));
  return obey(call, ruling);
}

export function policyCallOf({ prepared: { key, operation }, caller, scope, corrId }: Call): PolicyCall {
  const { id, effect, needs } = operation;
  const isForPersons = operation.isForPersons === true;
  return { operation: id, key, caller: caller ?? nobody, scope, effect, needs, isForPersons, corrId };
}

export function obey(call: Call, ruling: Ruling): void {
  call.ruling = ruling;
  if (ruling.effect !== "deny") return;
  const { rule, source, reason, next } = ruling;
  throw new Problem(Denied, reason, {
    key: call.prepared.key,
    rule,
    source,
    ...(next === undefined ? {} : { next }),
  });
}
