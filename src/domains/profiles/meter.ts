/** What a run took so far, as its record tells it. */
interface Answer {
  readonly usage: { readonly inputTokens: number | null; readonly outputTokens: number | null };
  readonly microUsd: number | null;
}

export interface Meter {
  step(): void;
  steps(): number;
  answered(answer: Answer): void;
  spent(): { readonly steps: number; readonly tokens: number | null; readonly microUsd: number | null };
  tokens(): { readonly inputTokens: number | null; readonly outputTokens: number | null };
}

/** A sum with a hole is no sum. */
const plus = (sum: number | null, more: number | null): number | null =>
  sum === null || more === null ? null : sum + more;

export function createMeter(): Meter {
  let steps = 0;
  let inputTokens: number | null = 0;
  let outputTokens: number | null = 0;
  let microUsd: number | null = 0;
  return {
    step() {
      steps += 1;
    },
    steps: () => steps,
    answered(answer) {
      inputTokens = plus(inputTokens, answer.usage.inputTokens);
      outputTokens = plus(outputTokens, answer.usage.outputTokens);
      microUsd = plus(microUsd, answer.microUsd);
    },
    spent: () => ({ steps, tokens: plus(inputTokens, outputTokens), microUsd }),
    tokens: () => ({ inputTokens, outputTokens }),
  };
}
