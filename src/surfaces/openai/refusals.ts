/** Refusals as clients of the OpenAI protocol read them. */
import { Problem } from "../../contract/problem.ts";
import { InvalidInput } from "../../contract/standard-problems.ts";

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
    /** Finds the episode and the line in the log. */
    readonly arw: { readonly instance: string; readonly rule?: unknown; readonly next?: unknown };
  };
}

/** These clients retry what looks like a server's trouble; a rule's no is none. */
function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 404) return "not_found_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

export function errorBody(problem: Problem, corrId: string): ErrorBody {
  const { definition, message, extra } = problem;
  const { rule, next, param } = extra;
  return {
    error: {
      message: `${definition.title}: ${message}`,
      type: typeOf(statusOf(problem)),
      param: typeof param === "string" ? param : null,
      code: definition.code,
      arw: { instance: corrId, ...(rule === undefined ? {} : { rule }), ...(next === undefined ? {} : { next }) },
    },
  };
}

const tooMany = 429;

/**
 * Some statuses mean something else to these clients: 499 is none that they know, and 402 to 422 is the request's fault. What
 * failed at the limit of a server behind the hub reaches them as such a limit, which they know how to wait for.
 */
export function statusOf({ definition: { status }, extra }: Problem): number {
  if (status >= 500 && extra["status"] === tooMany) return tooMany;
  return status === 499 ? 400 : status;
}

export const unfit = (param: string, message: string): Problem => new Problem(InvalidInput, message, { param });
