/** Conversations and their messages. An answer is folded from the events of its run, so it ends whenever and however that does. */
import { truncate } from "../../base/text-marks.ts";
import { checkerOf, type Static } from "../../contract/schema.ts";
import { TaskCancelled, TaskFailed } from "../../contract/task.ts";
import { on, view } from "../../contract/view.ts";
import {
  RunCancelled,
  RunFailed,
  RunFinished,
  RunInterrupted,
  RunResumed,
  RunStarted,
  TurnAnswer,
} from "../agents/contract.ts";
import { ApprovalCancelled, ApprovalDenied, ApprovalExpired } from "../approvals/contract.ts";
import {
  AnswerAsked,
  AnswerRefused,
  ConversationRow,
  conversationsMax,
  Created,
  Deleted,
  Message,
  MessageDeleted,
  messagesAllMax,
  MessageSent,
  Renamed,
} from "./contract.ts";

/** What the list shows of a conversation that nobody named. */
const wordsOfTitleMax = 60;

export function titleOf(text: string): string {
  const [line = ""] = text.trim().split(/[\r\n]/);
  return truncate(line.replaceAll(/\s+/g, " "), wordsOfTitleMax);
}

const conversation = on<ConversationRow>();
const byConversation = (e: { readonly data: { readonly conversation: string } }): string => e.data.conversation;
type Placed = { readonly message: string; readonly parent: string | null };
const grown = (row: ConversationRow, { message, parent }: Placed, timeMs: number): ConversationRow => ({
  ...row,
  lastAtMs: timeMs,
  tree: [...row.tree, { message, parent }],
});

export const conversations = view(ConversationRow)({
  name: "conversations",
  version: 1,
  about: "Conversations with agents, each with the tree of its messages.",
  rowsMax: conversationsMax,
  overflow: "guarded",
  folds: [
    conversation(Created, byConversation, (_row, { data, timeMs }) => {
      const { title, ...rest } = data;
      const begun = { createdAtMs: timeMs, lastAtMs: timeMs, tree: [] };
      return { ...rest, ...begun, title: title ?? "", isNamed: title !== undefined };
    }),
    conversation(Renamed, byConversation, (row, { data }) =>
      row ? { ...row, title: data.title, isNamed: true } : null,
    ),
    conversation(MessageSent, byConversation, (row, { data, timeMs }) => {
      if (!row) return null;
      const title = row.title === "" ? titleOf(data.text) : row.title;
      return { ...grown(row, data, timeMs), title };
    }),
    conversation(AnswerAsked, byConversation, (row, { data, timeMs }) => (row ? grown(row, data, timeMs) : null)),
    conversation(Deleted, byConversation, () => null),
  ],
});

const message = on<Message>();
const byMessage = (e: { readonly data: { readonly message: string } }): string => e.data.message;
/** The message of an answer has the id of its episode. */
const byEpisode = (e: { readonly corrId: string }): string => e.corrId;
const byTask = (e: { readonly data: { readonly corrId: string } }): string => e.data.corrId;

interface Ended {
  readonly timeMs: number;
  readonly data: { readonly code?: string; readonly error?: string; readonly reason?: string };
}
const ended =
  (status: Message["status"], code: string, isFor: (row: Message) => boolean = () => true) =>
  (row: Message | undefined, { timeMs, data }: Ended): Message | null => {
    if (!row) return null;
    if (!isFor(row)) return row;
    return {
      ...row,
      status,
      code: data.code ?? code,
      reason: data.error ?? data.reason ?? "",
      endedAtMs: timeMs,
    };
  };
const isWaiting = ({ status }: Message): boolean => status === "waiting";

const running = (row: Message | undefined): Message | null => {
  if (!row) return null;
  const { code: _code, reason: _reason, endedAtMs: _ended, ...rest } = row;
  return { ...rest, status: "running" };
};

type Answered = Pick<Message, "text" | "citations" | "isExtractive" | "spent">;
interface Finished {
  readonly timeMs: number;
  readonly data: { readonly outcome: string; readonly output?: unknown; readonly notDone: readonly string[] };
}

/** What is no answer to a turn is told in the words in which the run tells of its end. */
function answerIn({ timeMs, data: { outcome, output } }: Finished, { atMs }: Message): Answered {
  if (!checkerOf(TurnAnswer).check(output)) return { text: outcome, citations: [], isExtractive: false, spent: null };
  const { text, citations, isExtractive, spent } = output as Static<typeof TurnAnswer>;
  // A program that reaches the world through tools alone has no clock.
  const durationMs = spent.durationMs === 0 ? Math.max(0, timeMs - atMs) : spent.durationMs;
  return { text, citations, isExtractive, spent: { ...spent, durationMs } };
}

const finished = (row: Message | undefined, e: Finished): Message | null =>
  row ? { ...row, ...answerIn(e, row), status: "finished", notDone: [...e.data.notDone], endedAtMs: e.timeMs } : null;

const nothing = { citations: [], isExtractive: false, spent: null, notDone: [] };

export const chatMessages = view(Message)({
  name: "chatMessages",
  version: 1,
  about: "What was said in conversations: questions, and answers as far as they are.",
  rowsMax: messagesAllMax,
  overflow: "guarded",
  filters: {
    conversation: {
      schema: Message.properties.conversation,
      matches: (row, value: string) => row.conversation === value,
    },
  },
  folds: [
    message(MessageSent, byMessage, (_row, { data, timeMs }) => ({
      ...nothing,
      ...data,
      role: "user",
      status: "finished",
      atMs: timeMs,
      endedAtMs: timeMs,
    })),
    message(AnswerAsked, byMessage, (_row, { data, timeMs }) => ({
      ...nothing,
      ...data,
      role: "assistant",
      text: "",
      status: "waiting",
      attachments: [],
      atMs: timeMs,
    })),
    message(AnswerRefused, byMessage, ended("failed", "", isWaiting)),
    message(MessageDeleted, byMessage, () => null),
    message(RunStarted, byEpisode, running),
    message(RunResumed, byEpisode, running),
    message(RunFinished, byEpisode, finished),
    message(RunFailed, byEpisode, ended("failed", "")),
    message(RunCancelled, byEpisode, ended("cancelled", "arw.cancelled")),
    message(RunInterrupted, byEpisode, ended("interrupted", "arw.interrupted")),
    // A run that never began has no end of its own.
    message(TaskFailed, byTask, (row, { timeMs, data }) =>
      ended("failed", "", isWaiting)(row, { timeMs, data: { code: data.code, reason: data.detail.slice(0, 1000) } }),
    ),
    message(TaskCancelled, byTask, ended("cancelled", "arw.cancelled", isWaiting)),
    message(ApprovalDenied, byEpisode, ended("failed", "arw.approval-denied", isWaiting)),
    message(ApprovalExpired, byEpisode, ended("failed", "arw.approval-denied", isWaiting)),
    message(ApprovalCancelled, byEpisode, ended("failed", "arw.approval-denied", isWaiting)),
  ],
});
