/** The stage that asks the user's policies: a call that none permits, or one forbids, ends here. */
import { Problem } from "../contract/problem.ts";
import { Denied } from "../contract/standard-problems.ts";
import { type Call, nobody } from "./call.ts";
import type { Policy, Ruling } from "./ports.ts";

/** The hub's own work is not asked for, and neither is what everybody may call. */
export function policy(call: Call, port: Policy): void | Promise<void> {
  const { key, operation } = call.prepared;
  const caller = call.caller ?? nobody;
  if (operation.isPublic || caller.kind === "system") return undefined;
  const { effect, needs } = operation;
  const ruling = port.rule({ operation: operation.id, key, caller, scope: call.scope, effect, needs });
  if (ruling instanceof Promise) return ruling.then((said) => obey(call, said));
  return obey(call, ruling);
}

function obey(call: Call, ruling: Ruling): void {
  call.ruling = ruling;
  if (ruling.effect !== "deny") return;
  const { rule, source, reason } = ruling;
  throw new Problem(Denied, reason, { key: call.prepared.key, rule, source });
}
