/** What the journal holds of a run's steps: the answers a resume gives instead of doing things again. */
import type { Label } from "../../contract/caller.ts";
import type { Journal } from "../../kernel/kernel.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  BeliefHeld,
  IntentProposed,
  ObservationRecorded,
  type Recorded,
  type Target,
  targetOf,
} from "../episodes/contract.ts";
import { CallRepaired, ValueDeclassified } from "./contract.ts";
import { type Declassified, valueKey } from "./hands.ts";
import type { Told } from "./told.ts";

interface StepFacts {
  /** Position of the event that tells of it. */
  readonly seq: number;
  readonly tool: string;
  readonly argsDigest: string;
  readonly summary: string;
  readonly target: Target;
  /** What the answer left on the run; undefined where the event is older than such labels. */
  readonly label: Label | undefined;
  /** Digest of what the agent was told; null where the event is older than such digests. */
  readonly digest: string | null;
}
export type StepRecord = StepFacts &
  ({ readonly kind: "done"; readonly recorded: Recorded } | ({ readonly kind: "stopped" } & Told));

export interface RunRecord {
  readonly steps: ReadonlyMap<number, StepRecord>;
  /** Steps that were proposed, whether or not they were done. */
  readonly intents: ReadonlySet<number>;
  readonly beliefs: number;
  readonly repairs: number;
  readonly declassified: Declassified;
}

export const emptyRecord: RunRecord = {
  steps: new Map(),
  intents: new Set(),
  beliefs: 0,
  repairs: 0,
  declassified: new Map(),
};

const pageEvents = 1000;
const kinds = [
  ObservationRecorded,
  ActionApplied,
  ActionRefused,
  ActionFailed,
  IntentProposed,
  BeliefHeld,
  CallRepaired,
  ValueDeclassified,
].map((each) => each.kind);

export function readRunRecord(journal: Journal, episode: string): RunRecord {
  const steps = new Map<number, StepRecord>();
  const intents = new Set<number>();
  const declassified = new Map<string, number>();
  let beliefs = 0;
  let repairs = 0;
  let afterSeq = 0;
  for (;;) {
    const page = journal.read({ corrId: episode, kinds, afterSeq, limit: pageEvents });
    for (const { seq, kind, data } of page as readonly { seq: number; kind: string; data: Data | null }[]) {
      if (kind === BeliefHeld.kind) beliefs += 1;
      else if (kind === CallRepaired.kind) repairs += 1;
      // Retention may have dropped an observation: it is read again.
      else if (data === null) continue;
      else if (kind === IntentProposed.kind) intents.add(Number(data["step"]));
      else if (kind === ValueDeclassified.kind)
        declassified.set(valueKey(Number(data["step"]), String(data["digest"])), seq);
      else addStep(steps, seq, data);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageEvents) return { steps, intents, beliefs, repairs, declassified };
    afterSeq = last.seq;
  }
}

type Data = Readonly<Record<string, unknown>>;

function addStep(steps: Map<number, StepRecord>, seq: number, data: Data): void {
  const recorded = data["recorded"] as Recorded | undefined;
  const { folder, path, host } = data as Target;
  const facts = {
    seq,
    summary: String(data["summary"]),
    target: targetOf({ folder, path, host }),
    label: data["label"] as Label | undefined,
  };
  if (recorded !== undefined) {
    const { step, tool, argsDigest, resultRef: digest } = recorded;
    steps.set(step, { ...facts, kind: "done", tool, argsDigest, digest, recorded });
    return;
  }
  steps.set(Number(data["step"]), {
    ...facts,
    kind: "stopped",
    tool: String(data["tool"]),
    argsDigest: String(data["argsDigest"]),
    digest: (data["resultRef"] as string | undefined) ?? null,
    ...toldIn(data),
  });
}

/** What a refused or failed step told the agent. */
export function toldIn(data: Data): Told {
  const { rule, extra } = data as Pick<Told, "rule" | "extra">;
  return {
    code: String(data["code"]),
    reason: String(data["reason"] ?? data["error"]),
    ...(rule === undefined ? {} : { rule }),
    ...(extra === undefined ? {} : { extra }),
  };
}
