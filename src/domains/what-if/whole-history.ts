/** Walks the whole journal page by page, in turns, so that the hub goes on working meanwhile. */
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock } from "../../kernel/ports.ts";
import type { HistoryItem } from "./decision.ts";
import { createHistory, historyKinds } from "./history.ts";

/** Few enough that a page is ruled in some tens of milliseconds, and others get their turn. */
const pageEvents = 250;

export interface HistoryDeps {
  readonly parts: KernelParts;
  readonly clock: Pick<Clock, "soon">;
}

export interface At {
  readonly atSeq: number;
  readonly headSeq: number;
}

/** Hands each decision to `add` in order, and says after each page how far it is: at the head once, when all is done. */
export async function* wholeHistory(
  { parts, clock }: HistoryDeps,
  add: (item: HistoryItem) => void | Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<At> {
  const { journal, table } = parts.kernel;
  const headSeq = journal.headSeq();
  const history = createHistory(table);
  for (let afterSeq = 0; ; ) {
    signal.throwIfAborted();
    const page = journal.read({ afterSeq, toSeq: headSeq, kinds: historyKinds, limit: pageEvents });
    for (const envelope of page) await addAll(history.take(envelope), add);
    const last = page.at(-1);
    if (last === undefined || last.seq === headSeq || page.length < pageEvents) break;
    afterSeq = last.seq;
    yield { atSeq: afterSeq, headSeq };
    await new Promise<void>((resolve) => clock.soon(resolve));
  }
  await addAll(history.rest(), add);
  yield { atSeq: headSeq, headSeq };
}

/** Most answers are known already, and waiting for nothing would cost more than they do. */
async function addAll(items: readonly HistoryItem[], add: (item: HistoryItem) => void | Promise<void>): Promise<void> {
  for (const item of items) {
    const done = add(item);
    if (done !== undefined) await done;
  }
}
