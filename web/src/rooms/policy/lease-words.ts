/** What a lease says of itself, for people. Pure. */
import type { Reason } from "../../parts/why-panel.tsx";
import { emptyDraft, holderKinds, type LeaseDraft } from "./lease-draft.ts";
import { amountText } from "./amount-text.ts";
import type { Lease } from "./policy-api.ts";
import { p } from "./policy-messages.ts";

const needs = ["exec", "net:fetch", "net:send"] as const;
const isNeed = (capability: string): capability is (typeof needs)[number] => needs.some((need) => need === capability);

/** What the capability lets pass; `aboutKey` says what an operation is for. */
export function capabilityText(capability: string, aboutKey: (key: string) => string | undefined): string {
  if (capability === "*") return p("leases.may.all");
  if (capability.endsWith("*")) return p("leases.may.prefix", { prefix: capability.slice(0, -1) });
  const about = aboutKey(capability);
  if (about !== undefined) return about;
  return isNeed(capability) ? p(`leases.need.${needKeys[capability]}`) : p("leases.may.need", { need: capability });
}

const needKeys = { exec: "exec", "net:fetch": "fetch", "net:send": "send" } as const;

export function holderText(holder: string): string {
  if (holder === "*") return p("leases.holder.everybody");
  const [kind = "", name = ""] = holder.split(":");
  const known = holderKinds.find((each) => each === kind);
  return name === "*" && known ? p(`leases.everyone.${known}`) : holder;
}

/** What narrows it. */
export function scopeFacts({ kind, capability, scope }: Lease): readonly Reason[] {
  const fact = (label: string, value: string | undefined): readonly Reason[] =>
    value === undefined ? [] : [{ label, value, isCode: true }];
  return [
    ...fact(p("leases.only.folder"), scope.folder),
    ...fact(p("leases.only.path"), scope.path),
    ...fact(p("leases.only.host"), kind === "host" ? undefined : scope.host),
    ...fact(
      p("leases.only.operation"),
      scope.operation === capability.replaceAll(":", ".") ? undefined : scope.operation,
    ),
    ...fact(p("leases.only.tool"), scope.tool),
    ...fact(p("leases.only.run"), scope.run),
  ];
}

const units = ["tokens", "microUsd", "bytesOut", "bytesWritten"] as const;

/** What is left of what it counts. */
export function leftTexts({ uses, usesLeft, budget, budgetLeft }: Lease): readonly string[] {
  const calls = uses === undefined ? [] : [p("leases.left.uses", { left: usesLeft ?? uses, count: uses })];
  const amounts = units.flatMap((unit) => {
    const left = budgetLeft?.[unit] ?? budget?.[unit];
    return left === undefined ? [] : [p("leases.left.amount", { left: amountText(unit, left) })];
  });
  return [...calls, ...amounts];
}

/** The form filled in as the lease was given, so that it can be given anew; what it had used up is not taken along. */
export function draftOf({ kind, capability, scope, holder, uses, reason = "" }: Lease): LeaseDraft {
  const [who = "", ...rest] = holder.split(":");
  const { folder = "", path = "", host = "", tool = "", run = "" } = scope;
  return {
    ...emptyDraft,
    sort: kind,
    capability: kind === "host" ? "" : capability,
    kind: holderKinds.find((each) => each === who) ?? "agent",
    name: rest.join(":"),
    folder,
    path,
    host,
    tool,
    run,
    uses: uses === undefined ? "" : String(uses),
    reason,
  };
}
