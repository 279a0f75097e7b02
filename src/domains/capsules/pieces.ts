/** Long work in pieces, so that the hub goes on meanwhile, and whoever waits for it is told how far it is. */
import type { Clock } from "../../kernel/ports.ts";

/** Some milliseconds of work: a row is parsed, held to its schema and hashed in some tens of microseconds. */
const pieceRows = 64;

/** How far one part of the work is. */
export interface Place {
  /** What is done, as a verb: `reading`. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** Who waits for the work. */
export interface Waiting {
  readonly signal?: AbortSignal;
  readonly onPlace?: (place: Place) => void;
}

/** Lets everybody else have their turn; rejects once nobody waits any more. */
export type Breathe = (place?: Place) => Promise<void>;

export const breatheWith =
  ({ soon }: Pick<Clock, "soon">, { signal, onPlace }: Waiting = {}): Breathe =>
  async (place) => {
    if (place !== undefined) onPlace?.(place);
    await new Promise<void>((resolve) => soon(resolve));
    signal?.throwIfAborted();
  };

export interface Pacing {
  readonly breathe: Breathe;
  readonly phase: string;
}

export async function inPieces<T, R>(
  items: readonly T[],
  { breathe, phase }: Pacing,
  work: (item: T, place: number) => R,
): Promise<R[]> {
  const done: R[] = [];
  for (const [place, item] of items.entries()) {
    if (place > 0 && place % pieceRows === 0) await breathe({ phase, done: place, total: items.length });
    done.push(work(item, place));
  }
  return done;
}
