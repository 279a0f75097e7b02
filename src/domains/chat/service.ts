/** Conversations: what is said is written down, and each answer is a run that everybody can follow. */
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { InvalidInput, NotFound } from "../../contract/standard-problems.ts";
import { openTasks } from "../../contract/task.ts";
import type { Static } from "../../contract/schema.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { NotRunning, Stop as StopRun } from "../agents/contract.ts";
import { List as ListFiles } from "../fs/contract.ts";
import { List as ListProjects } from "../projects/contract.ts";
import { type AskingDeps, attach, prepare } from "./asking.ts";
import { type Book, branchOf, createBook, shown } from "./book.ts";
import {
  AnswerAsked,
  AnswerRefused,
  type ConversationRow,
  conversationsMax,
  Create,
  Created,
  Delete,
  Deleted,
  Edit,
  Export,
  Follow,
  List,
  MessageDeleted,
  messagesAllMax,
  MessageSent,
  messagesMax,
  NotThatMessage,
  Rename,
  Renamed,
  Retry,
  Search,
  Send,
  Show,
  StillAnswering,
  Stop,
  type StreamItem,
  TooMuchSaid,
} from "./contract.ts";
import { asJson, asMarkdown } from "./export.ts";
import { remove } from "./deleting.ts";
import { createSaid, follow, type Said } from "./following.ts";
import type { Eraser } from "./port.ts";
import { search } from "./search.ts";
import { threadOf } from "./thread.ts";
import { chatMessages, conversations } from "./views.ts";

const listDefault = 50;

export type ChatDeps = Omit<AskingDeps, "book"> & { readonly erase: Eraser };

interface House extends AskingDeps {
  readonly erase: Eraser;
  readonly said: Said;
  /** Conversations in which somebody begins to say something in this very turn. */
  readonly beginning: Set<string>;
}

export function createChat(deps: ChatDeps): Domain {
  const { parts } = deps;
  const book = createBook(parts);
  const house: House = { ...deps, book, said: createSaid(parts, book), beginning: new Set() };
  return {
    name: "chat",
    operations: [
      bind(Create, (input, ctx) => create(input, book, ctx)),
      bind(List, (input) => list(input, book)),
      bind(Show, ({ conversation, message }) => {
        const row = book.conversation(conversation);
        if (message !== undefined) book.messageIn(row, message);
        return branchOf(row, book, message);
      }),
      bind(Send, (input, ctx) => send(input, house, ctx)),
      bind(Edit, (input, ctx) => edit(input, house, ctx)),
      bind(Retry, (input, ctx) => retry(input, house, ctx)),
      bind(Follow, (input, ctx) => read(input, house, ctx)),
      bind(Stop, ({ conversation }, ctx) => stop(book.conversation(conversation), book, ctx)),
      bind(Rename, async ({ conversation, title }, ctx) => {
        book.conversation(conversation);
        await ctx.emit(Renamed, { conversation, title });
        return shown(book.conversation(conversation));
      }),
      bind(Delete, ({ conversation }, ctx) => remove(book.conversation(conversation), house, ctx)),
      bind(Search, ({ words }) => search(words, { conversations: newestFirst(book), message: book.message })),
      bind(Export, ({ conversation, as = "md", message }) => {
        const row = book.conversation(conversation);
        if (message !== undefined) book.messageIn(row, message);
        return as === "json" ? asJson(row, book.message) : asMarkdown(branchOf(row, book, message));
      }),
    ],
    events: [Created, Renamed, Deleted, MessageSent, MessageDeleted, AnswerAsked, AnswerRefused],
    views: [conversations, chatMessages],
    async start(ctx) {
      house.said.start();
      await sayWhatNeverBegan(parts, ctx);
    },
  };
}

async function create(input: Static<typeof Create.input>, book: Book, ctx: Context) {
  const { project, folder } = input;
  if (project !== undefined && folder !== undefined) {
    const message = "a conversation is about a project or a folder, not both";
    throw new Problem(InvalidInput, message, { faults: [{ at: "/folder", message }] });
  }
  if (book.all().length >= conversationsMax)
    throw new Problem(TooMuchSaid, `there are ${conversationsMax} conversations already`);
  if (project !== undefined) {
    const { projects } = await ctx.call(ListProjects, {});
    if (!projects.some((each) => each.project === project))
      throw new Problem(NotFound, `there is no project ${project}; \`arw projects\` lists them`);
  }
  // A folder that is not there, or that the hub may not open, says so before anybody asks about it.
  if (folder !== undefined) await ctx.call(ListFiles, { folder, limit: 1 });
  const conversation = ctx.id();
  await ctx.emit(Created, { conversation, ...input });
  return shown(book.conversation(conversation));
}

/** Those that were talked in last come first. */
const newestFirst = (book: Book): readonly ConversationRow[] =>
  book.all().toSorted((a, b) => b.lastAtMs - a.lastAtMs || (a.conversation < b.conversation ? 1 : -1));

function list({ project, limit = listDefault, before }: Static<typeof List.input>, book: Book) {
  const rows = newestFirst(book).filter((row) => project === undefined || row.project === project);
  const start = before === undefined ? 0 : rows.findIndex(({ conversation }) => conversation === before) + 1;
  const page = rows.slice(start, start + limit);
  const hasMore = start + limit < rows.length;
  return { conversations: page.map(shown), next: hasMore ? (page.at(-1)?.conversation ?? null) : null };
}

async function* send(
  { conversation, text, attachments, parent }: Static<typeof Send.input>,
  house: House,
  ctx: Context,
): AsyncGenerator<StreamItem> {
  const row = house.book.conversation(conversation);
  // What somebody says now follows the newest message, wherever that stands.
  const place = parent === undefined ? (threadOf(row.tree).branch().at(-1) ?? null) : parent;
  if (parent !== undefined && parent !== null) house.book.messageIn(row, parent, "assistant");
  yield* ask({ row, text, paths: attachments ?? [], parent: place }, house, ctx);
}

async function* edit(
  { conversation, message, text, attachments }: Static<typeof Edit.input>,
  house: House,
  ctx: Context,
): AsyncGenerator<StreamItem> {
  const row = house.book.conversation(conversation);
  const before = house.book.messageIn(row, message, "user");
  const paths = attachments ?? before.attachments.map(({ path }) => path);
  yield* ask({ row, text, paths, parent: before.parent }, house, ctx);
}

interface Saying {
  readonly row: ConversationRow;
  readonly text: string;
  readonly paths: readonly string[];
  readonly parent: string | null;
}

async function* ask(saying: Saying, house: House, ctx: Context): AsyncGenerator<StreamItem> {
  const { row, text, parent } = saying;
  const { conversation } = row;
  const begun = await alone(row, house, async () => {
    const attachments = await attach(saying.paths, row, ctx);
    const question = ctx.id();
    const asked = await prepare({ row, question, text, attachments, parent }, house, ctx);
    const sent = ctx.emit(MessageSent, {
      conversation,
      message: question,
      parent,
      text,
      attachments: [...attachments],
    });
    await Promise.all([sent, asked.begin()]);
    return { ...asked, question };
  });
  yield* answered(begun, { row, house, ctx });
}

async function* retry(
  { conversation, message, agent }: Static<typeof Retry.input>,
  house: House,
  ctx: Context,
): AsyncGenerator<StreamItem> {
  const { book } = house;
  const row = book.conversation(conversation);
  const named = book.messageIn(row, message);
  // A question whose answer was lost is retried by itself.
  const question = named.role === "user" ? named : book.messageIn(row, named.parent ?? "", "user");
  const begun = await alone(row, house, async () => {
    const { text, attachments, parent } = question;
    const asking = { row, question: question.message, text, attachments, parent, agent: agent ?? named.agent };
    const asked = await prepare(asking, house, ctx);
    await asked.begin();
    return { ...asked, question: question.message };
  });
  yield* answered(begun, { row, house, ctx });
}

/** One answer at a time in a conversation, and only while there is room for it. */
async function alone<T>(row: ConversationRow, { book, beginning }: House, begin: () => Promise<T>): Promise<T> {
  const { conversation } = row;
  const [busy] = book.underWay(row);
  if (busy !== undefined || beginning.has(conversation))
    throw new Problem(StillAnswering, "the answer to what was said before is under way", {
      answer: busy?.message ?? null,
      next: `arw chat stop ${conversation}`,
    });
  refuseFull(row, book);
  beginning.add(conversation);
  try {
    return await begin();
  } finally {
    beginning.delete(conversation);
  }
}

function refuseFull({ tree }: ConversationRow, book: Book): void {
  // A question and its answer.
  if (tree.length + 2 > messagesMax)
    throw new Problem(TooMuchSaid, `this conversation has ${tree.length} messages; begin a new one`);
  const all = book.all().reduce((sum, each) => sum + each.tree.length, 0);
  if (all + 2 > messagesAllMax)
    throw new Problem(TooMuchSaid, `there are ${all} messages; delete a conversation that is not needed any more`);
}

interface Answering {
  readonly row: ConversationRow;
  readonly house: House;
  readonly ctx: Context;
}

async function* answered(
  { message, question, agent }: { readonly message: string; readonly question: string; readonly agent: string },
  { row, house, ctx }: Answering,
): AsyncGenerator<StreamItem> {
  yield { kind: "started", conversation: row.conversation, message, question, episode: message, agent };
  yield* follow({ message }, house, ctx);
}

async function* read(
  { conversation, message, afterSeq }: Static<typeof Follow.input>,
  house: House,
  ctx: Context,
): AsyncGenerator<StreamItem> {
  const { book } = house;
  const row = book.conversation(conversation);
  const newest = row.tree.findLast((each) => book.message(each.message)?.role === "assistant");
  if (message === undefined && newest === undefined) throw new Problem(NotThatMessage, "nothing was answered here yet");
  const answer = book.messageIn(row, message ?? newest?.message ?? "", "assistant");
  const { message: id, parent, agent = "" } = answer;
  yield { kind: "started", conversation, message: id, question: parent ?? "", episode: id, agent };
  yield* follow({ message: id, afterSeq }, house, ctx);
}

async function stop(row: ConversationRow, book: Book, ctx: Context) {
  const stopped: string[] = [];
  for (const { message } of book.underWay(row)) {
    try {
      await ctx.call(StopRun, { episode: message });
      stopped.push(message);
    } catch (error) {
      // It ended by itself meanwhile.
      if (!isProblem(error, NotRunning) && !isProblem(error, NotFound)) throw error;
    }
  }
  return { stopped };
}

/** An answer that was asked for just before the hub ended, and that no queue knows, will never come by itself. */
async function sayWhatNeverBegan({ kernel }: KernelParts, ctx: Context): Promise<void> {
  const waiting = kernel.views.list(chatMessages, { limit: messagesAllMax, where: (row) => row.status === "waiting" });
  for (const { row } of waiting.rows) {
    const where = (task: { readonly corrId: string }): boolean => task.corrId === row.message;
    if (kernel.views.list(openTasks, { limit: 1, where }).rows.length > 0) continue;
    const { conversation, message } = row;
    const reason = "the hub ended before the agent began; ask again with `chat.retry`";
    await ctx.emit(AnswerRefused, { conversation, message, code: "arw.interrupted", reason });
  }
}
