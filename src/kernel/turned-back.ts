/** Calls to other machines that the corridor refuses: whoever keeps the list of what left the hub is told of each. */
import type { Problem } from "../contract/problem.ts";
import { ApprovalDenied, BudgetExceeded, Denied, Halted, TooManyRequests } from "../contract/standard-problems.ts";
import type { Call, DispatchOptions } from "./call.ts";

/** Somebody or some rule said no; what is not there or does not fit was never on its way. */
const refusals: ReadonlySet<string> = new Set(
  [Denied, ApprovalDenied, BudgetExceeded, TooManyRequests, Halted].map((each) => each.code),
);

/** Once a call has begun, what sends for it tells of every try. Who is not known reaches nothing that could be told. */
export function noteTurnedBack(call: Call, problem: Problem, options: DispatchOptions): void | Promise<void> {
  const { exits } = options;
  if (exits === undefined || call.hasBegun || !refusals.has(problem.definition.code)) return undefined;
  const { caller, corrId } = call;
  const host = hostOf(call);
  if (caller === null || host === undefined) return undefined;
  const { key, operation } = call.prepared;
  const told = { key, caller, corrId, host, ...ruleOf(problem, call), reason: problem.message };
  // The refusal stands either way.
  return exits.turnedBack(told).catch((error: unknown) => options.onDefect(error, { operation: operation.id, corrId }));
}

/** A person's no goes back to the rule that asked them; an allowance is named by its words. */
function ruleOf({ definition, extra }: Problem, { ruling }: Call): { readonly rule: string; readonly source: string } {
  const rule = textOf(extra["rule"]) ?? definition.code;
  const asked = ruling?.rule === rule ? ruling.source : undefined;
  return { rule, source: textOf(extra["source"]) ?? asked ?? textOf(extra["allowance"]) ?? definition.code };
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Some stages refuse before the input was read; where it would have led is told all the same. */
function hostOf({ scope, input, prepared }: Call): string | undefined {
  const { operation, input: checker } = prepared;
  if (scope.host !== undefined || operation.scope === undefined) return scope.host;
  return checker.check(input) ? operation.scope(input as never).host : undefined;
}
