/** What the operations answered, as the routes of this protocol need it. */
import { Problem } from "../../contract/problem.ts";
import { ApprovalDenied } from "../../contract/standard-problems.ts";
import type { Answered } from "../../kernel/kernel.ts";

export interface OpenAiDeps {
  readonly nowMs: () => number;
}

interface Counted {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cachedTokens: number | null;
}

export interface Ended {
  readonly model: string;
  readonly finish: "stop" | "length" | "tools" | "filter";
  readonly usage: Counted;
  readonly isScripted: boolean;
}

export type Item =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "thought"; readonly text: string }
  | {
      readonly kind: "tool";
      readonly place: number;
      readonly id?: string;
      readonly name?: string;
      readonly argumentsText: string;
    }
  | ({ readonly kind: "end" } & Ended);

export function answerIn<T>({ corrId, outcome }: Answered): { readonly corrId: string; readonly output: T } {
  if (outcome.kind === "answer") return { corrId, output: outcome.output as T };
  throw held(outcome);
}

export function streamIn({ corrId, outcome }: Answered): {
  readonly corrId: string;
  readonly items: AsyncIterable<Item>;
} {
  if (outcome.kind === "stream") return { corrId, items: outcome.items as AsyncIterable<Item> };
  throw held(outcome);
}

/** This protocol knows no answer that comes later, so the client has to come again. */
function held(outcome: Answered["outcome"]): Problem {
  const approvalId = outcome.kind === "held" ? outcome.approvalId : "";
  const next = `arw approvals decide ${approvalId} allow --for 1h`;
  return new Problem(
    ApprovalDenied,
    `a person is asked first; once they answered with \`${next}\`, the same request passes`,
    { approvalId, next },
  );
}

export const finishWords = { stop: "stop", length: "length", tools: "tool_calls", filter: "content_filter" } as const;

/** Null is written as 0: these clients count without looking. */
export function usageOf({ inputTokens, outputTokens, cachedTokens }: Counted) {
  const prompt = inputTokens ?? 0;
  const completion = outputTokens ?? 0;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cachedTokens ?? 0, audio_tokens: 0 },
  };
}

export const frame = (value: unknown, event?: string): string =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(value)}\n\n`;
