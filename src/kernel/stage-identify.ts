/** The stage that asks who calls, how far their token reaches, and whether the hub is halted. */
import { type Caller, isInReach } from "../contract/caller.ts";
import { Problem } from "../contract/problem.ts";
import { Denied, Unauthenticated } from "../contract/standard-problems.ts";
import type { Call, DispatchOptions } from "./call.ts";
import type { Doorkeeper, Table } from "./kernel.ts";
import type { Identity } from "./ports.ts";

const byPerson = "let a person make the call";

export function identify(call: Call, { identity, brake }: Pick<DispatchOptions, "identity" | "brake">): void {
  const { credentials } = call.request;
  const { operation } = call.prepared;
  const isInside = credentials.kind === "caller";
  const caller = isInside ? credentials.caller : identity.identify(credentials, operation);
  call.caller = caller;
  if (caller === null) {
    if (!operation.isPublic) throw new Problem(Unauthenticated, `${operation.id} needs a sign-in or a token`);
    return;
  }
  if (operation.isForPersons === true && caller.kind !== "person")
    throw new Problem(Denied, `Only a person may call ${operation.id}.`, {
      key: call.prepared.key,
      rule: "built-in:person",
      source: "built-in",
      next: operation.cli === undefined ? byPerson : `let a person call \`arw ${operation.cli}\``,
    });
  holdToReach(call, caller);
  brake?.check(caller, operation);
  // Ordinary calls of persons are over in no time; what may last ends with the right to it.
  if (!isInside && (operation.mode === "many" || caller.kind !== "person")) {
    const ends = [call.abort, identity.ending?.(caller), caller.kind === "person" ? undefined : brake?.signal];
    call.abort = joined(ends.filter((each) => each !== undefined));
  }
}

/** What the stage would say of a stranger, before there is a call. */
export const createDoorkeeper = (table: Table, identity: Identity): Doorkeeper => ({
  mayEnter: (operationId, credentials) =>
    table.operations.get(operationId)?.operation.isPublic === true || (identity.isKnown?.(credentials) ?? true),
});

/** Calls that a handler makes belong to the call that let it run, and public operations are open to everybody. */
function holdToReach({ prepared: { key, operation }, request }: Call, { kind, reach }: Caller): void {
  if (reach === undefined || request.isNested === true || operation.isPublic) return;
  if (isInReach(reach, key, operation.effect)) return;
  const why = reach.isReadOnly && operation.effect !== "read" ? "only reads" : `reaches ${reach.keys.join(", ")}`;
  throw new Problem(Denied, `The token ${reach.token} ${why}, and not ${key}.`, {
    key,
    rule: `access.token:${reach.token}`,
    source: "token",
    next: `let a person make a token that reaches it: \`arw token create NAME --role ${kind} --key ${key}\``,
  });
}

const joined = (signals: readonly AbortSignal[]): AbortSignal | undefined =>
  signals.length < 2 ? signals[0] : AbortSignal.any([...signals]);
