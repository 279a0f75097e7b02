/** Agents: runs of agents, and how a person stops, resumes and follows them. */
import { Grant, labels } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { type Operation, op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import {
  closed,
  CorrelationId,
  Digest,
  DurationMs,
  EpochMs,
  oneOf,
  type Static,
  type TObject,
  type TSchema,
  Type,
} from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { Interrupted, QueueFull } from "../../contract/task.ts";
import { Step, Summary, targetFields, Tool } from "../episodes/contract.ts";
import { finderProblems } from "./finder.ts";

export { InvalidProfile, NotATurn, UnknownAgent } from "./finder.ts";
export type { AgentFinder, FaultyAgent, FoundAgent } from "./finder.ts";
export { isFromOutside } from "./from-outside.ts";
export { refuseUnheld } from "./held-grants.ts";
export { labelOf } from "./labels.ts";
export type {
  RecordedStep,
  Replayed,
  Replayer,
  ReplayOptions,
  ReplayRecord,
  ReplayStep,
  StepAnswer,
} from "./replay.ts";
export { placeOfDifference, ReplayReport } from "./replay.ts";
export { Turn, TurnAnswer } from "./turn.ts";

const Agent = Type.String({ maxLength: 120 });
/** An agent with more tools than this is no agent that somebody can judge. */
const toolsMax = 128;
const ToolIds = Type.Array(Tool, { maxItems: toolsMax, description: "Ids of the tools that the agent declares." });

export const RunStarted = event({
  kind: "agents.run.started",
  about: "An agent began to work.",
  data: closed({
    agent: Agent,
    model: Type.String({ maxLength: 120, description: "`none` when no model takes part." }),
    title: Type.String({ maxLength: 300 }),
    folder: Type.Optional(Type.String({ maxLength: 4096 })),
    input: Type.Unknown(),
    grants: Type.Array(Grant, { maxItems: 64 }),
    labels: Type.Optional(
      Type.Array(oneOf(labels), { maxItems: labels.length, description: "Whose words the input holds." }),
    ),
    tools: Type.Optional(ToolIds),
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
    etaMs: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], {
      description: "Milliseconds left, as far as can be told.",
    }),
  }),
});
export const RunFinished = event({
  kind: "agents.run.finished",
  about: "The run ended as intended.",
  data: closed({
    agent: Agent,
    outcome: Type.String({ maxLength: 1000 }),
    notDone: Type.Array(Type.String({ maxLength: 500 }), { maxItems: 50 }),
    output: Type.Optional(
      Type.Unknown({
        description: "What the run answered, unless it is too large for an event; its task has it, too.",
      }),
    ),
  }),
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
  about: "An interrupted run is to go on; recorded steps are not repeated.",
  data: closed({ agent: Agent, recordedSteps: Type.Integer({ minimum: 0 }) }),
});
export const RunPaused = event({
  kind: "agents.run.paused",
  about: "A person paused the run: its next step waits until somebody resumes it.",
  data: closed({ agent: Agent }),
});
export const CallRepaired = event({
  kind: "agents.call.repaired",
  about: "What a model wrote was no call of a tool as it stood: it was mended, or the model was asked again.",
  data: closed({
    agent: Agent,
    tool: Tool,
    how: oneOf(["mended", "asked-again"]),
    faults: Type.Array(Type.String({ maxLength: 300 }), { maxItems: 20 }),
  }),
});
export const ToolsAccepted = event({
  kind: "agents.tools.accepted",
  about: "An agent runs with tools that it did not have at its last run here: a person started it, or allowed it.",
  data: closed({
    agent: Agent,
    isFirst: Type.Boolean({ description: "It never ran here before." }),
    tools: ToolIds,
    added: ToolIds,
    removed: ToolIds,
    needs: Type.Array(Type.String({ maxLength: 80 }), {
      maxItems: toolsMax,
      description: "What the tools that were added need of the world.",
    }),
  }),
});

const Label = oneOf(labels, "The label that the value gave.");
const Reason = Type.String({
  minLength: 1,
  maxLength: 500,
  description: "Why it may be acted on; kept in the ledger.",
});
const value = { agent: Agent, step: Step, tool: Tool, summary: Summary, ...targetFields, label: Label, digest: Digest };
export const ValueDeclassified = event({
  kind: "agents.value.declassified",
  about: "A person looked at one value that a run had learned, and said that it gives no label any more.",
  data: closed({ ...value, reason: Reason }),
});
/** One line of the ledger of declassified values. */
export const DeclassifiedValue = closed({
  seq: Type.Integer({ minimum: 0 }),
  episode: CorrelationId,
  ...value,
  reason: Reason,
  by: Type.String({ description: "Who said so, such as `person:admin`." }),
  atMs: EpochMs,
});
export type DeclassifiedValue = Static<typeof DeclassifiedValue>;

export const NotRunning = problem({
  code: "agents.not-running",
  status: 409,
  title: "Not running",
  about: "The episode has ended already, as `episodeStatus` says; nothing of it goes on.",
});
export const NotInterrupted = problem({
  code: "agents.not-interrupted",
  status: 409,
  title: "Not interrupted",
  about: "Only an interrupted episode can be resumed; `episodeStatus` says how it stands.",
});
export const RecordGone = problem({
  code: "agents.record-gone",
  status: 410,
  title: "Record no longer kept",
  about: "A recorded result that the resume needs was dropped by its age or by the size ceiling. Start the task anew.",
});

export const AlreadyRan = problem({
  code: "agents.already-ran",
  status: 409,
  title: "Episode exists",
  about: "An episode of this id exists. A new run needs an id of its own; an interrupted one is resumed.",
});
export const RecordDiverged = problem({
  code: "agents.record-diverged",
  status: 409,
  title: "The record does not fit",
  about: "The agent asked for something else than it did before. Its code or its input changed; start the task anew.",
});

export const RunDidNotFinish = problem({
  code: "agents.run-failed",
  status: 422,
  title: "The run failed",
  about:
    "A tool call failed and the agent could not go on. `causeCode` is the code of what failed; the episode tells the story.",
});

export const UnknownStep = problem({
  code: "agents.unknown-step",
  status: 404,
  title: "No such step",
  about: "The run has recorded no step of this number. `arw episodes show ID` lists the steps that give a label.",
});
export const NotLabelled = problem({
  code: "agents.not-labelled",
  status: 409,
  title: "The value gives no label",
  about:
    "What this step answered is the hub's own words, or nothing was recorded of it; there is nothing to declassify.",
});
export const AlreadyDeclassified = problem({
  code: "agents.already-declassified",
  status: 409,
  title: "Declassified already",
  about: "A person declassified this value before. `arw declassified` says who, when and why.",
});

export const UndeclaredTool = problem({
  code: "agents.undeclared-tool",
  status: 403,
  title: "Not a tool of this agent",
  about:
    "The agent called what is not in its list of tools, so nothing was done. `arw agents show NAME` shows the list.",
});

export const Run = op({
  id: "agents.run",
  http: "POST /agents/run",
  cli: "run <agent> [task]",
  mode: "job",
  effect: "write",
  attemptsMax: 1,
  canRecover: true,
  about: "Let an agent work under the grants given here and nothing else.",
  input: closed({
    agent: Agent,
    task: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200_000, description: "What the agent is to do, in plain words." }),
    ),
    title: Type.Optional(
      Type.String({ minLength: 1, maxLength: 300, description: "The beginning of the task without it." }),
    ),
    folder: Type.Optional(Type.String({ maxLength: 4096 })),
    model: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 400,
        description: "Asked in this run in place of the agent's own model: `SERVER/MODEL`, or the name of a role.",
      }),
    ),
    input: Type.Optional(
      Type.Unknown({ description: "What the agent is given, where that is no task; each agent says what it takes." }),
    ),
    grants: Type.Optional(
      Type.Array(Grant, {
        maxItems: 64,
        description: "None without it; an agent of a project has what its file names, and never more.",
      }),
    ),
  }),
  output: closed({
    episode: CorrelationId,
    outcome: Type.String(),
    notDone: Type.Array(Type.String()),
    output: Type.Unknown(),
  }),
  problems: [AlreadyRan, RecordGone, RecordDiverged, RunDidNotFinish, UndeclaredTool, Interrupted, ...finderProblems],
  emits: [
    RunStarted,
    RunProgress,
    RunFinished,
    RunFailed,
    RunCancelled,
    RunInterrupted,
    RunResumed,
    CallRepaired,
    ToolsAccepted,
  ],
  scope: (input) => (input.folder === undefined ? {} : { folder: input.folder }),
});

/** What an agent program sees of the hub. Every call is gated, asked for, recorded and redacted on its way. */
export interface Tools {
  readonly signal: AbortSignal;
  /** The moment the run began. The same in a resume and in a replay, so that "today" does not move under the agent. */
  readonly startedAtMs: number;
  /** How long the steps took so far that were done, by the record: the same in a resume and in a replay. */
  workedMs(): number;
  call<I extends TObject, O extends TSchema>(
    operation: Operation<I, O>,
    input: Static<I>,
    summary: string,
  ): Promise<Static<O>>;
  /** Says what the agent concluded, and from which lines. */
  believe(belief: {
    readonly topic: string;
    readonly statement: string;
    readonly sources: readonly { readonly path: string; readonly line: number }[];
  }): Promise<void>;
  progress(at: {
    readonly phase: string;
    readonly done: number;
    readonly total: number | null;
    readonly unit: string;
  }): void;
  /** Says that what a model wrote was no call of a tool as it stood. */
  repaired(call: Pick<Static<typeof CallRepaired.data>, "tool" | "how" | "faults">): Promise<void>;
}

/** An agent: code that decides, and reaches the world through `Tools` alone. The same answers make it do the same again. */
export interface AgentProgram {
  readonly id: string;
  /** One sentence that a stranger understands. */
  readonly about: string;
  /** `none` when no model takes part. */
  readonly model: string;
  /** The model that a run with this input asks, where not every run asks the same one. */
  modelOf?(input: unknown): string;
  /** All that it ever calls; anything else is refused, whatever was granted. */
  readonly tools: readonly Operation[];
  run(
    input: unknown,
    tools: Tools,
  ): Promise<{ readonly outcome: string; readonly notDone: readonly string[]; readonly output: unknown }>;
}

const EpisodeInput = closed({ episode: CorrelationId });
const EpisodeStatus = closed({ episode: CorrelationId, status: Type.String() });

export const Stop = op({
  id: "agents.stop",
  http: "POST /agents/stop",
  cli: "stop <episode>",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isOpenWhenHalted: true,
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
  about: "Go on with a paused run, or with an interrupted one without repeating what it recorded.",
  input: EpisodeInput,
  output: EpisodeStatus,
  problems: [NotFound, NotInterrupted, QueueFull],
  emits: [RunResumed, RunInterrupted],
});

export const Pause = op({
  id: "agents.pause",
  http: "POST /agents/pause",
  cli: "pause <episode>",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isOpenWhenHalted: true,
  about: "Let the next step of a run wait until somebody resumes it; the step that is under way ends.",
  input: EpisodeInput,
  output: EpisodeStatus,
  problems: [NotFound, NotRunning],
  emits: [RunPaused],
});

/** What a run took so far, for whoever decides whether it goes on. */
const Taken = closed({
  steps: Type.Integer({ minimum: 0 }),
  tokens: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: "Null where nobody counted." }),
  microUsd: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: "Null where nobody knows." }),
  durationMs: DurationMs,
});
export const GoOn = op({
  id: "agents.goOn",
  http: "POST /agents/go-on",
  cli: "",
  effect: "write",
  about: "Ask whether a run that reached a ceiling may go on; nothing else happens.",
  input: closed({
    agent: Agent,
    reached: Type.String({ maxLength: 300, description: "The ceiling, in words." }),
    taken: Taken,
  }),
  output: closed({ agent: Agent }),
});
export const Delegate = op({
  id: "agents.delegate",
  http: "POST /agents/delegate",
  cli: "",
  effect: "read",
  about: "Hand a task to another agent of the same project, which works within the run that asks, with no more rights.",
  input: closed({ agent: Agent, task: Type.String({ minLength: 1, maxLength: 200_000 }) }),
  output: closed({
    agent: Agent,
    given: Type.Unknown({ description: "The other agent as it is now, and its task." }),
  }),
  problems: finderProblems,
});

/** Steps that an answer names; further ones are counted. */
export const openStepsMax = 32;
export const Declassify = op({
  id: "agents.declassify",
  http: "POST /agents/declassify",
  cli: "declassify <episode> <step>",
  effect: "write",
  isForPersons: true,
  about: "Say of one value that a run has learned that it may be acted on: from here on it gives no label.",
  input: closed({ episode: CorrelationId, step: Step, reason: Reason }),
  output: closed({
    declassified: DeclassifiedValue,
    isLabelGone: Type.Boolean({ description: "True when nothing else that the run has learned gives this label." }),
    openSteps: Type.Array(Step, { maxItems: openStepsMax, description: "Steps that give the same label still." }),
    openStepsMore: Type.Integer({ minimum: 0, description: "Further ones." }),
  }),
  problems: [NotFound, NotRunning, UnknownStep, NotLabelled, AlreadyDeclassified],
  emits: [ValueDeclassified],
});

const Verdict = closed({ effect: oneOf(["allow", "ask", "deny"]), rule: Type.String(), source: Type.String() });
export const AgentManifest = closed({
  id: Agent,
  about: Type.String(),
  model: Type.String({ description: "`none` when no model takes part." }),
  isNew: Type.Boolean({ description: "It never ran on this hub." }),
  addedTools: Type.Array(Type.String(), { description: "Tools that it did not have at its last run here." }),
  asks: Type.Optional(Type.Array(Type.String(), { description: "Gate keys that its file has asked about each time." })),
  allowances: Type.Optional(
    Type.Array(Type.String(), { description: "What each of its runs may use up, by its file." }),
  ),
  tools: Type.Array(
    closed({
      id: Tool,
      about: Type.String(),
      effect: oneOf(["read", "write", "destroy"]),
      needs: Type.Array(Type.String(), { description: "What it needs of the world, as policies name it." }),
      does: Type.Array(Type.String(), { description: "The same in plain words." }),
      granted: Verdict,
      ungranted: Verdict,
    }),
    {
      description:
        "`granted` is what the rules say now where you granted the tool to the run, `ungranted` where not. Rules about single folders and hosts come on top.",
    },
  ),
});
export type AgentManifest = Static<typeof AgentManifest>;

export const ListAgents = op({
  id: "agents.list",
  http: "GET /agents",
  cli: "agents",
  effect: "read",
  isWayOut: true,
  isReadPastRules: true,
  about: "List the agents of this hub with their tools, and what the rules say of each.",
  input: closed({}),
  output: closed({
    agents: Type.Array(AgentManifest),
    faulty: Type.Array(
      closed({ agent: Agent, fault: Type.String({ description: "The file, the line and what is wrong there." }) }),
      { description: "Agents whose files have faults; they are not run." },
    ),
  }),
});
export const ShowAgent = op({
  id: "agents.show",
  http: "GET /agents/{agent}",
  cli: "agents show <agent>",
  effect: "read",
  about: "Show one agent with its tools, and what the rules say of each.",
  input: closed({ agent: Agent }),
  output: AgentManifest,
  problems: finderProblems,
});
export const AcceptTools = op({
  id: "agents.accept",
  http: "POST /agents/{agent}/accept",
  cli: "agents accept <agent>",
  effect: "write",
  about: "Accept the tools that an agent declares, so that others than you may start it with them.",
  input: closed({ agent: Agent, added: Type.Optional(ToolIds) }),
  output: closed({ agent: Agent, tools: ToolIds }),
  problems: finderProblems,
  emits: [ToolsAccepted],
});
