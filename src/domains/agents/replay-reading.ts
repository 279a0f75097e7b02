/** Sorts the events of a recorded run: what its code said itself, and what tools, persons and the hub said around it. */
import type { Label } from "../../contract/caller.ts";
import type { Envelope, EnvelopeOf } from "../../contract/event.ts";
import { ApprovalGranted, ApprovalRequested } from "../approvals/contract.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  BeliefHeld,
  IntentProposed,
  ObservationRecorded,
  type Recorded,
} from "../episodes/contract.ts";
import {
  CallRepaired,
  type RecordedStep,
  RunCancelled,
  RunFailed,
  RunFinished,
  RunStarted,
  ToolsAccepted,
  ValueDeclassified,
} from "./contract.ts";
import { toldIn } from "./run-record.ts";

/** The end of the summary of a step that a person changed before they allowed it. */
export const changedByPerson = " (with changes by a person)";

export interface Reading {
  readonly started: EnvelopeOf<typeof RunStarted>;
  /** What the code of the run said, in order. Data that retention let go of is null. */
  readonly own: readonly Envelope[];
  /** Where each of them stands among all events of the run. */
  readonly places: readonly number[];
  readonly total: number;
  readonly steps: ReadonlyMap<number, RecordedStep>;
  /** What ran in place of what was asked for, by step. */
  readonly edits: ReadonlyMap<number, unknown>;
  /** Values that a person declassified, by the number of own events that came before. */
  readonly declassified: ReadonlyMap<
    number,
    readonly { readonly step: number; readonly digest: string; seq: number }[]
  >;
  readonly end: "finished" | "failed" | "cancelled" | "open";
}

type Data = Readonly<Record<string, unknown>>;

const resultKinds: ReadonlySet<string> = new Set(
  [ObservationRecorded, ActionApplied, ActionRefused, ActionFailed].map(({ kind }) => kind),
);
/** What an event can be to a replay; of all others, and there may be many, nothing is asked. */
type Part = "result" | "words" | "tools" | "approval" | "declassified";
const parts: ReadonlyMap<string, Part> = new Map<string, Part>([
  ...[...resultKinds].map((kind) => [kind, "result"] as const),
  ...[RunStarted, IntentProposed, BeliefHeld, CallRepaired, RunFinished, RunFailed, RunCancelled].map(
    ({ kind }) => [kind, "words"] as const,
  ),
  [ToolsAccepted.kind, "tools"],
  [ApprovalRequested.kind, "approval"],
  [ApprovalGranted.kind, "approval"],
  [ValueDeclassified.kind, "declassified"],
]);
const ends = { [RunFinished.kind]: "finished", [RunFailed.kind]: "failed", [RunCancelled.kind]: "cancelled" } as const;

/** The number of the step that an event tells of; null for other events. */
export function stepOf(data: unknown): number | null {
  const { step, recorded } = (data ?? {}) as { readonly step?: unknown; readonly recorded?: Recorded };
  const number = recorded?.step ?? step;
  return typeof number === "number" ? number : null;
}

/** Null where no run of an agent begins among the events. */
export function readRun(events: readonly Envelope[]): Reading | null {
  const started = events.find(({ kind, data }) => kind === RunStarted.kind && data !== null) as
    | Reading["started"]
    | undefined;
  if (started === undefined) return null;
  return sorted(events, started, null) ?? sorted(events, started, newestResults(events));
}

/**
 * A resumed run read a step again, as the answer was no longer kept: the later one is what it went on with. Most runs tell of
 * each step once; where one does not, this is null until it is said which is the newest of each.
 */
function sorted(
  events: readonly Envelope[],
  started: Reading["started"],
  newest: ReadonlyMap<number, Envelope> | null,
): Reading | null {
  const { caller } = started;
  const own: Envelope[] = [];
  const places: number[] = [];
  const steps = new Map<number, RecordedStep>();
  const declassified = new Map<number, { step: number; digest: string; seq: number }[]>();
  const edits = createEdits();
  let end: Reading["end"] = "open";
  for (let place = 0; place < events.length; place += 1) {
    const e = events[place] as Envelope;
    const part = parts.get(e.kind);
    if (part === undefined) continue;
    if (part === "words") end = ends[e.kind] ?? end;
    else if (part === "approval") edits.pass(e);
    else if (part === "declassified" && e.data !== null) {
      const { step, digest } = e.data as { readonly step: number; readonly digest: string };
      declassified.set(own.length, [...(declassified.get(own.length) ?? []), { step, digest, seq: e.seq }]);
    }
    const step = part === "result" ? stepOf(e.data) : null;
    if (step !== null && newest === null && (steps.has(step) || e.caller !== caller)) return null;
    if (!isOwn(e, part, { own, started }) || (step !== null && newest !== null && newest.get(step) !== e)) continue;
    own.push(e);
    places.push(place);
    if (step === null) continue;
    steps.set(step, recordedStep(step, e));
    edits.settle(step, e.data as Data);
  }
  return { started, own, places, total: events.length, steps, edits: edits.found, declassified, end };
}

/** Whether the code of the run said it. */
function isOwn(e: Envelope, part: Part, { own, started }: Pick<Reading, "own" | "started">): boolean {
  if (part === "tools") return own.length === 1 && (e.data as Data | null)?.["agent"] === started.data.agent;
  if (part !== "words" && part !== "result") return false;
  return e.caller === started.caller && (e.kind !== RunStarted.kind || e === started);
}

function newestResults(events: readonly Envelope[]): ReadonlyMap<number, Envelope> {
  const newest = new Map<number, Envelope>();
  for (const e of events) {
    const step = resultKinds.has(e.kind) ? stepOf(e.data) : null;
    if (step !== null) newest.set(step, e);
  }
  return newest;
}

function recordedStep(step: number, event: Envelope): RecordedStep {
  const data = event.data as Data;
  const { seq } = event;
  const label = data["label"] as Label | undefined;
  const recorded = data["recorded"] as Recorded | undefined;
  if (recorded !== undefined) {
    const { tool, argsDigest, atMs, durationMs } = recorded;
    return { step, seq, tool, argsDigest, label, event, kind: "done", atMs, durationMs };
  }
  const { code, reason, rule } = toldIn(data);
  const named = { tool: String(data["tool"]), argsDigest: String(data["argsDigest"]) };
  return { step, seq, ...named, label, event, kind: "stopped", code, reason, rule };
}

/** Finds for each step that a person changed what they made of it. */
function createEdits() {
  const asked = new Map<unknown, string>();
  const waiting = new Map<string, unknown>();
  const found = new Map<number, unknown>();
  return {
    found,
    pass({ kind, data }: Envelope): void {
      if (data === null) return;
      const { approvalId, operation, edited } = data as Data;
      if (kind === ApprovalRequested.kind) asked.set(approvalId, String(operation));
      if (kind !== ApprovalGranted.kind || edited === undefined) return;
      waiting.set(asked.get(approvalId) ?? "", (edited as { readonly input: unknown }).input);
    },
    settle(step: number, data: Data): void {
      if (waiting.size === 0) return;
      const tool = (data["recorded"] as Recorded | undefined)?.tool ?? "";
      if (!String(data["summary"]).endsWith(changedByPerson) || !waiting.has(tool)) return;
      found.set(step, waiting.get(tool));
      waiting.delete(tool);
    },
  };
}
