/** How the work goes on after a no, and when it ends. */
import { isProblem, type Problem } from "../../contract/problem.ts";
import { ApprovalDenied, BudgetExceeded, Denied } from "../../contract/standard-problems.ts";
import { RecordDiverged, RecordGone } from "../agents/contract.ts";
import { RoleFailed } from "../models/contract.ts";

const refusals: ReadonlySet<unknown> = new Set([Denied, ApprovalDenied, BudgetExceeded].map(({ code }) => code));

/** Of a role each model was refused, and none failed otherwise. */
function isRefused({ definition, extra }: Problem): boolean {
  if (definition.code !== RoleFailed.code) return refusals.has(definition.code);
  const { tried = [] } = extra as { readonly tried?: readonly { readonly code: string }[] };
  return tried.length > 0 && tried.every(({ code }) => refusals.has(code));
}

/** A rule, a person or a ceiling ends the work in words. Anything else that goes wrong fails the run. */
export function refusedEnd(error: unknown): string {
  if (!isProblem(error) || !isRefused(error)) throw error;
  return error.message;
}

/** What is wrong with the record of the run is nothing that a model could answer. */
export const endsRun = ({ definition }: Problem): boolean =>
  [RecordDiverged, RecordGone].some((each) => each.code === definition.code);

/** A plain answer, with the rule and the nearest way on. */
export function refusalText({ message, extra, definition }: Problem): string {
  const { rule, next } = extra as { readonly rule?: unknown; readonly next?: unknown };
  const parts = [
    `Not done: ${message}`,
    typeof rule === "string" ? `Rule: ${rule}.` : `Code: ${definition.code}.`,
    typeof next === "string" ? `What would help: ${next}.` : "",
  ];
  return parts.filter((each) => each !== "").join(" ");
}
