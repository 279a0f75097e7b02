/**
 * A bounded reader of the bus. It drops from its front when it is full; what was dropped since the last read is one gap,
 * delivered in the place where the events are missing.
 */
import type { Envelope } from "../contract/event.ts";
import type { Delivery, GapMark, Subscription } from "./kernel.ts";

/** Events handed over per turn: large enough to amortise the wake-up, small enough to let others run. */
const readBatch = 256;

export interface OwnedSubscription extends Subscription {
  push(envelope: Envelope): void;
}

export interface SubscriptionOptions {
  readonly name: string;
  readonly capacity: number;
  readonly onLoss: () => void;
  readonly onClose: () => void;
  /** So many events were accepted for the reader and it will never see them: it closed. */
  readonly onDiscard: (count: number) => void;
}

/** What waits, and what was lost before it. Live events have no position: they count in a gap and widen no range. */
function createBacklog(capacity: number, onLoss: () => void) {
  let queue: Envelope[] = [];
  let front = 0;
  let gap: GapMark | null = null;
  let lastGap: GapMark | null = null;
  /** Whether the gap has lost an event with a position; until then its range is empty. */
  let hasRange = false;
  let skipped = 0;
  let lastSeq = 0;

  const lose = (): void => {
    const lost = queue[front] as Envelope;
    front += 1;
    skipped += 1;
    onLoss();
    const isFirst = lost.seq > 0 && !hasRange;
    if (lost.seq > 0) {
      lastSeq = lost.seq;
      hasRange = true;
    }
    gap = {
      fromSeq: gap === null || isFirst ? lastSeq : gap.fromSeq,
      toSeq: lastSeq,
      skipped: (gap?.skipped ?? 0) + 1,
    };
    lastGap = gap;
    if (front > capacity) {
      queue = queue.slice(front);
      front = 0;
    }
  };
  return {
    get size() {
      return queue.length - front;
    },
    get skipped() {
      return skipped;
    },
    get lastGap() {
      return lastGap;
    },
    get hasSome() {
      return queue.length > front || gap !== null;
    },
    add(envelope: Envelope): void {
      if (queue.length - front >= capacity) lose();
      queue.push(envelope);
    },
    take(count: number): readonly Delivery[] {
      const taken: Delivery[] = [];
      if (gap !== null && count > 0) {
        taken.push(gap);
        gap = null;
        hasRange = false;
      }
      const end = Math.min(queue.length, front + count - taken.length);
      for (; front < end; front += 1) {
        const envelope = queue[front] as Envelope;
        if (envelope.seq > 0) lastSeq = envelope.seq;
        taken.push(envelope);
      }
      if (front === queue.length) this.clear();
      return taken;
    },
    clear(): void {
      queue = [];
      front = 0;
    },
  };
}

export function createSubscription({
  name,
  capacity,
  onLoss,
  onClose,
  onDiscard,
}: SubscriptionOptions): OwnedSubscription {
  const backlog = createBacklog(capacity, onLoss);
  let isClosed = false;
  let wake: (() => void) | null = null;
  const wakeUp = (): void => {
    const run = wake;
    wake = null;
    run?.();
  };
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    onClose();
    onDiscard(backlog.size);
    backlog.clear();
    wakeUp();
  };
  return {
    name,
    get pending() {
      return backlog.size;
    },
    get skipped() {
      return backlog.skipped;
    },
    get lastGap() {
      return backlog.lastGap;
    },
    get isClosed() {
      return isClosed;
    },
    push(envelope) {
      // It closed while this very event was on its way round.
      if (isClosed) return onDiscard(1);
      backlog.add(envelope);
      if (wake !== null) wakeUp();
    },
    take: (count) => backlog.take(count),
    onReady(run) {
      if (isClosed || backlog.hasSome) run();
      else wake = run;
    },
    async *[Symbol.asyncIterator]() {
      try {
        while (!isClosed) {
          const batch = backlog.take(readBatch);
          if (batch.length > 0) yield* batch;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        close();
      }
    },
    [Symbol.dispose]: close,
  };
}
