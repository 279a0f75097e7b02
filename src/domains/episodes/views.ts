/** The truth window: what agents saw, concluded, wanted and did, and the episodes that join it. */
import type { Envelope } from "../../contract/event.ts";
import { type Fold, on, seqKey, type View, view } from "../../contract/view.ts";
import { RunCancelled, RunFailed, RunFinished, RunInterrupted, RunResumed, RunStarted } from "../agents/contract.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  BeliefHeld,
  type Episode,
  Episode as EpisodeSchema,
  IntentProposed,
  ObservationRecorded,
  WindowRow,
} from "./contract.ts";
import { begun, counted, ended, openStatus } from "./episode-row.ts";
import { episodeFilters, windowFilters } from "./filters.ts";

const episodesMax = 10_000;
const windowRowsMax = 5000;

/** The recorded result stays in the journal; the window shows that there is one. */
export function windowRow(e: Envelope): WindowRow {
  const data = (e.data ?? {}) as Record<string, unknown>;
  const recorded = data["recorded"] as Record<string, unknown> | undefined;
  const asked = data["asked"] as Record<string, unknown> | undefined;
  const { result: _inJournal, ...meta } = recorded ?? {};
  const { value: _asWell, ...question } = asked ?? {};
  const shown = {
    ...data,
    ...(recorded === undefined ? {} : { recorded: meta }),
    ...(asked === undefined ? {} : { asked: question }),
  };
  return { seq: e.seq, timeMs: e.timeMs, kind: e.kind, corrId: e.corrId, caller: e.caller, data: shown };
}

const window = on<WindowRow>();
const windowView = (name: string, about: string, folds: readonly Fold<WindowRow>[]): View<WindowRow> =>
  view(WindowRow)({
    name,
    version: 1,
    about,
    rowsMax: windowRowsMax,
    filters: windowFilters,
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

export const episodes = view(EpisodeSchema)({
  name: "episodes",
  version: 5,
  about: "Every run of an agent with its status, duration, counts, errors, decisions and changed files, newest first.",
  rowsMax: episodesMax,
  filters: episodeFilters,
  folds: [
    episode(RunStarted, byEpisode, (row, e) => row ?? begun(e)),
    { kind: "*", key: byEpisode, apply: counted },
    episode(RunResumed, byEpisode, (row) => {
      if (!row) return null;
      const { endedAtMs: _reopened, outcome: _former, ...rest } = row;
      return { ...rest, status: openStatus(rest) };
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
