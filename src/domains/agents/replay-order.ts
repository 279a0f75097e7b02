/** The order of a record: whoever comes to it waits until what is recorded next is theirs. */
import type { Envelope } from "../../contract/event.ts";

/** Something that the code of a run waits for until its turn comes. */
export interface Turn {
  readonly step: number | null;
  /** What it is, for whoever is told that it has no turn. */
  readonly says: unknown;
  fits(next: Envelope): boolean;
  go(): void;
  /** The record counts no more. */
  depart(): void;
  stop(reason: unknown): void;
}

export interface Order {
  next(): Envelope | undefined;
  after(): Envelope | undefined;
  at(): number;
  arrive(turn: Turn): void;
  /** The next event was made again; whoever waits for the one behind it goes on. */
  pass(): void;
  isAwaited(event: Envelope): boolean;
  /** What comes from elsewhere is waited for before anything is decided. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Nobody waits any more. */
  clear(): readonly Turn[];
}

interface OrderOptions {
  readonly own: readonly Envelope[];
  /** Runs when everything that can move has moved. */
  readonly soon: (run: () => void) => void;
  readonly onPass: (at: number) => void;
  /** Somebody waits, and nothing moves any more. */
  readonly onStuck: (first: Turn) => void;
}

export function createOrder({ own, soon, onPass, onStuck }: OrderOptions): Order {
  let waiting: readonly Turn[] = [];
  let at = 0;
  let moves = 0;
  let underWay = 0;
  let isWatched = false;
  const watch = (): void => {
    if (isWatched) return;
    isWatched = true;
    const seen = moves;
    soon(() => {
      isWatched = false;
      const [first] = waiting;
      if (first === undefined) return;
      if (moves !== seen || underWay > 0) watch();
      else onStuck(first);
    });
  };
  return {
    next: () => own[at],
    after: () => own[at + 1],
    at: () => at,
    arrive(turn) {
      moves += 1;
      const next = own[at];
      if (next !== undefined && turn.fits(next)) return turn.go();
      waiting = [...waiting, turn];
      watch();
    },
    pass() {
      at += 1;
      onPass(at);
      const next = own[at];
      if (next === undefined || waiting.length === 0) return;
      const ready = waiting.find((each) => each.fits(next));
      if (ready === undefined) return;
      waiting = waiting.filter((each) => each !== ready);
      ready.go();
    },
    isAwaited: (event) => waiting.some((each) => each.fits(event)),
    async during(work) {
      underWay += 1;
      try {
        return await work;
      } finally {
        underWay -= 1;
        moves += 1;
        if (waiting.length > 0) watch();
      }
    },
    clear() {
      const all = waiting;
      waiting = [];
      return all;
    },
  };
}
