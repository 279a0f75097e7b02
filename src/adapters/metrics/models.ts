/** What models took, by model. Names of models are bounded here: a caller may write any behind a server's name. */
import type { Envelope } from "../../contract/event.ts";
import { type MetricSet, otherLabel } from "./registry.ts";

/** From a small model on a fast machine to a large one that reads a book first; seconds. */
const answerBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900];
/** Further models are counted together; nobody compares as many by eye. */
const modelsMax = 100;
const msPerSecond = 1000;
const usdParts = 1e6;
export const modelAsked = "models.asked";

const sums = ["inputTokens", "outputTokens", "cachedTokens", "microUsd"] as const;
type Sums = Record<(typeof sums)[number] | "uncounted" | "unpriced", number>;
type Asked = Readonly<Record<(typeof sums)[number], number | null | undefined>> & {
  readonly model: string;
  readonly code: string;
  readonly durationMs: number;
  readonly firstMs: number | null;
};

export function createModelMetrics(set: MetricSet): { asked(envelope: Envelope): void } {
  const models = new Map<string, Sums>();
  const calls = set.tally({
    name: "arw_model_calls_total",
    help: "Calls to models by model and outcome.",
    labelNames: ["model", "code"],
  });
  const timing = (name: string, help: string) =>
    set.timings({ name, help, labelNames: ["model"], buckets: answerBuckets });
  const whole = timing("arw_model_answer_seconds", "Time of a model's whole answer.");
  const first = timing("arw_model_first_piece_seconds", "Time to the first piece of a model's answer.");
  addSums(set, models);
  const labelOf = (model: string): string => (models.has(model) || models.size < modelsMax ? model : otherLabel);
  return {
    asked({ data }) {
      // The journal has checked it.
      const asked = data as Asked;
      const model = labelOf(asked.model);
      const known = models.get(model) ?? none();
      models.set(model, known);
      calls(model, asked.code);
      whole(model).observe(asked.durationMs / msPerSecond);
      if (asked.firstMs !== null) first(model).observe(asked.firstMs / msPerSecond);
      for (const name of sums) known[name] += asked[name] ?? 0;
      if (typeof asked.outputTokens !== "number") known.uncounted += 1;
      if (typeof asked.microUsd !== "number") known.unpriced += 1;
    },
  };
}

const none = (): Sums => ({
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
  microUsd: 0,
  uncounted: 0,
  unpriced: 0,
});

function addSums(set: MetricSet, models: ReadonlyMap<string, Sums>): void {
  const counter = (name: string, help: string, read: (each: Sums) => number): void =>
    set.counters({ name, help, label: "model" }, () =>
      [...models].map(([model, each]) => [model, read(each)] as const),
    );
  counter(
    "arw_model_input_tokens_total",
    "Tokens that models read, as far as they counted.",
    (each) => each.inputTokens,
  );
  counter(
    "arw_model_output_tokens_total",
    "Tokens that models wrote, as far as they counted.",
    (each) => each.outputTokens,
  );
  counter("arw_model_cached_tokens_total", "Tokens of the input that were in a cache.", (each) => each.cachedTokens);
  counter(
    "arw_model_cost_usd_total",
    "Cost by the price lists, as far as it is known.",
    (each) => each.microUsd / usdParts,
  );
  counter("arw_model_uncounted_total", "Calls whose tokens nobody counted.", (each) => each.uncounted);
  counter("arw_model_unpriced_total", "Calls whose cost nobody knows.", (each) => each.unpriced);
}
