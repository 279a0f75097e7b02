/** What models took of an episode, summed up over its events. */
import type { Episode, ModelsMeter } from "./contract.ts";

type Data = Readonly<Record<string, unknown>>;
type Meters = Pick<Episode, "tokens" | "costUsd" | "models">;

const modelAsked = "models.asked";
const usdParts = 1_000_000;

/** A program whose model nobody knows may have asked it elsewhere, which no event tells. */
export function meterAtStart(model: string): Meters {
  const first = model === "unknown" ? "unknown" : 0;
  return withSums({
    asked: 0,
    failed: 0,
    inputTokens: first,
    outputTokens: first,
    cachedTokens: first,
    microUsd: first,
    durationMs: 0,
  });
}

export function metersWith({ models }: Episode, kind: string, data: Data): Partial<Meters> {
  if (kind !== modelAsked) return {};
  return withSums({
    asked: models.asked + 1,
    failed: models.failed + (data["code"] === "ok" ? 0 : 1),
    inputTokens: sum(models.inputTokens, data["inputTokens"]),
    outputTokens: sum(models.outputTokens, data["outputTokens"]),
    // Most servers have no word for a cache where they have none.
    cachedTokens: sum(models.cachedTokens, data["cachedTokens"] ?? cachedOf(data)),
    microUsd: sum(models.microUsd, data["microUsd"]),
    durationMs: models.durationMs + (typeof data["durationMs"] === "number" ? data["durationMs"] : 0),
  });
}

const cachedOf = ({ inputTokens }: Data): number | null => (typeof inputTokens === "number" ? 0 : null);

/** Once something is not known, no later number makes the sum known. */
const sum = (before: number | "unknown", more: unknown): number | "unknown" =>
  before === "unknown" || typeof more !== "number" ? "unknown" : before + more;

function withSums(models: ModelsMeter): Meters {
  return {
    models,
    tokens: sum(models.inputTokens, models.outputTokens),
    costUsd: models.microUsd === "unknown" ? "unknown" : models.microUsd / usdParts,
  };
}
