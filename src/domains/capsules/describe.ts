/** What the events of a run say of it: who ran, what was allowed, what it reached and changed. Pure, the same on every hub. */
import type { Grant, Label } from "../../contract/caller.ts";
import type { Envelope } from "../../contract/event.ts";
import { RunCancelled, RunFailed, RunFinished, RunInterrupted, RunResumed, RunStarted } from "../agents/contract.ts";
import { ApprovalRequested } from "../approvals/contract.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  ObservationRecorded,
  type Recorded,
} from "../episodes/contract.ts";
import { type ChangedFile, listMax, type Manifest } from "./contract.ts";

type Data = Readonly<Record<string, unknown>>;
export type Blobs = (ref: string) => Uint8Array | null;

export type Description = Pick<Manifest, "run" | "grants" | "tools" | "folders" | "hosts" | "files" | "filesMore"> & {
  readonly counts: Omit<Manifest["counts"], "blobs">;
};

type Status = Manifest["run"]["status"];
const ends: ReadonlyMap<string, Status> = new Map<string, Status>([
  [RunFinished.kind, "finished"],
  [RunFailed.kind, "failed"],
  [RunCancelled.kind, "cancelled"],
  [RunInterrupted.kind, "interrupted"],
]);
const begins: ReadonlySet<string> = new Set([RunStarted.kind, RunResumed.kind]);
const stepKinds: ReadonlySet<string> = new Set(
  [ObservationRecorded, ActionApplied, ActionRefused, ActionFailed].map((each) => each.kind),
);

export type Boundary =
  | { readonly kind: "ended"; readonly seq: number }
  | { readonly kind: "going" }
  /** The episode is no run: all of it counts. */
  | { readonly kind: "none" };

/** Where the run ends: what came to the episode afterwards, such as an undo, is no part of it. */
export function boundaryOf(events: readonly Pick<Envelope, "kind" | "seq">[]): Boundary {
  const last = events.findLast(({ kind }) => begins.has(kind) || ends.has(kind));
  if (last === undefined) return { kind: "none" };
  return ends.has(last.kind) ? { kind: "ended", seq: last.seq } : { kind: "going" };
}

const dataOf = ({ data }: Envelope): Data => (typeof data === "object" && data !== null ? (data as Data) : {});
const textIn = (data: Data, name: string): string => (typeof data[name] === "string" ? data[name] : "");
const listIn = (data: Data, name: string): readonly unknown[] => (Array.isArray(data[name]) ? data[name] : []);

/** The step that an event tells the end of; null for every other event. */
export const stepOf = (event: Envelope): number | null => (stepKinds.has(event.kind) ? stepNamed(event) : null);

/** The step that an event speaks of, such as that it is proposed. */
export function stepNamed(event: Envelope): number | null {
  const step = recordedOf(event)?.step ?? dataOf(event)["step"];
  return typeof step === "number" && Number.isSafeInteger(step) ? step : null;
}

export const stepsOf = (events: readonly Envelope[]): number =>
  events.reduce((most, event) => Math.max(most, stepOf(event) ?? 0), 0);

export function recordedOf(event: Envelope): Recorded | null {
  const recorded = dataOf(event)["recorded"];
  return typeof recorded === "object" && recorded !== null ? (recorded as Recorded) : null;
}

export function describe(events: readonly Envelope[], blobs: Blobs): Description {
  const started = events.find(({ kind }) => kind === RunStarted.kind);
  const given = started === undefined ? {} : dataOf(started);
  const files = changesOf(events, blobs);
  const reached = (name: string): readonly string[] =>
    [...new Set(events.map((event) => textIn(dataOf(event), name)).filter((each) => each !== ""))].toSorted(byCode);
  const of = (kind: string): number => events.filter((event) => event.kind === kind).length;
  return {
    run: runOf(events, started),
    // What the journal holds fitted the schema of its event; a capsule of others is held to the manifest's.
    grants: listIn(given, "grants") as Grant[],
    tools: listIn(given, "tools").map(String),
    folders: reached("folder").slice(0, listMax),
    hosts: reached("host").slice(0, listMax),
    files: files.slice(0, listMax),
    filesMore: Math.max(0, files.length - listMax),
    counts: {
      events: events.length,
      steps: stepsOf(events),
      observations: of(ObservationRecorded.kind),
      actions: of(ActionApplied.kind),
      refusals: of(ActionRefused.kind),
      approvals: of(ApprovalRequested.kind),
    },
  };
}

/** The same order on every machine, whatever its language. */
const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function runOf(events: readonly Envelope[], started: Envelope | undefined): Manifest["run"] {
  const first = started ?? events[0];
  const given = first === undefined ? {} : dataOf(first);
  const end = events.findLast(({ kind }) => ends.has(kind));
  const folder = textIn(given, "folder");
  return {
    episode: first?.corrId ?? "",
    agent: textIn(given, "agent") || (first?.caller ?? ""),
    model: textIn(given, "model"),
    title: textIn(given, "title"),
    status: (started === undefined ? undefined : ends.get(end?.kind ?? "")) ?? "none",
    ...(folder === "" ? {} : { folder }),
    startedAtMs: first?.timeMs ?? 0,
    endedAtMs: (started === undefined ? events.at(-1) : end)?.timeMs ?? null,
    nodes: [...new Set(events.map(({ node }) => node))].slice(0, nodesMax),
    labels: listIn(given, "labels") as Label[],
  };
}
/** A run goes on where it began, or on the hub that it was carried to. */
const nodesMax = 16;

/** Whatever tool changed a file says so in its answer: what it is now, and what it was. */
export function changesOf(events: readonly Envelope[], blobs: Blobs): readonly ChangedFile[] {
  const read = new Map<string, Change | null>();
  /** A content is read once, however many events name it. */
  const changeIn = ({ kept, result, resultRef }: Recorded): Change | null => {
    if (kept === "inline") return changeOf(result);
    const known = read.get(resultRef);
    if (known !== undefined || kept === "digest") return known ?? null;
    const found = changeOf(jsonOf(blobs(resultRef)));
    read.set(resultRef, found);
    return found;
  };
  return events.flatMap((event) => {
    const recorded = recordedOf(event);
    const change = recorded === null ? null : changeIn(recorded);
    if (recorded === null || change === null) return [];
    const folder = textIn(dataOf(event), "folder");
    return [{ step: recorded.step, tool: recorded.tool, ...(folder === "" ? {} : { folder }), ...change }];
  });
}

type Change = Pick<ChangedFile, "path" | "before" | "after" | "sizeBytes">;

function changeOf(result: unknown): Change | null {
  if (typeof result !== "object" || result === null || Array.isArray(result) || !("beforeRef" in result)) return null;
  const { path, digest, beforeRef, sizeBytes, isChanged } = result as Data;
  if (typeof path !== "string" || typeof digest !== "string" || isChanged === false) return null;
  const before = typeof beforeRef === "string" ? beforeRef : null;
  return { path, before, after: digest, sizeBytes: typeof sizeBytes === "number" ? sizeBytes : null };
}

function jsonOf(bytes: Uint8Array | null): unknown {
  if (bytes === null) return null;
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    // What is no JSON is no answer that names files.
    return null;
  }
}

const digestForm = /^sha256:[0-9a-f]{64}$/;

/**
 * The contents that the events name: kept answers, and whatever stands under a name that ends in `Ref` in them. The digest of
 * an answer that was not kept names nothing that anybody has.
 */
export function blobRefsOf(events: readonly Envelope[], blobs: Blobs): ReadonlySet<string> {
  const refs = new Set<string>();
  const read = new Set<string>();
  for (const event of events) {
    collect(event.data, refs);
    const recorded = recordedOf(event);
    if (recorded?.kept !== "blob" || read.has(recorded.resultRef)) continue;
    read.add(recorded.resultRef);
    refs.add(recorded.resultRef);
    collect(jsonOf(blobs(recorded.resultRef)), refs);
  }
  return refs;
}

/** The contents that are answers or what was asked: whoever replays the run reads them as JSON. */
export function readRefsOf(events: readonly Envelope[]): ReadonlySet<string> {
  const refs = new Set<string>();
  for (const event of events) {
    const recorded = recordedOf(event);
    if (recorded?.kept === "blob") refs.add(recorded.resultRef);
    for (const member of Object.values(dataOf(event))) {
      const ref = (member as { readonly valueRef?: unknown } | null | undefined)?.valueRef;
      if (typeof ref === "string") refs.add(ref);
    }
  }
  return refs;
}

function collect(root: unknown, refs: Set<string>): void {
  const left: unknown[] = [root];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value !== "object" || value === null) continue;
    for (const [name, member] of Object.entries(value)) {
      if (typeof member === "object") left.push(member);
      else if (name.endsWith("Ref") && name !== "resultRef" && typeof member === "string" && digestForm.test(member))
        refs.add(member);
    }
  }
}
