/** The truth window: what agents saw, concluded, wanted and did, and the episodes that join it. */
import type { Envelope } from "../../contract/event.ts";
import { closed, CorrelationId, EpochMs, oneOf, Seq, type Static, Type } from "../../contract/schema.ts";
import { type Fold, on, seqKey, type View, view } from "../../contract/view.ts";
import { RunCancelled, RunFailed, RunFinished, RunInterrupted, RunResumed, RunStarted } from "../agents/contract.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  BeliefHeld,
  type Episode,
  Episode as EpisodeSchema,
  episodeStatuses,
  IntentProposed,
  ObservationRecorded,
} from "./contract.ts";

const episodesMax = 10_000;
const windowRowsMax = 5000;

const WindowRow = closed({
  seq: Seq,
  timeMs: EpochMs,
  kind: Type.String(),
  corrId: CorrelationId,
  caller: Type.String(),
  data: Type.Unknown({ description: "The event's data, without the recorded result." }),
});
type WindowRow = Static<typeof WindowRow>;

/** The recorded result stays in the journal; the window shows that there is one. */
function windowRow(e: Envelope): WindowRow {
  const data = e.data as Record<string, unknown>;
  const recorded = data["recorded"] as Record<string, unknown> | undefined;
  const { result: _inJournal, ...meta } = recorded ?? {};
  const shown = recorded === undefined ? data : { ...data, recorded: meta };
  return { seq: e.seq, timeMs: e.timeMs, kind: e.kind, corrId: e.corrId, caller: e.caller, data: shown };
}

const window = on<WindowRow>();
const windowView = (name: string, about: string, folds: readonly Fold<WindowRow>[]): View<WindowRow> =>
  view(WindowRow)({
    name,
    version: 1,
    about,
    rowsMax: windowRowsMax,
    filters: { corr: { schema: CorrelationId, matches: (row: WindowRow, value: string) => row.corrId === value } },
    folds,
  });

export const observations = windowView("observations", "What agents read, newest first.", [
  window(ObservationRecorded, seqKey, (_row, e) => windowRow(e)),
]);
export const beliefs = windowView("beliefs", "What agents concluded, newest first.", [
  window(BeliefHeld, seqKey, (_row, e) => windowRow(e)),
]);
export const intents = windowView("intents", "What agents wanted to change, newest first.", [
  window(IntentProposed, seqKey, (_row, e) => windowRow(e)),
]);
export const actions = windowView("actions", "What was done, refused or failed, newest first.", [
  window(ActionApplied, seqKey, (_row, e) => windowRow(e)),
  window(ActionRefused, seqKey, (_row, e) => windowRow(e)),
  window(ActionFailed, seqKey, (_row, e) => windowRow(e)),
]);

const byEpisode = (e: { readonly corrId: string }): string => e.corrId;
const episode = on<Episode>();

const begun = (e: Envelope<Static<typeof RunStarted.data>>): Episode => ({
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
  refusals: 0,
  counts: { events: 0, observations: 0, beliefs: 0, intents: 0, actions: 0, approvals: 0 },
  waitingApprovalIds: [],
  firstSeq: e.seq,
  lastSeq: e.seq,
  lastKind: e.kind,
});

/** Every event of the episode moves its clock and its counts; the families are told by the kind's first segment. */
function counted(row: Episode | undefined, e: Envelope): Episode | null {
  if (!row) return null;
  const family = e.kind.slice(0, e.kind.indexOf(".")) as keyof Episode["counts"];
  const counts = { ...row.counts, events: row.counts.events + 1 };
  if (family !== "events" && family in counts && e.kind !== "approvals.granted")
    counts[family] += countsOnce(e.kind) ? 1 : 0;
  return {
    ...row,
    counts,
    lastAtMs: e.timeMs,
    durationMs: Math.max(0, e.timeMs - row.startedAtMs),
    lastSeq: e.seq,
    lastKind: e.kind,
    errors: row.errors + (isError(e.kind) ? 1 : 0),
    refusals: row.refusals + (e.kind === ActionRefused.kind ? 1 : 0),
    ...waiting(row, e),
  };
}

const isError = (kind: string): boolean => kind === ActionFailed.kind || kind === RunFailed.kind;
/** An approval is one thing, however it was answered, and what was refused or failed was no action. */
const countsOnce = (kind: string): boolean =>
  kind !== ActionRefused.kind &&
  kind !== ActionFailed.kind &&
  (!kind.startsWith("approvals.") || kind === "approvals.requested");

function waiting(row: Episode, e: Envelope): Partial<Pick<Episode, "waitingApprovalIds" | "status">> {
  if (!e.kind.startsWith("approvals.")) return {};
  const { approvalId } = e.data as { approvalId: string };
  const others = row.waitingApprovalIds.filter((each) => each !== approvalId);
  const ids = e.kind === "approvals.requested" ? [...others, approvalId].slice(-64) : others;
  if (row.status !== "running" && row.status !== "waiting") return { waitingApprovalIds: ids };
  return { waitingApprovalIds: ids, status: ids.length > 0 ? "waiting" : "running" };
}

const ended =
  (status: Episode["status"], outcome: (data: never) => string) =>
  (row: Episode | undefined, e: Envelope): Episode | null =>
    row ? { ...row, status, endedAtMs: e.timeMs, waitingApprovalIds: [], outcome: outcome(e.data as never) } : null;

export const episodes = view(EpisodeSchema)({
  name: "episodes",
  version: 1,
  about: "Every run of an agent with its status, duration and counts, newest first.",
  rowsMax: episodesMax,
  filters: {
    status: { schema: oneOf(episodeStatuses), matches: (row: Episode, value: string) => row.status === value },
    errorsOnly: {
      schema: Type.Boolean(),
      matches: (row: Episode, value: boolean) => !value || row.errors > 0 || row.status === "failed",
    },
    agent: { schema: Type.String({ maxLength: 120 }), matches: (row: Episode, value: string) => row.agent === value },
    text: { schema: Type.String({ maxLength: 200 }), matches: (row: Episode, value: string) => mentions(row, value) },
    since: { schema: EpochMs, matches: (row: Episode, value: number) => row.startedAtMs >= value },
  },
  folds: [
    episode(RunStarted, byEpisode, (row, e) => row ?? begun(e)),
    { kind: "*", key: byEpisode, apply: counted },
    episode(RunResumed, byEpisode, (row) => {
      if (!row) return null;
      const { endedAtMs: _reopened, outcome: _former, ...rest } = row;
      return { ...rest, status: "running" };
    }),
    episode(
      RunFinished,
      byEpisode,
      ended("finished", (data: { outcome: string }) => data.outcome),
    ),
    episode(
      RunFailed,
      byEpisode,
      ended("failed", (data: { error: string }) => data.error),
    ),
    episode(
      RunCancelled,
      byEpisode,
      ended("cancelled", (data: { reason: string }) => data.reason),
    ),
    episode(
      RunInterrupted,
      byEpisode,
      ended("interrupted", (data: { reason: string }) => data.reason),
    ),
  ],
});

function mentions(row: Episode, text: string): boolean {
  const wanted = text.toLowerCase();
  return [row.id, row.title, row.agent, row.folder ?? "", row.outcome ?? ""].some((each) =>
    each.toLowerCase().includes(wanted),
  );
}
