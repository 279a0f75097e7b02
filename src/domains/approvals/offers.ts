/** What can be answered to a question, and exactly what each answer would allow. */
import { spanMsOf } from "../../base/units.ts";
import { parseHostRule } from "../../base/web-address.ts";
import type { Caller, Scope } from "../../contract/caller.ts";
import type { Effect } from "../../contract/operation.ts";
import type { Offer, overs } from "./contract.ts";

export interface Offering {
  readonly operation: string;
  readonly caller: Pick<Caller, "kind" | "id">;
  readonly scope: Scope;
  /** False where every single call has to be asked for. */
  readonly isLeasable: boolean;
}

export type Over = (typeof overs)[number];

export interface Term {
  readonly until: string;
  readonly over: Over;
}

/** Times that are offered; any other may be typed. */
const offeredTimes = ["15m", "1h"];

export function offersOf(offering: Offering): Offer[] {
  const { caller } = offering;
  const untils = caller.kind === "agent" ? ["run", ...offeredTimes] : offeredTimes;
  const lasting = oversOf(offering).flatMap((over) =>
    untils.map((until): Offer => ({ answer: "lasting", until, over, words: lastingWords(offering, { until, over }) })),
  );
  return [
    { answer: "once", words: "Exactly this call, once." },
    ...lasting,
    { answer: "edit", words: "This call with arguments that you change, once; the rules are asked about those first." },
    { answer: "deny", words: `Nothing: ${who(caller)} is told no, and the call is not made.` },
  ];
}

/**
 * Narrowest first. A tool that works in folders is never opened in all of them, as no grant would stand above that; over hosts
 * stands what is open at the wire.
 */
export function oversOf({ scope, isLeasable }: Pick<Offering, "scope" | "isLeasable">): Over[] {
  const { folder, path, host, tool } = scope;
  if (!isLeasable) return [];
  if (tool !== undefined) return ["tool"];
  if (host !== undefined)
    return folder === undefined && path === undefined && parseHostRule(host) !== null ? ["host", "tool"] : [];
  if (folder === undefined) return path === undefined ? ["tool"] : [];
  return path === undefined ? ["folder"] : ["path", "folder"];
}

/** The part of the call's scope that the answer keeps to. */
export function scopeOver(
  { folder, path, host, tool }: Scope,
  over: Over,
): Pick<Scope, "folder" | "path" | "host" | "tool"> {
  switch (over) {
    case "path":
      return { ...(folder === undefined ? {} : { folder }), ...(path === undefined ? {} : { path }) };
    case "folder":
      return folder === undefined ? {} : { folder };
    case "host":
      return host === undefined ? {} : { host };
    case "tool":
    default:
      // The operation itself, or the one tool of an MCP server that it was to call: never all of them.
      return tool === undefined ? {} : { tool };
  }
}

export const lastingWords = (
  { operation, caller, scope }: Omit<Offering, "isLeasable">,
  { until, over }: Term,
): string => `Every ${operation}${reachWords(scope, over)} by ${who(caller)} ${untilWords(until)}.`;

function reachWords({ folder, path, host, tool }: Scope, over: Over): string {
  switch (over) {
    case "path":
      return ` of ${path} in ${folder}`;
    case "folder":
      return ` in ${folder}`;
    case "host":
      return ` to ${host}`;
    case "tool":
    default:
      if (tool !== undefined) return ` of ${tool}`;
      return host === undefined ? "" : " to every host that is open to it";
  }
}

const who = ({ kind, id }: Pick<Caller, "kind" | "id">): string => `${kind} ${id}`;

const unitWords = { s: "second", m: "minute", h: "hour", d: "day" } as const;

const runTtl = "1d";

export function untilWords(until: string): string {
  if (until === "run") return `until this run ends, for ${timeWords(runTtl)} at most`;
  return `for ${timeWords(until)}`;
}

/** How long an answer holds at most: a run that waits for a day is looked at again before it goes on like this. */
export const lastsMs = (until: string): number => spanMsOf(until === "run" ? runTtl : until);

function timeWords(time: string): string {
  const count = Number(time.slice(0, -1));
  const unit = unitWords[time.at(-1) as keyof typeof unitWords];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

const effectWordings: Readonly<Record<Effect, string>> = {
  read: "Reads, and changes nothing in the hub",
  write: "Changes something",
  destroy: "Removes or ends something",
};

/** A read leaves nothing to undo in the hub; what it sends is gone all the same. */
export function effectWords({ effect, needs, canUndo }: Doing): string {
  const sends = needs.some((each) => each.startsWith("net:")) ? "; what it sends out cannot be taken back" : "";
  if (effect === "read") return `${effectWordings.read}${sends}.`;
  return `${effectWordings[effect]}; ${canUndo ? "can be undone" : "cannot be undone"}${sends}.`;
}

interface Doing {
  readonly effect: Effect;
  readonly needs: readonly string[];
  readonly canUndo: boolean;
}
