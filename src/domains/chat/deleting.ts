/** Deleting a conversation: its rows go, and the journal lets go of what was said, in one commit. */
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { type Book, shown } from "./book.ts";
import {
  type ConversationRow,
  Created,
  type Delete,
  Deleted,
  MessageDeleted,
  MessageSent,
  Renamed,
  StillAnswering,
} from "./contract.ts";
import type { Eraser } from "./port.ts";

interface Deleting {
  readonly parts: KernelParts;
  readonly book: Book;
  readonly erase: Eraser;
}

/** What a conversation is told by, and what holds a person's words or its title. */
const worded = [MessageSent, Created, Renamed];
const pageEvents = 1000;

export async function remove(
  row: ConversationRow,
  { parts, book, erase }: Deleting,
  ctx: Context,
): Promise<Static<typeof Delete.output>> {
  const { conversation, tree } = row;
  if (book.underWay(row).length > 0)
    throw new Problem(StillAnswering, "stop the answer first, then delete", { next: `arw chat stop ${conversation}` });
  const episodes = tree.filter(({ message }) => book.message(message)?.role === "assistant").length;
  const words = worded.map(({ kind }) => ({ kind, seqs: saidIn(conversation, kind, parts) }));
  await Promise.all([
    ...tree.map(({ message }) => ctx.emit(MessageDeleted, { conversation, message })),
    ctx.emit(Deleted, { conversation }),
    ...words.map((each) => erase(each, ctx)),
  ]);
  return { ...shown(row), erased: words.reduce((sum, { seqs }) => sum + seqs.length, 0), episodes };
}

/** Messages that were said long ago stand far back: each page of the kind is looked through once. */
function saidIn(conversation: string, kind: string, { kernel }: KernelParts): number[] {
  const found: number[] = [];
  let afterSeq = 0;
  for (;;) {
    const page = kernel.journal.read({ kinds: [kind], afterSeq, limit: pageEvents });
    for (const { seq, data } of page) {
      if ((data as { readonly conversation?: string } | null)?.conversation === conversation) found.push(seq);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageEvents) return found;
    afterSeq = last.seq;
  }
}
