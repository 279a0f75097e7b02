/** Follows a job until it ends: its story, its progress, and the questions that it waits for. */
import { createLimiter, type Limiter } from "../../base/async.ts";
import { TaskCancelled, TaskEnqueued, TaskFailed, TaskFinished } from "../../contract/task.ts";
import { askWords } from "./ask-words.ts";
import { showProgress } from "./long-call.ts";
import { diffText, type Pen } from "./pen.ts";
import { CallFailed, type CliParts, exitCodes, type FollowPlan, type Terminal, type Transport } from "./port.ts";
import { createScreen, type Screen } from "./screen.ts";
import { createStory, retryAfterMsOf, type Story } from "./story.ts";

export interface Job {
  readonly corrId: string;
  /** Absent while the call itself is held: its task comes once a person allowed it. */
  readonly taskId: string | undefined;
  /** The question that holds the call. */
  readonly approvalId: string | undefined;
  /** A job of an older episode: its task is the first one queued above this position. 0 when the episode begins with it. */
  readonly afterSeq: number;
}

export interface FollowOptions {
  readonly job: Job;
  readonly plan: FollowPlan;
  readonly transport: Transport;
  readonly terminal: Terminal;
  readonly wait: CliParts["wait"];
  readonly pen: Pen;
  /** Allow whatever this job asks. */
  readonly isYes: boolean;
  /** Print events as JSON lines, and nothing else. */
  readonly isJson: boolean;
  readonly showOutput: (output: unknown) => void;
  /** What the table says of a problem of this code, and of the next step. */
  aboutOf?(code: string): string | undefined;
}

/** What is read of an event; a live one has no `seq`. */
interface Seen {
  readonly seq?: number;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Following extends FollowOptions {
  readonly screen: Screen;
  readonly signal: AbortSignal;
  /** Open questions by their id; aborting one takes it off the screen. */
  readonly questions: Map<string, AbortController>;
  /** One question at a time stands on the terminal. */
  readonly turns: Limiter;
  readonly story: Story;
  readonly kept: Kept;
  taskId: string | undefined;
}

/** A bad end that the story told: for the end of the job to say, or for the story when it goes on behind it. */
interface Kept {
  text: string | null;
}

/** Resolves with the exit code. Ctrl-C leaves the job alone and only stops following. */
export async function followJob(options: FollowOptions): Promise<number> {
  const { terminal, job } = options;
  const leaving = new AbortController();
  const broken = new AbortController();
  const stopListening = terminal.onInterrupt(() => leaving.abort());
  const screen = createScreen(terminal);
  const signal = AbortSignal.any([leaving.signal, broken.signal]);
  const kept: Kept = { text: null };
  const story = createStory({
    afterSeq: job.afterSeq,
    tellAfter: (afterSeq) => tellStory({ ...options, screen, signal, kept }, afterSeq),
    wait: options.wait,
    failed: (error) => broken.abort(error),
    signal,
  });
  const following: Following = {
    ...options,
    screen,
    signal,
    story,
    kept,
    questions: new Map(),
    turns: createLimiter(1),
    taskId: job.taskId,
  };
  try {
    return (await follow(following)) ?? detached(following);
  } catch (error) {
    if (broken.signal.aborted) throw broken.signal.reason;
    if (!leaving.signal.aborted) throw error;
    return detached(following);
  } finally {
    for (const question of following.questions.values()) question.abort();
    screen.hold();
    stopListening();
    // What waits for its next pulse has nothing to tell any more.
    leaving.abort();
  }
}

/** The exit code of the job, or null when the stream ended before it. */
async function follow(following: Following): Promise<number | null> {
  const { terminal, plan, job, transport, isJson, signal } = following;
  if (job.approvalId !== undefined) open(following, job.approvalId);
  if (job.afterSeq > 0) await openStanding(following);
  for await (const item of transport.stream(plan.events, { corr: job.corrId, after: job.afterSeq }, signal)) {
    if (isJson) terminal.write(`${JSON.stringify(item)}\n`);
    const code = await takeEvent(following, item as Seen);
    if (code !== null) return code;
  }
  signal.throwIfAborted();
  return null;
}

/** What an older job asked before anybody followed it stands below the position from which it is followed. */
async function openStanding(following: Following): Promise<void> {
  const { plan, transport, job, signal } = following;
  const story = await storyNow(following);
  if (story === null) return;
  for (const approvalId of plan.storyWaits(story)) open(following, approvalId);
  if (plan.words === undefined) return;
  const { operation, input, ids } = plan.words.waiting;
  const result = await transport.call(operation, input(job.corrId), signal);
  for (const questionId of result.kind === "answer" ? ids(result.output) : []) openWords(following, questionId);
}

function detached(following: Following): number {
  const { terminal, plan, job, screen } = following;
  tellKept(following);
  screen.hold();
  terminal.writeError(
    `\nNo longer following; it goes on. Stop it with \`${plan.stopCommand(job.corrId)}\`, look at it with \`${plan.showCommand(job.corrId)}\`.\n`,
  );
  return exitCodes.interrupted;
}

/** The exit code when the event ends the job, else null. */
async function takeEvent(following: Following, event: Seen): Promise<number | null> {
  const { plan, isJson, story } = following;
  const { taskId } = event.data;
  if (event.kind === TaskEnqueued.kind && typeof taskId === "string") following.taskId ??= taskId;
  if (plan.progressKinds.includes(event.kind) && !isJson) showProgress(event.data, following);
  if (event.seq !== undefined && !isJson) story.due(event.seq);
  takeQuestion(following, event);
  if (!(await isEnd(following, event))) return null;
  await tellRest(following);
  return endCode(following, event);
}

function takeQuestion(following: Following, { kind, data }: Seen): void {
  const { plan, questions } = following;
  const { approvalId, questionId } = data;
  if (typeof approvalId === "string") {
    if (kind === plan.askedKind) open(following, approvalId);
    if (plan.answeredKinds.includes(kind)) questions.get(approvalId)?.abort();
  }
  if (typeof questionId === "string") {
    if (kind === plan.words?.askedKind) openWords(following, questionId);
    if (plan.words?.endedKinds.includes(kind) === true) questions.get(questionId)?.abort();
  }
}

type Telling = Pick<Following, "plan" | "transport" | "job" | "pen" | "screen" | "signal" | "kept">;

async function tellStory(telling: Telling, afterSeq: number) {
  const { plan, pen, screen, kept } = telling;
  const story = await storyNow(telling, afterSeq);
  if (story === null) return { seq: afterSeq, isMore: false };
  const lines = plan.storyLines(story, pen);
  for (const { text, isEnd = false } of lines) {
    tellKept(telling);
    if (isEnd) kept.text = text;
    else screen.line(text);
  }
  const more = plan.storyMore(story);
  return { seq: more ?? lines.at(-1)?.seq ?? afterSeq, isMore: more !== null };
}

function tellKept({ screen, kept }: Pick<Telling, "screen" | "kept">): void {
  if (kept.text !== null) screen.line(kept.text);
  kept.text = null;
}

/** Null where there is none yet: that of a held call begins with its first event. */
async function storyNow(
  { plan, transport, job, signal }: Pick<Telling, "plan" | "transport" | "job" | "signal">,
  afterSeq = job.afterSeq,
): Promise<unknown> {
  try {
    const result = await transport.call(plan.story, plan.storyInput(job.corrId, afterSeq), signal);
    return result.kind === "answer" ? result.output : null;
  } catch (error) {
    if (!(error instanceof CallFailed) || error.document.status !== 404) throw error;
    return null;
  }
}

async function tellRest({ story, screen, plan, job }: Following): Promise<void> {
  if (await story.now()) return;
  screen.line(`The hub takes no more reads for now; \`${plan.showCommand(job.corrId)}\` tells the rest.`);
}

const taskEnds: ReadonlySet<string> = new Set([TaskFinished, TaskFailed, TaskCancelled].map(({ kind }) => kind));

async function isEnd(following: Following, { kind, data }: Seen): Promise<boolean> {
  const { job, taskId, plan } = following;
  if (kind === plan.skippedKind) return true;
  if (!taskEnds.has(kind)) return false;
  if (taskId !== undefined) return data["taskId"] === taskId;
  // An older episode may still tell of the end of a former task; one that was paused goes on with the task that it has.
  return job.afterSeq === 0 || (await isOver(following));
}

async function isOver(following: Following): Promise<boolean> {
  const story = await storyNow(following);
  return story !== null && following.plan.storyOver(story);
}

function endCode(following: Following, event: Seen): number {
  const { plan, screen, isJson, showOutput } = following;
  if (event.kind === TaskFinished.kind) tellKept(following);
  if (event.kind === plan.skippedKind) return ended(following, "Left out", String(event.data["reason"]));
  screen.hold();
  if (event.kind === TaskFinished.kind) {
    if (!isJson) showOutput(event.data["output"]);
    return exitCodes.ok;
  }
  if (event.kind !== TaskFailed.kind) return ended(following, "Stopped", String(event.data["reason"]));
  const code = String(event.data["code"]);
  const about = following.aboutOf?.(code);
  const why = `${String(event.data["detail"])} (${code})`;
  return ended(following, "Failed", about === undefined ? why : `${why}\n  ${about}`);
}

function ended({ pen, screen, terminal }: Following, word: string, why: string): number {
  screen.hold();
  terminal.writeError(`${pen.paint("red", `✗ ${word}`)}: ${pen.safe(why)}\n`);
  return exitCodes.problem;
}

function open(following: Following, approvalId: string): void {
  const answerCommand = following.plan.answerCommand(approvalId);
  openQuestion(following, { id: approvalId, answerCommand, ask: (signal) => askPerson(following, approvalId, signal) });
}

function openWords(following: Following, questionId: string): void {
  const { plan, story, terminal, isJson } = following;
  const { words } = plan;
  if (words === undefined) return;
  const answerCommand = words.answerCommand(questionId);
  const ask = async (signal: AbortSignal): Promise<void> => {
    if (isJson) {
      terminal.writeError(`It waits for an answer: \`${answerCommand}\`\n`);
      return;
    }
    await story.now();
    await askWords({ ...following, words }, questionId, signal);
  };
  openQuestion(following, { id: questionId, answerCommand, ask });
}

interface Opening {
  readonly id: string;
  readonly answerCommand: string;
  ask(signal: AbortSignal): Promise<void>;
}

/** Asks beside the stream: an answer that comes from elsewhere takes the question away. */
function openQuestion(following: Following, { id, answerCommand, ask }: Opening): void {
  if (following.questions.has(id)) return;
  const answered = new AbortController();
  following.questions.set(id, answered);
  const signal = AbortSignal.any([answered.signal, following.signal]);
  following.turns
    .run(() => ask(signal), { signal })
    .catch((error: unknown) => {
      if (signal.aborted) return;
      const text = error instanceof CallFailed ? error.document.detail : "The question was not answered here.";
      following.screen.line(`${following.pen.safe(text)} Answer it with \`${answerCommand}\`.`);
    });
}

/** However many questions come at once, each is answered: where the hub takes no more for now, it is waited for. */
async function patiently<T>({ wait }: Following, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const delayMs = retryAfterMsOf(error);
      if (delayMs === undefined) throw error;
      await wait(delayMs, signal);
    }
  }
}

async function askPerson(following: Following, approvalId: string, signal: AbortSignal): Promise<void> {
  const { plan, transport, terminal, pen, screen, story, isYes, isJson } = following;
  const result = await patiently(following, signal, () => transport.call(plan.question, { key: approvalId }, signal));
  const row = (result.kind === "answer" ? result.output : {}) as Readonly<Record<string, unknown>>;
  // Following from the beginning also meets questions that were answered long ago.
  if (row["status"] !== "waiting") return;
  // Who decides reads first what led to it.
  if (!isYes && !isJson) await story.now();
  if (!isJson) screen.line(questionText(row, pen));
  if (!isYes && (!terminal.isTty || isJson)) {
    terminal.writeError(`It waits for an answer: \`${plan.answerCommand(approvalId)}\`\n`);
    return;
  }
  const forRun = plan.runAnswer?.(row) ?? null;
  const said = isYes ? "y" : await askOnTerminal(following, forRun?.words ?? null, signal);
  const input = said === "r" && forRun !== null ? forRun.input : plan.decision(approvalId, said === "y");
  await patiently(following, signal, () => transport.call(plan.decide, input, signal));
}

/** `y` for once, `r` for the rest of the run; anything else is a no. */
export async function askOnTerminal(
  { terminal, screen, pen }: Pick<Following, "terminal" | "screen" | "pen">,
  forRun: string | null,
  signal: AbortSignal,
): Promise<string> {
  screen.hold();
  const prompt = forRun === null ? "Allow once? [y/N] " : `Allow once? [y/r/N] (r: ${pen.safe(forRun)}) `;
  try {
    const said = (await terminal.ask(prompt, signal)).trim().toLowerCase();
    return said === "yes" ? "y" : said === "run" ? "r" : said;
  } finally {
    screen.release();
  }
}

export function questionText(row: Readonly<Record<string, unknown>>, pen: Pen): string {
  const lines = [pen.paint("yellow", `? ${pen.safe(String(row["summary"]))}`)];
  if (typeof row["rule"] === "string") {
    const why = typeof row["why"] === "string" ? `: ${row["why"]}` : "";
    lines.push(pen.paint("dim", `  asked by ${pen.safe(`${row["rule"]}${why}`)}`));
  }
  if (typeof row["diff"] === "string") lines.push(diffText(row["diff"].trimEnd(), pen));
  if (row["canUndo"] === false) lines.push(pen.paint("red", "  This cannot be undone."));
  return lines.join("\n");
}
