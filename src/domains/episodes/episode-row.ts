/**
 * An episode's row. Every event of the episode passes here, so each step costs the same however long the episode is: the
 * lists are bounded, and what has no room is counted.
 */
import type { Envelope } from "../../contract/event.ts";
import type { Static } from "../../contract/schema.ts";
import { type RunStarted, ValueDeclassified } from "../agents/contract.ts";
import { meterAtStart, metersWith } from "./model-meter.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  type Episode,
  episodeListsMax,
  type EpisodeSource,
  ObservationRecorded,
} from "./contract.ts";

type Data = Readonly<Record<string, unknown>>;

/** Paths longer than this are counted and not named: a row is written with each commit. */
const pathLengthMax = 1024;
const errorTextMax = 200;
const sourceTextMax = 200;
const targetTextMax = 300;

export const begun = (e: Envelope<Static<typeof RunStarted.data>>): Episode => ({
  id: e.corrId,
  title: e.data.title,
  agent: e.data.agent,
  model: e.data.model,
  status: "running",
  ...(e.data.folder === undefined ? {} : { folder: e.data.folder }),
  startedAtMs: e.timeMs,
  lastAtMs: e.timeMs,
  durationMs: 0,
  errors: 0,
  errorItems: [],
  refusals: 0,
  counts: { events: 0, observations: 0, beliefs: 0, intents: 0, actions: 0, approvals: 0 },
  actors: [],
  actorsMore: 0,
  projects: [],
  projectsMore: 0,
  kinds: [],
  kindsMore: 0,
  decisions: [],
  decisionsMore: 0,
  approvals: [],
  approvalsMore: 0,
  files: [],
  filesMore: 0,
  givenLabels: e.data.labels ?? ["user"],
  sources: [],
  sourcesMore: 0,
  ...meterAtStart(e.data.model),
  waitingApprovalIds: [],
  waitingQuestionIds: [],
  firstSeq: e.seq,
  firstKind: e.kind,
  lastSeq: e.seq,
  lastKind: e.kind,
});

/** Every event of the episode moves its clock and its counts; the families are told by the kind's first segment. */
export function counted(row: Episode | undefined, e: Envelope): Episode | null {
  if (!row) return null;
  // Retention may have dropped it.
  const data = (e.data ?? {}) as Data;
  return {
    ...row,
    counts: countsWith(row, e.kind),
    lastAtMs: e.timeMs,
    durationMs: Math.max(0, e.timeMs - row.startedAtMs),
    lastSeq: e.seq,
    lastKind: e.kind,
    refusals: row.refusals + (e.kind === ActionRefused.kind ? 1 : 0),
    ...kindsWith(row, e.kind),
    ...namedWith(row, { list: "actors", more: "actorsMore", text: e.caller }),
    ...namedWith(row, { list: "projects", more: "projectsMore", text: data["folder"] }),
    ...errorsWith(row, e, data),
    ...decisionsWith(row, e, data),
    ...filesWith(row, e, data),
    ...waitingWith(row, e.kind, data),
    ...approvalsWith(row, e, data),
    ...sourcesWith(row, e.kind, data),
    ...metersWith(row, e.kind, data),
  };
}

function countsWith({ counts }: Episode, kind: string): Episode["counts"] {
  const family = kind.slice(0, kind.indexOf(".")) as keyof Episode["counts"];
  const next = { ...counts, events: counts.events + 1 };
  if (family !== "events" && family in counts && countsOnce(kind)) next[family] += 1;
  return next;
}

/** An approval is one thing, however it was answered, and what was refused or failed was no action. */
const countsOnce = (kind: string): boolean =>
  kind !== ActionRefused.kind &&
  kind !== ActionFailed.kind &&
  (!kind.startsWith("approvals.") || kind === "approvals.requested");

function kindsWith({ kinds, kindsMore }: Episode, kind: string): Partial<Episode> {
  const index = kinds.findIndex((each) => each.kind === kind);
  if (index >= 0) return { kinds: kinds.with(index, { kind, count: (kinds[index]?.count ?? 0) + 1 }) };
  if (kinds.length >= episodeListsMax.kinds) return { kindsMore: kindsMore + 1 };
  return { kinds: [...kinds, { kind, count: 1 }] };
}

interface Named {
  readonly list: "actors" | "projects";
  readonly more: "actorsMore" | "projectsMore";
  readonly text: unknown;
}

function namedWith(row: Episode, { list, more, text }: Named): Partial<Episode> {
  if (typeof text !== "string" || text === "" || row[list].includes(text)) return {};
  if (row[list].length >= episodeListsMax[list] || text.length > pathLengthMax) return { [more]: row[more] + 1 };
  return { [list]: [...row[list], text] };
}

/** An event tells of an error by an `error` or a `problem` that is there and not null. */
export const errorOf = (data: Data): unknown => data["error"] ?? data["problem"] ?? null;

function errorsWith({ errors, errorItems }: Episode, { seq, kind }: Envelope, data: Data): Partial<Episode> {
  const error = errorOf(data);
  if (error === null) return {};
  if (errorItems.length >= episodeListsMax.errorItems) return { errors: errors + 1 };
  const { code = data["code"], detail } = (typeof error === "object" ? error : {}) as Data;
  const text = typeof error === "string" ? error : typeof detail === "string" ? detail : JSON.stringify(error);
  const item = { seq, kind, text: text.slice(0, errorTextMax), ...(typeof code === "string" ? { code } : {}) };
  return { errors: errors + 1, errorItems: [...errorItems, item] };
}

function decisionsWith({ decisions, decisionsMore }: Episode, { seq, kind }: Envelope, data: Data): Partial<Episode> {
  const { rule } = data;
  const decision = kind === "approvals.requested" ? "ask" : kind === ActionRefused.kind ? "deny" : null;
  if (typeof rule !== "string" || decision === null) return {};
  if (decisions.length >= episodeListsMax.decisions) return { decisionsMore: decisionsMore + 1 };
  return { decisions: [...decisions, { seq, rule, decision }] };
}

function filesWith({ files, filesMore }: Episode, { seq, kind }: Envelope, data: Data): Partial<Episode> {
  const { path } = data;
  if (kind !== ActionApplied.kind || typeof path !== "string") return {};
  const index = files.findIndex((each) => each.path === path);
  const file = { path, seq, sizeBytes: sizeOf(data) };
  if (index >= 0) return { files: files.with(index, file) };
  if (files.length >= episodeListsMax.files || path.length > pathLengthMax) return { filesMore: filesMore + 1 };
  return { files: [...files, file] };
}

/** What the tool answered says how large the file is now, if it says so. */
function sizeOf(data: Data): number | "unknown" {
  const result = (data["recorded"] as Data | undefined)?.["result"];
  const sizeBytes = typeof result === "object" && result !== null ? (result as Data)["sizeBytes"] : undefined;
  return typeof sizeBytes === "number" && Number.isInteger(sizeBytes) && sizeBytes >= 0 ? sizeBytes : "unknown";
}

const sourceKinds = new Set([ObservationRecorded, ActionApplied, ActionRefused, ActionFailed].map((each) => each.kind));

/** What gives a label, and what a person took it from. A step that was read again gives the label anew. */
function sourcesWith({ sources, sourcesMore }: Episode, kind: string, data: Data): Partial<Episode> {
  if (kind === ValueDeclassified.kind) {
    const index = sources.findIndex(({ step, digest }) => step === data["step"] && digest === data["digest"]);
    const known = sources[index];
    return known === undefined ? {} : { sources: sources.with(index, { ...known, isDeclassified: true }) };
  }
  const source = sourceKinds.has(kind) ? sourceOf(data) : null;
  if (source === null) return {};
  const index = sources.findIndex(({ step }) => step === source.step);
  if (index >= 0) {
    const isSame = sources[index]?.digest === source.digest;
    return isSame ? {} : { sources: sources.with(index, source) };
  }
  const alike = sources.filter(({ label }) => label === source.label);
  if (alike.length >= episodeListsMax.sourcesEach) return { sourcesMore: sourcesMore + 1 };
  return { sources: [...sources, source] };
}

function sourceOf(data: Data): EpisodeSource | null {
  const recorded = (data["recorded"] ?? data) as Data;
  const { label, summary } = data;
  const { step, tool, resultRef: digest } = recorded;
  if (typeof label !== "string" || typeof step !== "number" || typeof digest !== "string") return null;
  const target = [data["path"], data["host"], data["folder"]].find((each) => typeof each === "string");
  return {
    label: label as EpisodeSource["label"],
    step,
    tool: String(tool),
    summary: String(summary).slice(0, sourceTextMax),
    ...(typeof target === "string" ? { target: target.slice(-targetTextMax) } : {}),
    digest,
    isDeclassified: false,
  };
}

const outcomes: Readonly<Record<string, Episode["approvals"][number]["outcome"]>> = {
  "approvals.requested": "waiting",
  "approvals.granted": "granted",
  "approvals.denied": "denied",
  "approvals.expired": "expired",
  "approvals.cancelled": "cancelled",
};

const questionOutcomes: Readonly<Record<string, "waiting" | "closed">> = {
  "questions.asked": "waiting",
  "questions.answered": "closed",
  "questions.expired": "closed",
  "questions.withdrawn": "closed",
};

/** Questions that wait at once; an agent that asks more of them waits for the first ones. */
const waitingMax = 64;

/** Whoever waits for a person waits, whether for a yes or for words. */
function waitingWith(row: Episode, kind: string, data: Data): Partial<Episode> {
  const waitingApprovalIds = waitingIds(row.waitingApprovalIds, data["approvalId"], outcomes[kind]);
  const waitingQuestionIds = waitingIds(row.waitingQuestionIds, data["questionId"], questionOutcomes[kind]);
  if (waitingApprovalIds === null && waitingQuestionIds === null) return {};
  const waiting = {
    waitingApprovalIds: waitingApprovalIds ?? row.waitingApprovalIds,
    waitingQuestionIds: waitingQuestionIds ?? row.waitingQuestionIds,
  };
  const isOpen = row.status === "running" || row.status === "waiting";
  return { ...waiting, ...(isOpen ? { status: openStatus(waiting) } : {}) };
}

export const openStatus = (row: Pick<Episode, "waitingApprovalIds" | "waitingQuestionIds">): Episode["status"] =>
  row.waitingApprovalIds.length > 0 || row.waitingQuestionIds.length > 0 ? "waiting" : "running";

/** Null where the event says nothing of it. */
function waitingIds(ids: readonly string[], id: unknown, outcome: string | undefined): string[] | null {
  if (outcome === undefined || typeof id !== "string") return null;
  const others = ids.filter((each) => each !== id);
  return outcome === "waiting" ? [...others, id].slice(-waitingMax) : others;
}

function approvalsWith(row: Episode, { seq, kind }: Envelope, data: Data): Partial<Episode> {
  const outcome = outcomes[kind];
  const { approvalId } = data;
  if (outcome === undefined || typeof approvalId !== "string") return {};
  return approvalListWith(row, { approvalId, seq, outcome });
}

function approvalListWith(
  { approvals, approvalsMore }: Episode,
  approval: Episode["approvals"][number],
): Partial<Episode> {
  const index = approvals.findIndex((each) => each.approvalId === approval.approvalId);
  if (index >= 0) {
    const asked = approvals[index]?.seq ?? approval.seq;
    return { approvals: approvals.with(index, { ...approval, seq: asked }) };
  }
  // The answer to a question that had no room has none either.
  if (approval.outcome !== "waiting") return {};
  if (approvals.length >= episodeListsMax.approvals) return { approvalsMore: approvalsMore + 1 };
  return { approvals: [...approvals, approval] };
}

/** The row as it stands after the run said how it ended. What it asked in words outlives an interruption. */
export const ended =
  (status: Episode["status"], outcome: (data: never) => string) =>
  (row: Episode | undefined, e: Envelope): Episode | null =>
    row
      ? {
          ...row,
          status,
          endedAtMs: e.timeMs,
          waitingApprovalIds: [],
          waitingQuestionIds: status === "interrupted" ? row.waitingQuestionIds : [],
          outcome: outcome(e.data as never),
        }
      : null;
