/** What a step that did not succeed tells the agent: exactly what is recorded of it, so that a replay tells the same. */
import { Problem, type ProblemDefinition } from "../../contract/problem.ts";
import { ApprovalDenied, BudgetExceeded, Denied, Halted, Internal } from "../../contract/standard-problems.ts";
import { UndeclaredTool } from "./contract.ts";

/** A rule, a person, a ceiling or the emergency stop said no, and nothing was done. */
const refusals: ReadonlySet<string> = new Set(
  [Denied, ApprovalDenied, BudgetExceeded, Halted, UndeclaredTool].map((each) => each.code),
);
export const isRefusal = (code: string): boolean => refusals.has(code);

export interface Told {
  readonly code: string;
  readonly reason: string;
  readonly rule?: string;
  /** What the problem says beside its words, such as what would help. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

const reasonCharsMax = 1000;
/** More than this is no hint to anybody. */
const extraCharsMax = 16_384;

export function toldOf({ definition, message, extra }: Problem): Told {
  const { code } = definition;
  const { rule, ...rest } = extra;
  const named = isRefusal(code) && typeof rule === "string" ? { rule } : {};
  const text = JSON.stringify("rule" in named || rule === undefined ? rest : extra);
  const more =
    text === "{}" || text.length > extraCharsMax ? {} : { extra: JSON.parse(text) as Record<string, unknown> };
  return { code, reason: message.slice(0, reasonCharsMax), ...named, ...more };
}

export const toldAgain = (
  { code, reason, rule, extra = {} }: Told,
  problems: ReadonlyMap<string, ProblemDefinition>,
  cause?: unknown,
): Problem =>
  new Problem(problems.get(code) ?? Internal, reason, {
    ...extra,
    ...(rule === undefined ? {} : { rule }),
    ...(cause === undefined ? {} : { cause }),
  });
