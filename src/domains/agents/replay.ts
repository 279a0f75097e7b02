/** Replay, as other domains see it: the program of a run works once more, over its record alone. */
import type { Caller, Grant, Label } from "../../contract/caller.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Operation } from "../../contract/operation.ts";
import type { Problem } from "../../contract/problem.ts";
import { closed, CorrelationId, oneOf, Seq, type Static, Type } from "../../contract/schema.ts";
import { Step } from "../episodes/contract.ts";

const Count = Type.Integer({ minimum: 0 });

export const Divergence = closed({
  step: Type.Union([Step, Type.Null()], { description: "The step that differs; null before the first one." }),
  seq: Type.Union([Seq, Type.Null()], { description: "Position of the recorded event in its journal." }),
  at: Type.String({ description: "The first value that differs, as a JSON pointer into the event." }),
  why: Type.String(),
  recorded: Type.Unknown({ description: "What the record says; null where it ends." }),
  made: Type.Unknown({ description: "What the program did this time." }),
});
export type Divergence = Static<typeof Divergence>;

/** Where a replay and its record part. What an agent says between two steps has the number of none. */
export function placeOfDifference(step: number | null, stepsReplayed: number): string {
  if (step !== null) return `at step ${step}`;
  return stepsReplayed === 0 ? "before the first step" : `behind step ${stepsReplayed}`;
}

export const ReplayReport = closed({
  episode: CorrelationId,
  agent: Type.String(),
  mode: oneOf(
    ["program", "answers"],
    "`program`: its code worked again. `answers`: the code is not this hub's, so what it was answered was checked instead.",
  ),
  verdict: oneOf(
    ["equal", "diverged", "incomplete"],
    "`incomplete`: equal up to an answer that is no longer in the record.",
  ),
  end: oneOf(["finished", "failed", "cancelled", "open"], "How the record ends; `open` where the run was cut off."),
  events: closed({
    total: Count,
    madeAgain: Type.Integer({
      minimum: 0,
      description: "Events that the code made again, equal to the recorded ones.",
    }),
    taken: Type.Integer({
      minimum: 0,
      description: "Events of tools, of persons and of the hub, taken from the record.",
    }),
  }),
  steps: closed({ recorded: Count, replayed: Count }),
  replayableToStep: Type.Union([Count, Type.Null()], { description: "Null where all of it is." }),
  divergence: Type.Union([Divergence, Type.Null()]),
});
export type ReplayReport = Static<typeof ReplayReport>;

/** What a replay reads: all durable events of one episode in their order, and the bytes that they name. */
export interface ReplayRecord {
  readonly events: readonly Envelope[];
  /** Null when the bytes are not there. */
  blob(ref: string): Promise<Uint8Array | null>;
}

/** One step as the record has it. */
export type RecordedStep = {
  readonly step: number;
  /** Position of the event that tells of it. */
  readonly seq: number;
  readonly tool: string;
  readonly argsDigest: string;
  readonly label: Label | undefined;
  readonly event: Envelope;
} & (
  | { readonly kind: "done"; readonly atMs: number; readonly durationMs: number }
  | { readonly kind: "stopped"; readonly code: string; readonly reason: string; readonly rule: string | undefined }
);

/** One step that the program takes, before it is answered. */
export interface ReplayStep {
  readonly step: number;
  readonly operation: Operation;
  /** As the program made it, this time. */
  readonly input: unknown;
  readonly argsDigest: string;
  readonly summary: string;
  /** The agent as it acts now: its grants, and the labels of all that it was given and has learned. */
  readonly caller: Caller;
  /** The recorded step that answers it: of this number, or after a departure one of the same tool and arguments. */
  readonly recorded: RecordedStep | null;
  /** True once an earlier step was answered otherwise than the record says. */
  readonly hasDeparted: boolean;
}

export type StepAnswer =
  /** As recorded; the branch ends as unknown where the record holds no such call. */
  | { readonly kind: "recorded" }
  | { readonly kind: "refused"; readonly problem: Problem }
  | { readonly kind: "answer"; readonly result: unknown; readonly durationMs?: number }
  /** Nobody can say what would have come of it: the branch ends here. */
  | { readonly kind: "unknown"; readonly why: string };

export interface ReplayOptions {
  /** Asked before each step. With it, or with `given`, what differs from the record is a departure and no divergence. */
  readonly beforeStep?: (step: ReplayStep) => StepAnswer | Promise<StepAnswer>;
  /** Begins the run with something else than was recorded. */
  readonly given?: { readonly input?: unknown; readonly grants?: readonly Grant[]; readonly labels?: readonly Label[] };
  readonly signal?: AbortSignal;
  /** Told now and then how many of the events that the code said before it has said again. */
  readonly onPlace?: (done: number, total: number) => void;
}

export interface Replayed {
  readonly report: ReplayReport;
  /** What the code said this time, in order; `seq` is that of the recorded event, or 0 after a departure. */
  readonly made: readonly Envelope[];
  /** The first step that was answered otherwise than recorded; 0 where the run began otherwise, null where nothing differs. */
  readonly departedAt: number | null;
  /** Set where a branch ends because nobody knows how it would go on. */
  readonly unknownAfter: { readonly step: number; readonly why: string } | null;
}

/** Nothing outside the record is reached: there is no context of the hub in it, and so no effect that it could have. */
export interface Replayer {
  replay(record: ReplayRecord, options?: ReplayOptions): Promise<Replayed>;
}
