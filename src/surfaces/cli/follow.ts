/** Follows a job until it ends: its story, its progress, and the questions that it waits for. */
import { createLimiter, type Limiter } from "../../base/async.ts";
import { formatDurationMs } from "../../base/units.ts";
import { TaskCancelled, TaskEnqueued, TaskFailed, TaskFinished } from "../../contract/task.ts";
import { diffText, type Pen } from "./pen.ts";
import { CallFailed, exitCodes, type FollowPlan, type Terminal, type Transport } from "./port.ts";
import { createScreen, type Screen } from "./screen.ts";

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
  readonly pen: Pen;
  /** Allow whatever this job asks. */
  readonly isYes: boolean;
  /** Print events as JSON lines, and nothing else. */
  readonly isJson: boolean;
  readonly showOutput: (output: unknown) => void;
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
  toldSeq: number;
  taskId: string | undefined;
}

/** Resolves with the exit code. Ctrl-C leaves the job alone and only stops following. */
export async function followJob(options: FollowOptions): Promise<number> {
  const { terminal, plan, job, transport, isJson } = options;
  const leaving = new AbortController();
  const stopListening = terminal.onInterrupt(() => leaving.abort());
  const screen = createScreen(terminal);
  const following: Following = {
    ...options,
    screen,
    signal: leaving.signal,
    questions: new Map(),
    turns: createLimiter(1),
    toldSeq: job.afterSeq,
    taskId: job.taskId,
  };
  try {
    if (job.approvalId !== undefined) open(following, job.approvalId);
    for await (const item of transport.stream(plan.events, { corr: job.corrId, after: job.afterSeq }, leaving.signal)) {
      if (isJson) terminal.write(`${JSON.stringify(item)}\n`);
      const code = await takeEvent(following, item as Seen);
      if (code !== null) return code;
    }
    return detached(following);
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    return detached(following);
  } finally {
    for (const question of following.questions.values()) question.abort();
    screen.hold();
    stopListening();
  }
}

function detached({ terminal, plan, job, screen }: Following): number {
  screen.hold();
  terminal.writeError(
    `\nNo longer following; it goes on. Stop it with \`${plan.stopCommand(job.corrId)}\`, look at it with \`${plan.showCommand(job.corrId)}\`.\n`,
  );
  return exitCodes.interrupted;
}

/** The exit code when the event ends the job, else null. */
async function takeEvent(following: Following, event: Seen): Promise<number | null> {
  const { plan, isJson } = following;
  const { approvalId, taskId } = event.data;
  if (event.kind === TaskEnqueued.kind && typeof taskId === "string") following.taskId ??= taskId;
  if (plan.progressKinds.includes(event.kind)) showProgress(following, event.data);
  if (event.kind === plan.askedKind && typeof approvalId === "string") open(following, approvalId);
  if (plan.answeredKinds.includes(event.kind) && typeof approvalId === "string")
    following.questions.get(approvalId)?.abort();
  if (event.seq !== undefined && event.seq > following.toldSeq && !isJson) await tellStory(following, event.seq);
  return endCode(following, event);
}

async function tellStory(following: Following, seq: number): Promise<void> {
  const { plan, transport, job, pen, screen, signal } = following;
  const input = plan.storyInput(job.corrId, following.toldSeq);
  following.toldSeq = seq;
  try {
    const result = await transport.call(plan.story, input, signal);
    if (result.kind !== "answer") return;
    for (const line of plan.storyLines(result.output, pen)) {
      following.toldSeq = Math.max(following.toldSeq, line.seq);
      screen.line(line.text);
    }
  } catch (error) {
    // A held call has no story yet; it begins with its first event.
    if (!(error instanceof CallFailed) || error.document.status !== 404) throw error;
  }
}

function showProgress({ pen, screen, isJson }: Following, data: Seen["data"]): void {
  if (isJson) return;
  const { phase, done, total, unit, etaMs } = data;
  const part = typeof total === "number" ? `${String(done)}/${total}` : String(done);
  const left = typeof etaMs === "number" && etaMs > 0 ? `, about ${formatDurationMs(etaMs)} left` : "";
  const tenth =
    typeof total === "number" && total > 0 && typeof done === "number" ? Math.floor((done / total) * 10) : 0;
  const text = pen.safe(`${String(phase)}: ${part} ${String(unit)}${left}`).replaceAll("\n", " ");
  screen.progress(pen.paint("cyan", text), `${String(phase)} ${tenth}`);
}

function endCode(following: Following, event: Seen): number | null {
  const { job, taskId, plan, screen, isJson, showOutput } = following;
  if (event.kind === plan.skippedKind) return ended(following, "Left out", String(event.data["reason"]));
  const isEnd = [TaskFinished, TaskFailed, TaskCancelled].some((definition) => definition.kind === event.kind);
  if (!isEnd) return null;
  // An older episode may still tell of the end of a former task.
  if (taskId === undefined ? job.afterSeq > 0 : event.data["taskId"] !== taskId) return null;
  screen.hold();
  if (event.kind === TaskFinished.kind) {
    if (!isJson) showOutput(event.data["output"]);
    return exitCodes.ok;
  }
  const why =
    event.kind === TaskFailed.kind
      ? `${String(event.data["detail"])} (${String(event.data["code"])})`
      : String(event.data["reason"]);
  return ended(following, event.kind === TaskFailed.kind ? "Failed" : "Stopped", why);
}

function ended({ pen, screen, terminal }: Following, word: string, why: string): number {
  screen.hold();
  terminal.writeError(`${pen.paint("red", `✗ ${word}`)}: ${pen.safe(why)}\n`);
  return exitCodes.problem;
}

/** Asks beside the stream: an answer that comes from elsewhere takes the question away. */
function open(following: Following, approvalId: string): void {
  if (following.questions.has(approvalId)) return;
  const answered = new AbortController();
  following.questions.set(approvalId, answered);
  const signal = AbortSignal.any([answered.signal, following.signal]);
  const asked = following.turns.run(() => askPerson(following, approvalId, signal), { signal });
  asked.catch((error: unknown) => {
    if (signal.aborted) return;
    const text = error instanceof CallFailed ? error.document.detail : "The question was not answered here.";
    following.screen.line(
      `${following.pen.safe(text)} Answer it with \`${following.plan.answerCommand(approvalId)}\`.`,
    );
  });
}

async function askPerson(following: Following, approvalId: string, signal: AbortSignal): Promise<void> {
  const { plan, transport, terminal, pen, screen, isYes, isJson } = following;
  const result = await transport.call(plan.question, { key: approvalId }, signal);
  const row = (result.kind === "answer" ? result.output : {}) as Readonly<Record<string, unknown>>;
  // Following from the beginning also meets questions that were answered long ago.
  if (row["status"] !== "waiting") return;
  if (!isJson) screen.line(questionText(row, pen));
  if (!isYes && (!terminal.isTty || isJson)) {
    terminal.writeError(`It waits for an answer: \`${plan.answerCommand(approvalId)}\`\n`);
    return;
  }
  const forRun = plan.runAnswer?.(row) ?? null;
  const said = isYes ? "y" : await askOnTerminal(following, forRun?.words ?? null, signal);
  const input = said === "r" && forRun !== null ? forRun.input : plan.decision(approvalId, said === "y");
  await transport.call(plan.decide, input, signal);
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
