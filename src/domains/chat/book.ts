/** Conversations and messages as they are kept, for whoever works on them. */
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import {
  type Branch,
  type Conversation,
  type ConversationRow,
  conversationsMax,
  type Message,
  NotThatMessage,
  type Origin,
} from "./contract.ts";
import { type Origins, originsIn } from "./origins.ts";
import { type Thread, threadOf } from "./thread.ts";
import { chatMessages, conversations } from "./views.ts";

export interface Book {
  /** Throws `NotFound`. */
  conversation(id: string): ConversationRow;
  /** Newest first. */
  all(): readonly ConversationRow[];
  message(id: string): Message | undefined;
  /** Of this conversation. Throws `NotFound`, or `NotThatMessage` where the role is another. */
  messageIn(row: ConversationRow, message: string, role?: Message["role"]): Message;
  /** Whose words the files hold that its answers cite. */
  origins(row: ConversationRow): Origins;
  /** Answers of the conversation that have not ended. */
  underWay(row: ConversationRow): readonly Message[];
}

export const isUnderWay = ({ status }: Message): boolean => status === "waiting" || status === "running";

/** The kernel is whole only later: it is asked for with each look. */
export function createBook(parts: Pick<KernelParts, "kernel">): Book {
  const message = (id: string): Message | undefined => parts.kernel.views.get(chatMessages, id);
  return {
    conversation(id) {
      const row = parts.kernel.views.get(conversations, id);
      if (row === undefined)
        throw new Problem(NotFound, `there is no conversation ${id}; \`arw chat list\` shows those there are`);
      return row;
    },
    all: () => parts.kernel.views.list(conversations, { limit: conversationsMax }).rows.map(({ row }) => row),
    message,
    messageIn(row, id, role) {
      const found = row.tree.some((each) => each.message === id) ? message(id) : undefined;
      if (found === undefined) throw new Problem(NotFound, `there is no message ${id} in this conversation`);
      if (role === undefined || found.role === role) return found;
      const wanted = role === "user" ? "a question of yours" : "an answer";
      throw new Problem(NotThatMessage, `the message ${id} is not ${wanted}`);
    },
    origins: (row) => originsIn(row, parts),
    underWay: ({ tree }) =>
      tree.flatMap((each) => {
        const found = message(each.message);
        return found !== undefined && isUnderWay(found) ? [found] : [];
      }),
  };
}

export function shown({ tree, isNamed: _kept, ...terms }: ConversationRow): Conversation {
  return { ...terms, messages: tree.length };
}

/** One branch as it is read, each message with those beside it. */
export function branchOf(row: ConversationRow, book: Book, through?: string): Branch {
  const thread = threadOf(row.tree);
  const origins = book.origins(row);
  const messages = thread.branch(through).flatMap((id) => {
    const found = book.message(id);
    if (found === undefined) return [];
    return [{ ...found, ...originsField(origins.of(found)), siblings: [...siblingsOf(id, thread)] }];
  });
  return { conversation: shown(row), messages };
}

export const originsField = (origins: Origin[]): { origins?: Origin[] } => (origins.length === 0 ? {} : { origins });

const siblingsOf = (id: string, thread: Thread): readonly string[] => thread.childrenOf(thread.parentOf(id));
