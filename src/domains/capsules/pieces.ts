/** Long work in pieces, so that the hub goes on meanwhile. */
import type { Clock } from "../../kernel/ports.ts";

/** Some milliseconds of work: a row is parsed, held to its schema and hashed in some tens of microseconds. */
const pieceRows = 64;

/** Lets everybody else have their turn. */
export type Breathe = () => Promise<void>;

export const breatheWith =
  ({ soon }: Pick<Clock, "soon">): Breathe =>
  () =>
    new Promise((resolve) => soon(resolve));

export async function inPieces<T, R>(
  items: readonly T[],
  breathe: Breathe,
  work: (item: T, place: number) => R,
): Promise<R[]> {
  const done: R[] = [];
  for (const [place, item] of items.entries()) {
    if (place > 0 && place % pieceRows === 0) await breathe();
    done.push(work(item, place));
  }
  return done;
}
