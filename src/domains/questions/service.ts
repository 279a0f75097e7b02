/**
 * Asks, waits and tells. A question outlives the hub: a run that is resumed makes its call again, and finds the question that
 * waits, or the answer that came meanwhile.
 */
import { abortable } from "../../base/async.ts";
import { createWaitingRoom, type WaitingRoom } from "../../base/waiting-room.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound, ShuttingDown } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, Log, Redactor } from "../../kernel/ports.ts";
import { RunCancelled, RunFailed, RunFinished, RunStarted } from "../agents/contract.ts";
import { ObservationRecorded } from "../episodes/contract.ts";
import {
  Answer,
  Ask,
  NoAnswer,
  OnlyAgents,
  openEachMax,
  openMax,
  optionCharsMax,
  type Question,
  QuestionAnswered,
  QuestionAsked,
  QuestionClosed,
  QuestionExpired,
  questionCharsMax,
  QuestionWithdrawn,
  textCharsMax,
  TooManyQuestions,
} from "./contract.ts";
import { questions as view, questionsMax } from "./views.ts";

export interface QuestionsDeps {
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Redactor;
  /** How long a question waits for an answer. */
  readonly timeoutMs: number;
}

export interface QuestionsService {
  readonly domain: Domain;
  /** Takes every waiting question back; whoever waits is told that nobody answered. */
  endAll(reason: string): Promise<void>;
}

/** What somebody who waits is told. */
type Told = { readonly text: string } | { readonly silence: string };
interface Desk extends QuestionsDeps {
  readonly room: WaitingRoom<Told>;
  /** Runs whose question is being written, once for each. */
  readonly opening: string[];
}

const hub: Caller = { kind: "system", id: "questions" };
const endKinds: ReadonlySet<string> = new Set([RunFinished, RunFailed, RunCancelled].map(({ kind }) => kind));

export function createQuestions(deps: QuestionsDeps): QuestionsService {
  const { parts, clock, log } = deps;
  const room = createWaitingRoom<Told>({
    clock,
    log,
    unexpired: "a question could not expire",
    expire: (questionId) => end([rowOf(questionId, parts)], { by: QuestionExpired, reason: silence, desk }),
  });
  const desk: Desk = { ...deps, room, opening: [] };
  const endAll = (reason: string): Promise<void> =>
    end(waitingOf(parts), { by: QuestionWithdrawn, reason: reason.slice(0, 500), desk });
  return {
    endAll,
    domain: {
      name: "questions",
      operations: [
        bind(Ask, (input, ctx) => ask(input, ctx, desk)),
        bind(Answer, (input, ctx) => answer(input, ctx, desk)),
      ],
      events: [QuestionAsked, QuestionAnswered, QuestionExpired, QuestionWithdrawn],
      views: [view],
      start: () => start(desk),
    },
  };
}

const silence = "nobody answered in time";

async function start(desk: Desk): Promise<void> {
  const { parts, room, timeoutMs } = desk;
  parts.bus.listen([...endKinds], ({ kind, corrId }) => {
    if (endKinds.has(kind)) void endRun(corrId, desk).catch(() => undefined);
  });
  for (const { questionId, expiresAtMs, corrId } of waitingOf(parts)) {
    room.open(questionId, { expiresAtMs, timeoutMs });
    // The hub may have ended between the end of a run and that of its questions; and who was no run asks no more.
    if (!canComeBack(corrId, parts)) await endRun(corrId, desk);
  }
}

const endRun = (run: string, desk: Desk): Promise<void> =>
  end(waitingOf(desk.parts, run), { by: QuestionWithdrawn, reason: `the run ${run} has ended`, desk });

const canComeBack = (corrId: string, { kernel }: KernelParts): boolean => {
  const [last] = kernel.journal.read({ corrId, kinds: [RunStarted.kind, ...endKinds], limit: 1, order: "desc" });
  return last?.kind === RunStarted.kind;
};

const rowOf = (questionId: string, { kernel }: KernelParts): Question | undefined => kernel.views.get(view, questionId);

const waitingOf = ({ kernel }: KernelParts, run?: string): readonly Question[] =>
  kernel.views
    .list(view, {
      limit: questionsMax,
      where: ({ status, corrId }) => status === "waiting" && (run === undefined || corrId === run),
    })
    .rows.map((each) => each.row);

interface Ending {
  readonly by: typeof QuestionExpired | typeof QuestionWithdrawn;
  readonly reason: string;
  readonly desk: Desk;
}

/** In one turn, so that they share a commit. What could not be written waits on. */
async function end(rows: readonly (Question | undefined)[], { by, reason, desk }: Ending): Promise<void> {
  const { parts, room } = desk;
  const isOpen = (row: Question | undefined): row is Question =>
    row?.status === "waiting" && room.claim(row.questionId);
  const writing = rows.filter(isOpen).map(async ({ questionId, corrId }) => {
    try {
      await parts.act({ caller: hub, corrId }).emit(by, { questionId, reason });
    } catch (error) {
      room.release(questionId);
      throw error;
    }
    room.settle(questionId, { silence: reason });
  });
  const failed = (await Promise.allSettled(writing)).find((each) => each.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function ask(
  { question, options = [] }: Static<typeof Ask.input>,
  ctx: Context,
  desk: Desk,
): Promise<Static<typeof Ask.output>> {
  if (ctx.caller.kind !== "agent")
    throw new Problem(OnlyAgents, "a question is put by an agent; `arw questions` lists those that wait");
  const { redactor } = desk;
  // What is cut out may be shorter than the words that say so.
  const asked = {
    question: redactor.text(question).slice(0, questionCharsMax),
    options: options.map((each) => redactor.text(each).slice(0, optionCharsMax)),
  };
  const known = knownQuestion(asked, ctx, desk);
  if (known?.status === "answered") return answerOf(known, known.text ?? "");
  const waiting = known ?? (await open(asked, ctx, desk));
  return answerOf(waiting, await told(waiting, ctx, desk));
}

type Asked = Pick<Question, "question" | "options">;

/** The same words of the same run: a question that waits, or whose answer came and was recorded by no step. */
function knownQuestion({ question, options }: Asked, { corrId }: Context, { parts }: Desk): Question | undefined {
  const isSame = (row: Question): boolean =>
    row.corrId === corrId &&
    row.question === question &&
    row.options.length === options.length &&
    row.options.every((each, place) => each === options[place]);
  const { rows } = parts.kernel.views.list(view, { limit: questionsMax, where: isSame });
  const alike = rows.map((each) => each.row);
  const waiting = alike.find(({ status }) => status === "waiting");
  if (waiting !== undefined) return waiting;
  const answered = alike.filter(({ status }) => status === "answered");
  if (answered.length === 0) return undefined;
  const recorded = recordedIds(corrId, parts);
  return answered.findLast(({ questionId }) => !recorded.has(questionId));
}

const pageEvents = 1000;

/** Questions whose answers are steps of the run: what is asked again is asked anew. */
function recordedIds(corrId: string, { kernel }: KernelParts): ReadonlySet<string> {
  const ids = new Set<string>();
  let afterSeq = 0;
  for (;;) {
    const page = kernel.journal.read({ corrId, kinds: [ObservationRecorded.kind], afterSeq, limit: pageEvents });
    for (const { data } of page) {
      const recorded = (data as Static<typeof ObservationRecorded.data> | null)?.recorded;
      if (recorded?.tool === Ask.id) ids.add(String((recorded.result as { questionId?: unknown }).questionId));
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageEvents) return ids;
    afterSeq = last.seq;
  }
}

async function open(asked: Asked, ctx: Context, desk: Desk): Promise<{ questionId: string } & Asked> {
  const { parts, room, opening, timeoutMs } = desk;
  const { corrId } = ctx;
  const waiting = waitingOf(parts)
    .map((each) => each.corrId)
    .concat(opening);
  const own = waiting.filter((each) => each === corrId).length;
  if (own >= openEachMax || waiting.length >= openMax)
    throw new Problem(TooManyQuestions, `${own} questions of this run and ${waiting.length} of all wait for an answer`);
  const questionId = ctx.id();
  const expiresAtMs = ctx.now() + timeoutMs;
  // Its row is seen a moment before the disk has it, and whoever sees it may answer.
  room.open(questionId, { expiresAtMs, timeoutMs });
  opening.push(corrId);
  try {
    await ctx.emit(QuestionAsked, { questionId, ...asked, expiresAtMs });
  } catch (error) {
    room.forget(questionId);
    throw error;
  } finally {
    opening.splice(opening.indexOf(corrId), 1);
  }
  return { questionId, ...asked };
}

/** Waits. A hub that stops leaves the question open; whoever leaves otherwise takes it back. */
async function told({ questionId }: { readonly questionId: string }, ctx: Context, desk: Desk): Promise<string> {
  const { parts, room } = desk;
  const answered = room.answer(questionId);
  const now = rowOf(questionId, parts);
  if (answered === null) {
    if (now?.text !== undefined) return now.text;
    throw new Problem(NoAnswer, now?.reason ?? silence);
  }
  try {
    const said = await abortable(answered, ctx.signal);
    if ("text" in said) return said.text;
    throw new Problem(NoAnswer, said.silence);
  } catch (error) {
    if (ctx.signal.aborted && !isProblem(ctx.signal.reason, ShuttingDown)) {
      const reason = "whoever asked has left";
      await end([now], { by: QuestionWithdrawn, reason, desk });
    }
    throw error;
  }
}

function answerOf({ questionId, options }: { questionId: string } & Asked, text: string): Static<typeof Ask.output> {
  const place = options.indexOf(text);
  return { questionId, text, option: place < 0 ? null : place + 1 };
}

async function answer(
  { questionId, text }: Static<typeof Answer.input>,
  ctx: Context,
  { parts, room, redactor }: Desk,
): Promise<Question> {
  const known = rowOf(questionId, parts);
  if (known === undefined)
    throw new Problem(NotFound, `there is no question ${questionId}; \`arw questions\` lists them`);
  if (known.status !== "waiting") throw isClosed(questionId, known.status);
  if (!room.claim(questionId)) throw isClosed(questionId, "answered");
  const said = redactor.text(chosen(text, known.options)).slice(0, textCharsMax);
  try {
    await parts.act({ caller: ctx.caller, corrId: known.corrId }).emit(QuestionAnswered, { questionId, text: said });
  } catch (error) {
    room.release(questionId);
    throw error;
  }
  room.settle(questionId, { text: said });
  return rowOf(questionId, parts) ?? known;
}

/** The number of an option stands for it, unless some option is that very number. */
function chosen(text: string, options: readonly string[]): string {
  const words = text.trim();
  if (options.includes(words)) return words;
  return /^[1-9]$/.test(words) ? (options[Number(words) - 1] ?? text) : text;
}

const isClosed = (questionId: string, status: string): Problem =>
  new Problem(QuestionClosed, `question ${questionId} is ${status}; nobody waits for it`, { answer: status });
