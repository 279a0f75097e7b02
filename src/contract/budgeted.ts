/** Which calls ceilings speak of at all, whatever the ceilings are. */
import type { Caller } from "./caller.ts";
import type { Operation } from "./operation.ts";

/** Nobody may shut themselves out: a person looks and undoes for nothing, whatever allowance names them. */
const isFree = ({ kind }: Caller, { effect, cost, isOpenWhenHalted }: Operation): boolean =>
  kind === "person" && (isOpenWhenHalted === true || (effect === "read" && cost === undefined));

/** The hub's own work is not paid for, nor is what everybody may call. */
export const isBudgeted = (caller: Caller, operation: Operation): boolean =>
  caller.kind !== "system" && !operation.isPublic && !isFree(caller, operation);

/**
 * A person's own call is asked for only where it costs something, so that answering a question is never a question itself; and
 * one with a secret never, as no question may keep it.
 */
export const mayBeAsked = (caller: Caller, operation: Operation): boolean =>
  isBudgeted(caller, operation) &&
  operation.isSecret !== true &&
  (caller.kind !== "person" || operation.cost !== undefined);
