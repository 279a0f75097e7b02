import { Grant, labels } from "../../contract/caller.ts";
import { closed, CorrelationId, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { on, seqKey, view } from "../../contract/view.ts";
import {
  DeclassifiedValue,
  RunCancelled,
  RunFailed,
  RunFinished,
  RunInterrupted,
  RunPaused,
  RunResumed,
  RunStarted,
  ToolsAccepted,
  ValueDeclassified,
} from "./contract.ts";

const runsMax = 10_000;
/** What a person can still look through; all of it is in the journal. */
const declassifiedMax = 5_000;

const RunRow = closed({
  episode: CorrelationId,
  agent: Type.String(),
  status: oneOf(["running", "finished", "failed", "cancelled", "interrupted"]),
  title: Type.String(),
  folder: Type.Optional(Type.String()),
  input: Type.Unknown(),
  grants: Type.Array(Grant),
  labels: Type.Optional(Type.Array(oneOf(labels))),
  isPaused: Type.Optional(Type.Boolean({ description: "The next step waits until somebody resumes the run." })),
  startedAtMs: EpochMs,
  endedAtMs: Type.Optional(EpochMs),
});
export type RunRow = Static<typeof RunRow>;

const run = on<RunRow>();
const byEpisode = (e: { readonly corrId: string }): string => e.corrId;
const unpaused = ({ isPaused: _paused, ...rest }: RunRow): RunRow => rest;
const ended =
  (status: RunRow["status"]) =>
  (row: RunRow | undefined, e: { readonly timeMs: number }): RunRow | null =>
    row ? { ...unpaused(row), status, endedAtMs: e.timeMs } : null;

/** What each run was asked to do and how it stands: enough to resume it. */
export const runs = view(RunRow)({
  name: "runs",
  version: 3,
  about: "Runs of agents with their input and grants, newest first.",
  isWayOut: true,
  rowsMax: runsMax,
  folds: [
    run(RunStarted, byEpisode, (_row, e) => {
      const asked = e.data;
      const { agent, title, input, grants } = asked;
      const more = {
        ...(asked.folder === undefined ? {} : { folder: asked.folder }),
        ...(asked.labels === undefined ? {} : { labels: asked.labels }),
      };
      return { episode: e.corrId, agent, status: "running", title, input, grants, startedAtMs: e.timeMs, ...more };
    }),
    run(RunResumed, byEpisode, (row) => {
      if (!row) return null;
      const { endedAtMs: _reopened, ...rest } = unpaused(row);
      return { ...rest, status: "running" };
    }),
    run(RunPaused, byEpisode, (row) => (row ? { ...row, isPaused: true } : null)),
    run(RunFinished, byEpisode, ended("finished")),
    run(RunFailed, byEpisode, ended("failed")),
    run(RunCancelled, byEpisode, ended("cancelled")),
    run(RunInterrupted, byEpisode, ended("interrupted")),
  ],
});

/** More agents than this no hub has. */
const agentsMax = 1_000;
export const AcceptedTools = closed({
  agent: Type.String(),
  tools: Type.Array(Type.String()),
  acceptedBy: Type.String(),
  atMs: EpochMs,
});
type AcceptedTools = Static<typeof AcceptedTools>;

const accepted = on<AcceptedTools>();
export const agentTools = view(AcceptedTools)({
  name: "agentTools",
  version: 1,
  about: "The tools that each agent ran with last on this hub.",
  rowsMax: agentsMax,
  folds: [
    accepted(
      ToolsAccepted,
      (e) => e.data.agent,
      (_row, { data, caller, timeMs }) => ({
        agent: data.agent,
        tools: data.tools,
        acceptedBy: caller,
        atMs: timeMs,
      }),
    ),
  ],
});

const declassification = on<DeclassifiedValue>();
export const declassified = view(DeclassifiedValue)({
  name: "declassified",
  version: 1,
  about: "Values that a person declassified, with who, when and why, newest first.",
  rowsMax: declassifiedMax,
  filters: {
    episode: { schema: CorrelationId, matches: (row, value: string) => row.episode === value },
  },
  folds: [
    declassification(ValueDeclassified, seqKey, (_row, e) => ({
      ...e.data,
      seq: e.seq,
      episode: e.corrId,
      by: e.caller,
      atMs: e.timeMs,
    })),
  ],
});
