/**
 * One consumer at work: what is delivered and unanswered, what waits to be delivered again, and where it is in the journal.
 * Its memory can be lost at any time; the view holds what must not be.
 */
import { createHeap } from "../../base/heap.ts";
import type { Envelope } from "../../contract/event.ts";
import type { Journal } from "../../kernel/kernel.ts";
import type { Clock } from "../../kernel/ports.ts";
import type { Consumer } from "./contract.ts";

const chunkEvents = 500;
/** Events looked at per call, so that a rare kind cannot hold the process; the next call goes on. */
const searchedMax = 20_000;
/** Kinds of this domain are nobody's message: an acknowledgement would be the next one. */
const ownFamily = "consumers.";

interface Outstanding {
  readonly attempt: number;
  deadlineMs: number;
}

interface Returned {
  readonly seq: number;
  readonly attempt: number;
  readonly dueMs: number;
}

export interface Delivered {
  readonly envelope: Envelope;
  readonly attempt: number;
}

/** All times are those of the clock that never goes back: setting the other one must neither hold a message nor repeat it. */
export interface ConsumerReader {
  /** The next messages, at most `count`; empty when none is due. */
  take(count: number, nowMs: number): readonly Delivered[];
  isOutstanding(seq: number): boolean;
  /** Delivered and not yet answered. */
  inFlight(): number;
  /** No answer is needed any more. The returned function takes that back, when it could not be written down. */
  settle(seqs: readonly number[]): () => void;
  /** To be delivered again. Returns the deliveries it had. */
  giveBack(seq: number, dueMs: number): number;
  attemptOf(seq: number): number;
  extend(seqs: readonly number[], untilMs: number): number;
  /** Unanswered for too long. */
  overdue(nowMs: number): readonly number[];
  /** Everything up to here is done, if `settled` are as well. */
  floorWith(settled: readonly number[]): number;
  /** When something is due without a new event: a return or a deadline; null when nothing is. */
  nextDueMs(): number | null;
  /** Everything that is kept was looked at. */
  isAtEnd(): boolean;
  matches(kind: string): boolean;
}

export function createConsumerReader(
  row: Consumer,
  journal: Journal,
  clock: Pick<Clock, "nowMs" | "monotonicMs">,
): ConsumerReader {
  const outstanding = new Map<number, Outstanding>();
  const returns = createReturns(
    row.returned.map(({ seq, attempt, notBeforeMs, delayMs = row.ackWaitMs }) => {
      const leftMs = Math.min(notBeforeMs - clock.nowMs(), delayMs);
      return { seq, attempt, dueMs: clock.monotonicMs() + Math.max(0, leftMs) };
    }),
  );
  const feed = createFeed(row, journal);
  const deliver = (envelope: Envelope, attempt: number, nowMs: number): Delivered => {
    outstanding.set(envelope.seq, { attempt, deadlineMs: nowMs + row.ackWaitMs });
    return { envelope, attempt };
  };
  const takeReturned = (count: number, nowMs: number): Delivered[] =>
    returns.due(count, nowMs).flatMap(({ seq, attempt }) => {
      const [envelope] = journal.read({ afterSeq: seq - 1, toSeq: seq, limit: 1 });
      return envelope === undefined ? [] : [deliver(envelope, attempt + 1, nowMs)];
    });

  return {
    take(count, nowMs) {
      const room = Math.min(count, row.pendingMax - outstanding.size);
      if (room <= 0) return [];
      const again = takeReturned(room, nowMs);
      return [...again, ...feed.take(room - again.length).map((envelope) => deliver(envelope, 1, nowMs))];
    },
    isOutstanding: (seq) => outstanding.has(seq),
    inFlight: () => outstanding.size,
    settle(seqs) {
      const held = seqs.flatMap((seq) => {
        const found = outstanding.get(seq);
        return found === undefined ? [] : [[seq, found] as const];
      });
      for (const seq of seqs) outstanding.delete(seq);
      return () => {
        for (const [seq, each] of held) outstanding.set(seq, each);
      };
    },
    giveBack(seq, dueMs) {
      const attempt = outstanding.get(seq)?.attempt ?? 1;
      outstanding.delete(seq);
      returns.add({ seq, attempt, dueMs });
      return attempt;
    },
    attemptOf: (seq) => outstanding.get(seq)?.attempt ?? 1,
    extend(seqs, untilMs) {
      const found = seqs.flatMap((seq) => outstanding.get(seq) ?? []);
      for (const each of found) each.deadlineMs = untilMs;
      return found.length;
    },
    overdue: (nowMs) => [...outstanding].filter(([, each]) => each.deadlineMs <= nowMs).map(([seq]) => seq),
    floorWith(settled) {
      const open = [...outstanding.keys(), ...returns.seqs()].filter((seq) => !settled.includes(seq));
      return Math.min(feed.position(), ...open.map((seq) => seq - 1));
    },
    nextDueMs() {
      const deadlines = [...outstanding.values()].map((each) => each.deadlineMs);
      const due = Math.min(returns.nextMs(), ...deadlines);
      return due === Number.POSITIVE_INFINITY ? null : due;
    },
    isAtEnd: () => feed.position() >= journal.headSeq(),
    matches: feed.matches,
  };
}

/** Messages that were given back, by the time at which they are due. */
function createReturns(known: readonly Returned[]) {
  const heap = createHeap<Returned>((a, b) => (a.dueMs === b.dueMs ? a.seq < b.seq : a.dueMs < b.dueMs));
  const waiting = new Set<number>();
  const add = (each: Returned): void => {
    heap.push(each);
    waiting.add(each.seq);
  };
  for (const each of known) add(each);
  return {
    add,
    seqs: (): IterableIterator<number> => waiting.keys(),
    nextMs: (): number => heap.peek()?.dueMs ?? Number.POSITIVE_INFINITY,
    due(count: number, nowMs: number): Returned[] {
      const found: Returned[] = [];
      for (
        let next = heap.peek();
        next !== undefined && found.length < count && next.dueMs <= nowMs;
        next = heap.peek()
      ) {
        heap.pop();
        waiting.delete(next.seq);
        found.push(next);
      }
      return found;
    },
  };
}

/** New messages, in the order of the journal, from where the consumer was. */
function createFeed(row: Consumer, journal: Journal) {
  const prefixes = row.prefixes.map((each) => each.toLowerCase());
  /** Above the floor, but done or given back before this process began. */
  const known = new Set([...row.doneAbove, ...row.returned.map((each) => each.seq)]);
  let cursor = row.floorSeq;
  const matches = (kind: string): boolean =>
    !kind.startsWith(ownFamily) && (prefixes.length === 0 || prefixes.some((prefix) => kind.startsWith(prefix)));
  return {
    matches,
    position: (): number => cursor,
    take(count: number): Envelope[] {
      const found: Envelope[] = [];
      for (let searched = 0; found.length < count && searched < searchedMax; searched += chunkEvents) {
        const chunk = journal.read({ afterSeq: cursor, limit: chunkEvents });
        for (const envelope of chunk) {
          if (found.length === count) return found;
          cursor = envelope.seq;
          if (matches(envelope.kind) && !known.delete(envelope.seq)) found.push(envelope);
        }
        if (chunk.length < chunkEvents) break;
      }
      return found;
    },
  };
}
