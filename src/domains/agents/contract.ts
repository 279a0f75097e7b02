/** Agents: runs of agents, and how a person stops, resumes and follows them. */
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";

const Agent = Type.String({ maxLength: 120 });

export const RunStarted = event({
  kind: "agents.run.started",
  about: "An agent began to work.",
  data: closed({
    agent: Agent,
    model: Type.String({ maxLength: 120, description: "`none` when no model takes part." }),
    title: Type.String({ maxLength: 300 }),
    folder: Type.Optional(Type.String({ maxLength: 4096 })),
    operation: Type.String({ maxLength: 200 }),
    input: Type.Unknown(),
    /** What a replay needs beside the recorded steps: the clock of the run. */
    atMs: Type.Integer({ minimum: 0 }),
  }),
});
export const RunProgress = event({
  kind: "agents.run.progress",
  isDurable: false,
  about: "How far a run is; passes by and is not kept.",
  data: closed({
    agent: Agent,
    phase: Type.String({ maxLength: 80 }),
    done: Type.Number({ minimum: 0 }),
    total: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
    unit: Type.String({ maxLength: 20 }),
    etaMs: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
  }),
});
export const RunFinished = event({
  kind: "agents.run.finished",
  about: "The run ended as intended.",
  data: closed({ agent: Agent, outcome: Type.String({ maxLength: 1000 }), notDone: Type.Array(Type.String({ maxLength: 500 }), { maxItems: 50 }) }),
});
export const RunFailed = event({
  kind: "agents.run.failed",
  about: "The run ended with an error.",
  data: closed({ agent: Agent, code: Type.String({ maxLength: 200 }), error: Type.String({ maxLength: 1000 }) }),
});
export const RunCancelled = event({
  kind: "agents.run.cancelled",
  about: "A person stopped the run.",
  data: closed({ agent: Agent, reason: Type.String({ maxLength: 500 }) }),
});
export const RunInterrupted = event({
  kind: "agents.run.interrupted",
  about: "The hub ended while the run was going; it can be resumed.",
  data: closed({ agent: Agent, reason: Type.String({ maxLength: 500 }) }),
});
export const RunResumed = event({
  kind: "agents.run.resumed",
  about: "An interrupted run goes on; recorded steps are not repeated.",
  data: closed({ agent: Agent, recordedSteps: Type.Integer({ minimum: 0 }) }),
});

export const NotRunning = problem({
  code: "agents.not-running",
  status: 409,
  title: "Not running",
  about: "The episode has ended already; there is nothing to stop.",
});
export const NotInterrupted = problem({
  code: "agents.not-interrupted",
  status: 409,
  title: "Not interrupted",
  about: "Only an interrupted episode can be resumed.",
});
export const RecordGone = problem({
  code: "agents.record-gone",
  status: 410,
  title: "Record no longer kept",
  about: "A recorded result that the resume needs was dropped by its age or by the size ceiling. Start the task anew.",
});

const EpisodeInput = closed({ episode: CorrelationId });
const EpisodeStatus = closed({ episode: CorrelationId, status: Type.String() });

export const Stop = op({
  id: "agents.stop",
  http: "POST /agents/stop",
  cli: "stop <episode>",
  effect: "write",
  isIdempotent: true,
  about: "Stop a run within one tool call.",
  input: EpisodeInput,
  output: EpisodeStatus,
  problems: [NotFound, NotRunning],
  emits: [RunCancelled],
});
export const Resume = op({
  id: "agents.resume",
  http: "POST /agents/resume",
  cli: "resume <episode>",
  effect: "write",
  about: "Go on with an interrupted run without repeating what it recorded.",
  input: EpisodeInput,
  output: EpisodeStatus,
  problems: [NotFound, NotInterrupted, RecordGone],
  emits: [RunResumed],
});
