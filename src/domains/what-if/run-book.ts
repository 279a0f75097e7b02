/** What is known of a run while its events are read in order: its grants, and the labels of what it has learned so far. */
import { type Grant, type Label, labels as allLabels } from "../../contract/caller.ts";
import type { Operation } from "../../contract/operation.ts";
import { labelOf } from "../agents/contract.ts";

interface Learned {
  readonly step: number;
  readonly digest: string | null;
  readonly label: Label;
}

export interface RunBook {
  readonly grants: readonly Grant[];
  readonly isForeign: boolean;
  /** Labels that its calls have from here on. */
  labels(): readonly Label[];
  /** Labels that they may have beside. */
  labelsMaybe(): readonly Label[];
  learn(step: {
    readonly step: number;
    readonly digest: string | null;
    readonly operation: Operation;
    /** As the event names it: the first of them. */
    readonly label: Label | undefined;
    /** Undefined where the answer is not at hand. */
    readonly answer: unknown;
    readonly isFailure: boolean;
  }): void;
  declassify(step: number, digest: string): void;
}

interface RunBookOptions {
  readonly grants: readonly Grant[];
  readonly given: readonly Label[];
  /** An agent of others behind a wrapper: the same labels from the first call to the last. */
  readonly isForeign: boolean;
}

export function createRunBook({ grants, given, isForeign }: RunBookOptions): RunBook {
  const learned: Learned[] = [];
  const maybe = new Set<Label>();
  return {
    grants,
    isForeign,
    labels: () => [...new Set([...given, ...learned.map(({ label }) => label)])],
    labelsMaybe: () => [...maybe],
    learn({ step, digest, operation, label, answer, isFailure }) {
      if (isForeign) return;
      const said = labelsSaid(operation, isFailure ? null : answer);
      const all = said ?? (label === undefined ? [] : [label]);
      for (const each of all) {
        // One value gives a label once, and a label that nothing takes back needs no second source.
        if (!learned.some((known) => known.step === step && known.label === each))
          learned.push({ step, digest, label: each });
      }
      if (said === null) for (const each of allLabels) maybe.add(each);
    },
    declassify(step, digest) {
      const left = learned.filter((each) => each.step !== step || each.digest !== digest);
      learned.splice(0, learned.length, ...left);
    },
  };
}

/** Null when only the answer would say. */
function labelsSaid(operation: Operation, answer: unknown): readonly Label[] | null {
  const { labelsOf } = operation;
  if (labelsOf === undefined) {
    const label = labelOf(operation);
    return label === null ? [] : [label];
  }
  return answer === undefined ? null : labelsOf(answer);
}
