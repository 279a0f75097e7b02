/** What the journal holds of a run's steps: the answers a resume gives instead of doing things again. */
import type { Journal } from "../../kernel/kernel.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  BeliefHeld,
  IntentProposed,
  ObservationRecorded,
  type Recorded,
} from "../episodes/contract.ts";

export type StepRecord =
  | { readonly kind: "done"; readonly tool: string; readonly argsDigest: string; readonly recorded: Recorded }
  | {
      readonly kind: "stopped";
      readonly tool: string;
      readonly argsDigest: string;
      readonly code: string;
      readonly reason: string;
    };

export interface RunRecord {
  readonly steps: ReadonlyMap<number, StepRecord>;
  /** Steps that were proposed, whether or not they were done. */
  readonly intents: ReadonlySet<number>;
  readonly beliefs: number;
}

export const emptyRecord: RunRecord = { steps: new Map(), intents: new Set(), beliefs: 0 };

const pageEvents = 1000;
const kinds = [ObservationRecorded, ActionApplied, ActionRefused, ActionFailed, IntentProposed, BeliefHeld].map(
  (each) => each.kind,
);

export function readRunRecord(journal: Journal, episode: string): RunRecord {
  const steps = new Map<number, StepRecord>();
  const intents = new Set<number>();
  let beliefs = 0;
  let afterSeq = 0;
  for (;;) {
    const page = journal.read({ corrId: episode, kinds, afterSeq, limit: pageEvents });
    for (const { kind, data } of page as readonly { kind: string; data: Record<string, unknown> }[]) {
      if (kind === BeliefHeld.kind) beliefs += 1;
      else if (kind === IntentProposed.kind) intents.add(Number(data["step"]));
      else addStep(steps, data);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageEvents) return { steps, intents, beliefs };
    afterSeq = last.seq;
  }
}

function addStep(steps: Map<number, StepRecord>, data: Record<string, unknown>): void {
  const recorded = data["recorded"] as Recorded | undefined;
  if (recorded !== undefined) {
    steps.set(recorded.step, { kind: "done", tool: recorded.tool, argsDigest: recorded.argsDigest, recorded });
    return;
  }
  steps.set(Number(data["step"]), {
    kind: "stopped",
    tool: String(data["tool"]),
    argsDigest: String(data["argsDigest"]),
    code: String(data["code"]),
    reason: String(data["reason"] ?? data["error"]),
  });
}
