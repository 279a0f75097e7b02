/** How the hub's own domains like to be shown on the command line. The surface itself names none of them. */
import { systemClock } from "../adapters/system/clock.ts";
import { counted, formatBytes, formatDurationMs } from "../base/units.ts";
import { truncate } from "../base/text-marks.ts";
import { Resume, RunCancelled, RunFailed, RunProgress } from "../domains/agents/contract.ts";
import {
  type Approval,
  ApprovalCancelled,
  ApprovalDenied,
  ApprovalExpired,
  ApprovalGranted,
  ApprovalRequested,
  Decide,
} from "../domains/approvals/contract.ts";
import { BackupMoved, Create as CreateBackup } from "../domains/backup/contract.ts";
import { agentAnswers, agentShortIds, episodeId, sourcesText } from "./cli-agents.ts";
import { budgetAnswers } from "./cli-budgets.ts";
import { approvalsText, runAnswer } from "./cli-approvals.ts";
import { capsuleAnswers } from "./cli-capsule-answers.ts";
import { chatAnswers, chatItems, chatShortIds } from "./cli-chat-look.ts";
import { mcpAnswers } from "./cli-mcp-answers.ts";
import { egressAnswers } from "./cli-egress.ts";
import { leaseAnswers, leaseShortIds } from "./cli-leases.ts";
import { modelAnswers, modelsMeterText } from "./cli-models.ts";
import { policyAnswers } from "./cli-policy.ts";
import { profileAnswers, profileFailures, profilePrepare } from "./cli-profiles.ts";
import { recipeAnswers, recipeFailures, recipePrepare } from "./cli-recipes.ts";
import { proveAnswers, proveFailures, provePrepare } from "./cli-prove.ts";
import { noteAnswers } from "./cli-notes.ts";
import { toolAnswers } from "./cli-tools.ts";
import {
  Answer as AnswerQuestion,
  type Question,
  QuestionAnswered,
  QuestionAsked,
  QuestionExpired,
  QuestionWithdrawn,
} from "../domains/questions/contract.ts";
import { questionAnswers, questionShortIds } from "./cli-questions.ts";
import { scheduleAnswers, scheduleJobsLeft, schedulePrepare } from "./cli-schedules.ts";
import { replayAnswers, replayFailures, replayPrepare, replayShortIds } from "./cli-replay.ts";
import {
  runCapsuleFiles,
  runCapsulePrepare,
  runCapsuleProgress,
  runCapsuleShortcuts,
  runCapsuleShortIds,
} from "./cli-run-capsule.ts";
import { runCapsuleAnswers } from "./cli-run-capsule-answers.ts";
import { shellAnswers, shellFailures } from "./cli-shell.ts";
import { debugAliases, debugAnswers, debugPrepare, debugShortIds } from "./cli-debug.ts";
import { undoAliases, undoAnswers, undoFailures, undoShortIds } from "./cli-undo.ts";
import { Run as WhatIfRun } from "../domains/what-if/contract.ts";
import { whatIfAnswers, whatIfFailed, whatIfFlags, whatIfItems, whatIfPrepare } from "./cli-what-if.ts";
import { SigninCode } from "../domains/access/contract.ts";
import { type Episode, Show, type StoryLine } from "../domains/episodes/contract.ts";
import { Export as ExportJournal, Verify as VerifyJournal } from "../domains/journal/contract.ts";
import { ReadJournal, Watch } from "../domains/events/contract.ts";
import { TestPolicies } from "../domains/policy/contract.ts";
import { CancelTask, GetTask, ListTasks } from "../domains/tasks/contract.ts";
import { ScheduleSkipped } from "../domains/schedules/contract.ts";
import { Brief } from "../domains/scout/contract.ts";
import type { Static } from "../contract/schema.ts";
import type { Pen, Style } from "../surfaces/cli/pen.ts";
import type { FollowPlan, Presentation, ShortId } from "../surfaces/cli/port.ts";

const taskId: readonly ShortId[] = [{ field: "taskId", list: "tasks.list", key: "taskId" }];

const domainAnswers: Presentation["answers"] = {
  ...budgetAnswers,
  ...egressAnswers,
  ...mcpAnswers,
  ...policyAnswers,
  ...shellAnswers,
  ...leaseAnswers,
  ...modelAnswers,
  ...noteAnswers,
  ...capsuleAnswers,
  ...runCapsuleAnswers,
  ...chatAnswers,
  ...agentAnswers,
  ...profileAnswers,
  ...recipeAnswers,
  ...proveAnswers,
  ...replayAnswers,
  ...scheduleAnswers,
  ...whatIfAnswers,
  ...undoAnswers,
  ...debugAnswers,
};

const shortcuts: Presentation["shortcuts"] = [
  { words: "episodes", operation: "state.episodes" },
  { words: "approvals", operation: "state.approvals" },
  { words: "questions", operation: "state.questions" },
  { words: "tasks", operation: "tasks.list" },
  { words: "declassified", operation: "state.declassified" },
  ...runCapsuleShortcuts,
];

const prepare: Presentation["prepare"] = {
  ...debugPrepare,
  ...profilePrepare,
  ...provePrepare,
  ...runCapsulePrepare,
  ...recipePrepare,
  ...replayPrepare,
  ...schedulePrepare,
  ...whatIfPrepare,
};

const domainFailures = { ...shellFailures, ...profileFailures, ...proveFailures };

/** What a person says to these needs no quotes. */
const spoken: Presentation["spoken"] = [
  "agents.run",
  "calculator.evaluate",
  "chat.edit",
  "chat.rename",
  "chat.search",
  "chat.send",
  "fs.search",
  "models.preview",
  "notes.search",
  "notes.write",
  "profiles.context",
  "questions.answer",
];

/** `address` is asked late: it is known once the hub is. */
export const cliPresentation = (address: () => string, nowMs: () => number = systemClock.nowMs): Presentation => ({
  shortcuts,
  aliases: [
    { word: "stop", flag: "--all", means: ["halt"] },
    { word: "stop", flag: "--release", means: ["halt", "release"] },
    ...undoAliases,
    ...debugAliases,
  ],
  prepare,
  spoken,
  flags: { [Decide.id]: { "lasting.until": "for", "lasting.over": "over" }, ...whatIfFlags },
  answers: {
    ...domainAnswers,
    ...questionAnswers(nowMs),
    ...toolAnswers,
    "state.episodes": (output, pen) => episodesText((output as { items: readonly Episode[] }).items, pen),
    "state.approvals": (output, pen) =>
      approvalsText((output as { items: readonly Approval[] }).items, { pen, nowMs: nowMs() }),
    [Decide.id]: (output, pen) => approvalsText([output as Approval], { pen, nowMs: nowMs() }),
    [Show.id]: (output, pen) => storyText(output as Static<typeof Show.output>, pen),
    [ListTasks.id]: (output, pen) => tasksText(output as Static<typeof ListTasks.output>, pen),
    [SigninCode.id]: (output) => `${address()}${(output as Static<typeof SigninCode.output>).path}`,
    [CreateBackup.id]: (output, pen) => backupText(output as Static<typeof CreateBackup.output>, pen),
    [Brief.id]: (output, pen) => briefText(output as Static<typeof Brief.output>, pen),
  },
  files: runCapsuleFiles,
  progress: runCapsuleProgress,
  failed: whatIfFailed,
  items: {
    ...chatItems,
    ...whatIfItems,
    // Lines that `arw events import` reads, with and without --json.
    [ExportJournal.id]: (item) => JSON.stringify(item),
    [VerifyJournal.id]: (item, pen) => verifyText(item as Static<typeof VerifyJournal.output>, pen),
    [Watch.id]: (item, pen) => eventText(item as Static<typeof Watch.output>, pen),
  },
  shortIds: {
    [Show.id]: episodeId("id"),
    ...agentShortIds,
    ...leaseShortIds,
    ...chatShortIds,
    ...runCapsuleShortIds,
    ...questionShortIds,
    [WhatIfRun.id]: episodeId("run"),
    ...replayShortIds,
    ...undoShortIds,
    ...debugShortIds,
    "state.episodes.get": episodeId("key"),
    [GetTask.id]: taskId,
    [CancelTask.id]: taskId,
    [Decide.id]: [{ field: "approvalId", list: "state.approvals", key: "approvalId" }],
  },
  shortIdsEverywhere: [...episodeId("beforeEpisode"), ...episodeId("afterEpisode")],
  jobsLeft: { ...scheduleJobsLeft, [Resume.id]: (output) => (output as Static<typeof Resume.output>).episode },
  failures: {
    ...domainFailures,
    ...recipeFailures,
    ...replayFailures,
    ...undoFailures,
    [TestPolicies.id]: (output) => (output as Static<typeof TestPolicies.output>).failed > 0,
  },
  follow,
  groups,
  examples,
});

const examples: Presentation["examples"] = [
  ["arw stop --all", "stop everything at once, until `arw stop --release`"],
  ["arw brief ~/notes", "brief a folder; asks before it writes"],
  ["arw chat ~/notes", "ask about a folder; answers with the places"],
  ['arw run helper@garden "sum up"', "let an agent of a project work"],
  ["arw episodes --status running", "what runs now"],
  ["arw episodes show 3f9c", "one episode as a story; ids may be shortened"],
  ["arw events tail --prefix agents.", "follow what happens, live"],
];

const groups: Presentation["groups"] = [
  {
    title: "Work",
    words: [
      "brief",
      "run",
      "chat",
      "sample",
      "recipe run",
      "schedule",
      "web fetch",
      "search",
      "notes",
      "time",
      "calc",
      "stop",
      "resume",
      "capsule export",
      "capsule import",
      "capsule ls",
      "replay",
      "undo",
    ],
  },
  {
    title: "See",
    words: ["episodes", "episodes show", "what-if", "agents", "models", "events tail", "tasks", "state"],
  },
  {
    title: "Decide",
    words: [
      "halt",
      "halt release",
      "approvals",
      "approvals decide",
      "questions",
      "answer",
      "declassify",
      "policy what-if",
      "policy proposals",
      "lease grant",
      "leases",
      "egress allow",
      "egress posture",
      "gate keys",
      "prove",
      "token",
    ],
  },
  { title: "Hub", words: ["hub", "signin", "health", "config show", "encrypt on", "shutdown", "completion"] },
];

export const follow: FollowPlan = {
  events: Watch.id,
  newest: {
    operation: ReadJournal.id,
    input: { limit: 1 },
    seqOf: (output) => (output as Static<typeof ReadJournal.output>).headSeq,
  },
  progressKinds: [RunProgress.kind, BackupMoved.kind],
  askedKind: ApprovalRequested.kind,
  answeredKinds: [ApprovalGranted, ApprovalDenied, ApprovalExpired, ApprovalCancelled].map((event) => event.kind),
  skippedKind: ScheduleSkipped.kind,
  question: "state.approvals.get",
  decide: Decide.id,
  decision: (approvalId, isAllowed) => ({ approvalId, decision: isAllowed ? "allow" : "deny" }),
  runAnswer,
  words: {
    askedKind: QuestionAsked.kind,
    endedKinds: [QuestionAnswered, QuestionExpired, QuestionWithdrawn].map(({ kind }) => kind),
    waiting: {
      operation: "state.questions",
      input: (corrId) => ({ episode: corrId, status: "waiting" }),
      ids: (output) => (output as { items: readonly Question[] }).items.map(({ questionId }) => questionId),
    },
    question: "state.questions.get",
    answer: AnswerQuestion.id,
    input: (questionId, text) => ({ questionId, text }),
    answerCommand: (questionId) => `arw answer ${shortId(questionId)} TEXT`,
  },
  story: Show.id,
  storyInput: (id, afterSeq) => ({ id, afterSeq }),
  storyLines: (output, pen) =>
    // A question itself is shown in full, with its diff or its answers.
    (output as Static<typeof Show.output>).story
      .filter((line) => line.kind !== ApprovalRequested.kind && line.kind !== QuestionAsked.kind)
      .map((line) => ({ seq: line.seq, text: storyLineText(line, pen), isEnd: badEnds.has(line.kind) })),
  storyMore: (output) => (output as Static<typeof Show.output>).nextAfterSeq,
  storyWaits: (output) => (output as Static<typeof Show.output>).episode.waitingApprovalIds,
  storyOver: (output) =>
    ["finished", "failed", "cancelled"].includes((output as Static<typeof Show.output>).episode.status),
  stopCommand: (corrId) => `arw stop ${corrId}`,
  showCommand: (corrId) => `arw episodes show ${corrId}`,
  answerCommand: (approvalId) => `arw approvals decide ${approvalId} allow`,
};

const badEnds: ReadonlySet<string> = new Set([RunFailed.kind, RunCancelled.kind]);

/** Ids begin with their time, so those of one day look alike in front; the end tells them apart. */
const shortLength = 8;
const shortId = (id: string): string => id.slice(-shortLength);

type Look = readonly [glyph: string, style: Style];
const episodeLooks: Readonly<Record<Episode["status"], Look>> = {
  running: ["▶", "cyan"],
  waiting: ["?", "yellow"],
  finished: ["✓", "green"],
  failed: ["✗", "red"],
  cancelled: ["■", "dim"],
  interrupted: ["‖", "yellow"],
};
const familyLooks: Readonly<Record<StoryLine["family"], Look>> = {
  run: ["▶", "bold"],
  observation: ["◦", "dim"],
  belief: ["≈", "cyan"],
  intent: ["→", "yellow"],
  action: ["●", "green"],
  approval: ["?", "yellow"],
  other: ["·", "dim"],
};
const statusWidth = "? waiting for you".length;
const durationWidth = 11;
const countsWidth = 15;

function statusText(status: Episode["status"], pen: Pen): string {
  const [glyph, style] = episodeLooks[status];
  const words = status === "waiting" ? "waiting for you" : status;
  return pen.paint(style, `${glyph} ${words}`.padEnd(statusWidth));
}

function countsText({ counts, refusals, errors }: Episode): string {
  const parts = [`${counts.observations} read`, `${counts.actions} done`];
  if (refusals > 0) parts.push(`${refusals} refused`);
  if (errors > 0) parts.push(`${errors} failed`);
  return parts.join(", ");
}

function episodesText(episodes: readonly Episode[], pen: Pen): string {
  if (episodes.length === 0) return pen.paint("dim", "No episodes yet. Begin one with `arw brief <folder>`.");
  const titleWidth = Math.max(16, pen.columns - shortLength - statusWidth - durationWidth - countsWidth - 8);
  return episodes
    .map((episode) => {
      const columns = [
        pen.safe(shortId(episode.id)).padEnd(shortLength),
        statusText(episode.status, pen),
        formatDurationMs(episode.durationMs).padEnd(durationWidth),
        countsText(episode).padEnd(countsWidth),
        truncate(pen.line(episode.title), titleWidth),
      ];
      return columns.join("  ");
    })
    .join("\n");
}

function tasksText({ tasks, depth }: Static<typeof ListTasks.output>, pen: Pen): string {
  const lines = tasks.map((task) => {
    const status = pen.paint(taskStyles[task.status], task.status.padEnd(taskStatusWidth));
    const why = "detail" in task && task.detail !== undefined ? `  ${task.detail}` : "";
    const text = pen.safe(`${task.operation}${why}`).replaceAll("\n", " ");
    return `${shortId(task.taskId)}  ${status}  ${pen.timeText(task.enqueuedAtMs)}  ${text}`;
  });
  return [...lines, pen.paint("dim", `${depth.queued} waiting, ${depth.running} running`)].join("\n");
}

const taskStatusWidth = 13;
const taskStyles: Readonly<Record<Static<typeof ListTasks.output>["tasks"][number]["status"], Style>> = {
  queued: "dim",
  running: "cyan",
  finished: "green",
  failed: "red",
  cancelled: "dim",
};

function storyText({ episode, story, nextAfterSeq }: Static<typeof Show.output>, pen: Pen): string {
  const head = [
    pen.paint("bold", pen.line(episode.title)),
    `${statusText(episode.status, pen).trimEnd()}  ${formatDurationMs(episode.durationMs)}  ${countsText(episode)}`,
    pen.paint(
      "dim",
      `${pen.safe(episode.id)}  began ${pen.timeText(episode.startedAtMs)}  model: ${pen.line(episode.model)}`,
    ),
    ...modelsMeterText(episode.models).map((line) => pen.paint("dim", line)),
    "",
  ];
  const more =
    nextAfterSeq === null
      ? []
      : [pen.paint("dim", `More: arw episodes show ${episode.id} --after-seq ${nextAfterSeq}`)];
  return [...head, ...sourcesText(episode, pen), ...story.map((line) => storyLineText(line, pen)), ...more].join("\n");
}

function storyLineText(line: StoryLine, pen: Pen): string {
  const [glyph, style] = line.isError ? (["✗", "red"] as const) : familyLooks[line.family];
  const text = pen.inside(line.text, 2);
  return `${pen.paint(style, glyph)} ${line.isError ? pen.paint("red", text) : text}`;
}

function backupText(made: Static<typeof CreateBackup.output>, pen: Pen): string {
  const head = `${pen.paint("green", "✓")} Wrote ${pen.safe(made.file)}: ${counted(made.files, "file")} in ${formatBytes(made.sizeBytes)}, up to event ${made.journalSeq}.`;
  return [head, ...made.leftOut.map((text) => `  Left out: ${pen.safe(text)}`)].join("\n");
}

function briefText(brief: Static<typeof Brief.output>, pen: Pen): string {
  const written = brief.written
    ? `${pen.paint("green", "✓")} Wrote ${pen.safe(brief.path)}`
    : `${pen.paint("yellow", "■")} Wrote nothing`;
  const head = `${written}: ${counted(brief.statements, "statement")} from ${counted(brief.files, "file")}.`;
  return [head, ...inShortLines(brief, pen), ...brief.notDone.map((text) => `  Not done: ${pen.safe(text)}`)].join(
    "\n",
  );
}

const inShortLines = ({ inShort }: Static<typeof Brief.output>, pen: Pen): readonly string[] =>
  inShort === undefined
    ? []
    : [
        `  In short, by ${pen.safe(inShort.model)}: ${counted(inShort.notInFiles, "sentence is", "sentences are")} not in the files, ${counted(inShort.leftOut, "thing of weight is", "things of weight are")} left out.`,
      ];

/** Room for the longest kinds; longer ones push their line. */
const kindWidth = 26;
const seqWidth = 6;

function verifyText({ events, ofEvents, tombstones, isDone, hash }: VerifyItem, pen: Pen): string {
  if (!isDone) return pen.paint("dim", `${events} of ${counted(ofEvents, "event")}`);
  const dropped = tombstones === 0 ? "" : `, ${tombstones} of them without their data`;
  return `${pen.paint("green", "✓")} ${counted(events, "event is", "events are")} what was written${dropped}. Head: ${hash ?? ""}`;
}

type VerifyItem = Static<typeof VerifyJournal.output>;

export function eventText(event: Static<typeof Watch.output>, pen: Pen): string {
  const seq = pen.paint("dim", String(event.seq ?? "live").padStart(seqWidth));
  const data = pen.safe(JSON.stringify(event.data));
  const line = `${pen.timeText(event.timeMs)}  ${pen.safe(event.kind).padEnd(kindWidth)}  ${shortId(pen.safe(event.corrId)).padEnd(shortLength)}  ${data}`;
  return `${seq}  ${truncate(line, Math.max(40, pen.columns - seqWidth - 2))}`;
}
