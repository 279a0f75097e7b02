/** Recorded answers of one run: what steps told the agent, when, and what they used up. */
import { digestOf } from "../../base/canonical-json.ts";
import type { Cost, Operation } from "../../contract/operation.ts";
import type { RecordedStep, ReplayStep } from "../agents/contract.ts";
import type { Recorded } from "../episodes/contract.ts";
import type { Spent } from "./contract.ts";
import type { TrialBudget } from "./port.ts";

export interface Answered {
  readonly step: ReplayStep;
  readonly recorded: RecordedStep;
  /** Undefined where the record no longer holds it. */
  readonly result: unknown;
}

export interface Answers {
  /** In the order of the run. */
  readonly all: readonly Answered[];
  of(step: number): Answered | undefined;
  /** What the program called at this step when nothing was changed, also where the record holds no answer to it. */
  callOf(step: number): ReplayStep | undefined;
  atMsOf(recorded: RecordedStep): number;
  /** What this model said to this very call, wherever the run made it and by whatever name it asked; null where it did not. */
  saidBy(model: string, call: Pick<ReplayStep, "operation" | "input">): Answered | null;
  settle(step: ReplayStep, recorded: RecordedStep, taken: ReturnType<TrialBudget["enter"]>): void;
}

export async function readAnswers(
  steps: readonly ReplayStep[],
  blob: (ref: string) => Promise<Uint8Array | null>,
): Promise<Answers> {
  const all: Answered[] = [];
  for (const step of steps) {
    const { recorded } = step;
    if (recorded !== null) all.push({ step, recorded, result: await resultOf(recorded, blob) });
  }
  const calls = new Map(steps.map((each) => [each.step, each]));
  const byStep = new Map(all.map((each) => [each.recorded.step, each]));
  const byWords = new Map(all.flatMap((each) => modelsOf(each).map((model) => [wordsKey(model, each.step), each])));
  return {
    all,
    of: (step) => byStep.get(step),
    callOf: (step) => calls.get(step),
    atMsOf: (recorded) => (recorded.kind === "done" ? recorded.atMs : recorded.event.timeMs),
    saidBy(model, call) {
      const known = byWords.get(wordsKey(model, call));
      return known?.result === undefined ? null : known;
    },
    settle(step, recorded, taken) {
      const known = byStep.get(recorded.step);
      if (known === undefined || recorded.kind !== "done") return taken.settle({}, 0);
      taken.settle(costOf(step, known.result), recorded.durationMs);
    },
  };
}

export const asksModel = ({ needs }: Operation): boolean => needs.includes("model:ask");

/** What was asked for, which may be the name of a role, and what answered. */
export function modelsOf({ step, result }: Answered): readonly string[] {
  if (!asksModel(step.operation)) return [];
  return [step.input, result].flatMap((value) => {
    const { model } = (value ?? {}) as { readonly model?: unknown };
    return typeof model === "string" ? [model] : [];
  });
}

/** The call that a role makes for its answer, to the model that gave it; null where no role was asked. */
export function insideOf({ step, result }: Answered): ReplayStep | null {
  const { operation, input } = step;
  const { model } = (result ?? {}) as { readonly model?: unknown };
  if (!asksModel(operation) || typeof model !== "string") return null;
  if (operation.scope?.(input as never).model !== undefined) return null;
  const asked = { ...(input as object), model };
  return { ...step, input: asked, argsDigest: digestOf(asked) };
}

const wordsKey = (model: string, { operation, input }: Pick<ReplayStep, "operation" | "input">): string =>
  `${model}\n${operation.id} ${digestOf({ ...(input as object), model: "" })}`;

async function resultOf(recorded: RecordedStep, blob: (ref: string) => Promise<Uint8Array | null>): Promise<unknown> {
  if (recorded.kind !== "done") return undefined;
  const { recorded: kept } = recorded.event.data as { readonly recorded: Recorded };
  if (kept.kept === "inline") return kept.result ?? null;
  const bytes = kept.kept === "blob" ? await blob(kept.resultRef) : null;
  return bytes === null ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as unknown);
}

/** Null when nobody can say. */
function costOf({ operation, input }: ReplayStep, result: unknown): Cost | null {
  if (operation.spent === undefined || result === undefined) return null;
  return operation.spent(result, input as never);
}

/** What these steps took. One answer of a model that nobody counted makes the sum unknown. */
export function spentOf(answers: readonly Answered[]): Spent {
  const parts = answers.map(partOf);
  const sum = (name: keyof Spent): number | "unknown" =>
    parts.reduce<number | "unknown">((total, part) => {
      const amount = part[name];
      return total === "unknown" || amount === "unknown" ? "unknown" : total + amount;
    }, 0);
  return { tokens: sum("tokens"), microUsd: sum("microUsd"), workedMs: sum("workedMs") };
}

function partOf({ step, recorded, result }: Answered): Spent {
  const workedMs = recorded.kind === "done" ? recorded.durationMs : 0;
  if (recorded.kind !== "done" || !asksModel(step.operation)) return { tokens: 0, microUsd: 0, workedMs };
  const { tokens } = costOf(insideOf({ step, recorded, result }) ?? step, result) ?? {};
  const { microUsd } = (result ?? {}) as { readonly microUsd?: unknown };
  return {
    tokens: tokens === undefined ? "unknown" : tokens.input + tokens.output,
    microUsd: typeof microUsd === "number" ? microUsd : "unknown",
    workedMs,
  };
}
