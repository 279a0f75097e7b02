import { Grant } from "../../contract/caller.ts";
import { closed, CorrelationId, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { on, view } from "../../contract/view.ts";
import { RunCancelled, RunFailed, RunFinished, RunInterrupted, RunResumed, RunStarted } from "./contract.ts";

const runsMax = 10_000;

const RunRow = closed({
  episode: CorrelationId,
  agent: Type.String(),
  status: oneOf(["running", "finished", "failed", "cancelled", "interrupted"]),
  title: Type.String(),
  folder: Type.Optional(Type.String()),
  input: Type.Unknown(),
  grants: Type.Array(Grant),
  startedAtMs: EpochMs,
  endedAtMs: Type.Optional(EpochMs),
});
export type RunRow = Static<typeof RunRow>;

const run = on<RunRow>();
const byEpisode = (e: { readonly corrId: string }): string => e.corrId;
const ended =
  (status: RunRow["status"]) =>
  (row: RunRow | undefined, e: { readonly timeMs: number }): RunRow | null =>
    row ? { ...row, status, endedAtMs: e.timeMs } : null;

/** What each run was asked to do and how it stands: enough to resume it. */
export const runs = view(RunRow)({
  name: "runs",
  version: 1,
  about: "Runs of agents with their input and grants, newest first.",
  rowsMax: runsMax,
  folds: [
    run(RunStarted, byEpisode, (_row, e) => {
      const { agent, title, folder, input, grants } = e.data;
      const target = folder === undefined ? {} : { folder };
      return { episode: e.corrId, agent, status: "running", title, input, grants, startedAtMs: e.timeMs, ...target };
    }),
    run(RunResumed, byEpisode, (row) => {
      if (!row) return null;
      const { endedAtMs: _reopened, ...rest } = row;
      return { ...rest, status: "running" };
    }),
    run(RunFinished, byEpisode, ended("finished")),
    run(RunFailed, byEpisode, ended("failed")),
    run(RunCancelled, byEpisode, ended("cancelled")),
    run(RunInterrupted, byEpisode, ended("interrupted")),
  ],
});
