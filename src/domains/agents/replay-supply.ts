/** The recorded answers that are left: each answers one call. */
import type { RecordedStep } from "./contract.ts";
import type { StepCall } from "./toolbox.ts";

export interface Supply {
  /** A step of the same call that answered nothing yet: of the same number, or the first one. */
  find(call: Pick<StepCall, "step" | "operation" | "argsDigest">): RecordedStep | null;
  take(step: RecordedStep): void;
}

export function createSupply(steps: ReadonlyMap<number, RecordedStep>): Supply {
  const taken = new Set<number>();
  let byCall: Map<string, RecordedStep[]> | null = null;
  const keyOf = (tool: string, argsDigest: string): string => `${tool} ${argsDigest}`;
  /** Made on first need: a replay that departs from nothing never looks. */
  const shelf = (): Map<string, RecordedStep[]> => {
    if (byCall !== null) return byCall;
    byCall = new Map();
    for (const each of [...steps.values()].toSorted((a, b) => a.step - b.step)) {
      const key = keyOf(each.tool, each.argsDigest);
      byCall.set(key, [...(byCall.get(key) ?? []), each]);
    }
    return byCall;
  };
  return {
    find({ step, operation, argsDigest }) {
      const left = (shelf().get(keyOf(operation.id, argsDigest)) ?? []).filter((each) => !taken.has(each.step));
      return left.find((each) => each.step === step) ?? left[0] ?? null;
    },
    take: ({ step }) => void taken.add(step),
  };
}
