/**
 * What must come of a call, said once more in plain words: who may do what, by the rules of the guides and nothing of the
 * corridor. It knows the row of the operation, who calls, and which rules are there; the matrix holds the corridor to it.
 */
import type { Operation } from "../../src/contract/operation.ts";
import { isWayOut } from "./oracle-ways-out.ts";
import type { Asking, Denying, Rules, Verdict, Who } from "./oracle-words.ts";

const matches = (pattern: string, key: string): boolean =>
  pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : pattern === key;
const keyOf = ({ id }: Operation): string => id.replaceAll(".", ":");

/** Several where several rules deny: any of them may be named. */
export function oracle(asking: Asking): readonly Verdict[] {
  const { operation, rules } = asking;
  const who = typeof asking.who === "string" ? null : asking.who;
  // Who is it, how far does their token reach, and is everything stopped?
  if (asking.who === "stranger" || (who === null && !operation.isPublic)) return ["unauthenticated"];
  const stopped = who === null || operation.isPublic ? null : stoppedAtTheDoor(operation, who, rules);
  if (stopped !== null) return [stopped];
  // 1. What denies wins, whatever else is said.
  const denials = denialsOf(asking, operation.mode === "job");
  if (denials.length > 0) return denials;
  if (operation.isPublic || who === null) return ["runs"];
  if (rules.forbids(operation)) return ["denied by own-forbid"];
  // 2. What asks, asks; 3. what permits, permits; 4. what nothing permits is denied. A lease helps with the first and the last.
  const permit = isShut(asking, who) ? "nothing" : rules.asks(operation) ? "asks" : permitOf(asking, who);
  // A lease never decides about rights.
  const isLeased = operation.isForPersons !== true && isCovered(asking, who);
  if (permit !== "runs" && !isLeased) {
    if (permit === "nothing") return ["denied by policy.no-permit"];
    if (operation.isSecret === true) return ["denied by a question that would keep a secret"];
    if (!rules.isApproved) return ["asks"];
    // An agent waits for the answer. The call of anybody else is made by the queue, which rules may close, too.
    const queueDenials = who.kind === "agent" ? [] : denialsOf(asking, true);
    if (queueDenials.length > 0) return queueDenials;
  }
  // Budgets come after, and only narrow. Looking and undoing costs a person nothing.
  const isUndoing =
    operation.isOpenWhenHalted === true || (operation.effect === "read" && operation.cost === undefined);
  return [rules.isBroke(who) && !(who.kind === "person" && isUndoing) ? "broke" : "runs"];
}

function stoppedAtTheDoor(operation: Operation, { kind, reach }: Who, { isHalted }: Rules): Verdict | null {
  const isRead = operation.effect === "read";
  if (operation.isForPersons === true && kind !== "person") return "denied by built-in:person";
  const isReached = reach?.keys.some((each) => matches(each, keyOf(operation))) !== false;
  if (reach !== undefined && (!isReached || (reach.isReadOnly && !isRead)))
    return `denied by access.token:${reach.token}`;
  const mayGoOn = kind === "person" && (isRead || operation.isOpenWhenHalted === true);
  return isHalted && !mayGoOn ? "halted" : null;
}

function denialsOf({ operation, who, rules }: Asking, isQueued: boolean): readonly Verdict[] {
  const keys = keysOf(operation, isQueued);
  const mayUndo = typeof who !== "string" && who.kind === "person" && isWayOut(operation);
  return [...roleDenials(rules.role, operation, isQueued), ...rules.denying]
    .filter(({ state, pattern }) => state !== "waiting" && keys.some((key) => matches(pattern, key)))
    .filter(({ leavesWayOut }) => !(leavesWayOut && mayUndo))
    .map(({ id, state }): Verdict => (state === "spent" ? "too-many" : `denied by ${id}`));
}

/** The key itself, its two ends, and the events by which it would be told. */
function keysOf(operation: Operation, isQueued: boolean): readonly string[] {
  const key = keyOf(operation);
  const durable = operation.emits.filter(({ isDurable }) => isDurable);
  const ways = isQueued ? [key, `task:${key}`] : [key];
  return [
    ...ways.flatMap((each) => [each, `io:ingress:${each}`, `io:egress:${each}`]),
    ...durable.map(({ kind }) => `emit:${kind.replaceAll(".", ":")}`),
  ];
}

/** An observer runs no work and changes no files, tools, memory or models; a connector keeps no memory and no models. */
function roleDenials(role: Rules["role"], { id, needs }: Operation, isQueued: boolean): readonly Denying[] {
  const isWork =
    isQueued || /^(agents\.(run|resume)|tasks\.(enqueue|cancel)|scout\..*|mcp\.(open|relay|call|read))$/.test(id);
  const isChange = needs.includes("fs:write") || needs.includes("exec");
  const isKept = /^(memory|models)\./.test(id);
  const isDenied = role === "observer" ? isWork || isChange || isKept : role === "connector" && isKept;
  return isDenied ? [{ id: role, pattern: "*", leavesWayOut: true, state: "active" }] : [];
}

/** A need covers every operation that needs nothing else. */
const isOfNeeds = (capability: string, { needs }: Operation): boolean =>
  needs.length > 0 && needs.every((each) => matches(capability, each));

/** For a person the lack of a permit is nothing that a lease would mend; what asks a person can be leased to them. */
function isCovered({ operation, scope, rules }: Asking, { kind, id }: Who): boolean {
  // Rules of somebody else are never taken in by a lease.
  return (
    scope.capsule === undefined &&
    rules.leases.some(
      ({ capability, holder, folder }) =>
        (matches(capability, keyOf(operation)) || isOfNeeds(capability, operation)) &&
        matches(holder, `${kind}:${id}`) &&
        (folder === undefined || folder === scope.folder),
    )
  );
}

/** What runs of others read and wrote. */
const books = /^(?:(?:audit|chat|episodes|events|journal|schedules|state|whatif)\.|tasks\.list$)/;

/** A host that nobody opened is permitted to nobody but persons, who may type it; so nobody is asked about it either. */
const isShut = ({ scope: { host }, rules }: Asking, { kind }: Who): boolean =>
  kind !== "person" && host !== undefined && !rules.openHosts.includes(host);

/** The default set: open for persons, calm for agents and plugins, closed for strangers' words. */
function permitOf({ operation, scope, rules }: Asking, who: Who): "runs" | "asks" | "nothing" {
  const { effect, needs } = operation;
  const { path, ...reached } = scope;
  const looksAtHub = effect === "read" && Object.keys(reached).length === 0 && !books.test(operation.id);
  if (who.kind === "person") return "runs";
  if (who.kind === "node") return looksAtHub ? "runs" : "nothing";
  if (who.kind === "plugin") return looksAtHub ? "runs" : effect === "read" ? "nothing" : "asks";
  const isStrangers = who.labels?.some((label) => label !== "user") === true;
  if (isStrangers && (needs.includes("net:send") || needs.includes("exec"))) return "asks";
  if (rules.isUnconfined && needs.includes("exec")) return "asks";
  if (looksAtHub || (needs.includes("net:fetch") && rules.openHosts.includes(scope.host ?? ""))) return "runs";
  // A person said of these tools that they only read.
  if (needs.includes("tool:read") && scope.tool !== undefined) return "runs";
  const { folder, ...beyond } = reached;
  const isGranted = who.grants?.some(
    (grant) => matches(grant.key, keyOf(operation)) && grant.folder === folder && (grant.path ?? path) === path,
  );
  if (isGranted === true && Object.keys(beyond).length === 0) return "runs";
  return effect === "read" ? "nothing" : "asks";
}
