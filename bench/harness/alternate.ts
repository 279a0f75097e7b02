/**
 * Contestants run in turn, in a rotated order, and a ratio is taken per round: whatever else the machine does meets them
 * all alike, and a drift does not become a result.
 */
import { figure, median, type Row, skippedRow, type Target } from "./rows.ts";

/** What one turn of a contestant did. It has checked its own result before it answers. */
export interface Lap {
  readonly ops: number;
  readonly durationMs: number;
}

export interface Contestant {
  readonly name: string;
  readonly run: () => Promise<Lap> | Lap;
}

/** A contestant that cannot run here, and why. */
export interface Absent {
  readonly name: string;
  readonly absent: string;
}

export interface Comparison {
  readonly ours: string;
  readonly peer: string;
  readonly target?: Target;
}

export interface Race {
  readonly path: string;
  readonly what: string;
  readonly contestants: readonly (Contestant | Absent)[];
  readonly comparisons: readonly Comparison[];
  readonly rounds: number;
}

const isHere = (each: Contestant | Absent): each is Contestant => "run" in each;

export async function alternate({ path, what, contestants, comparisons, rounds }: Race): Promise<Row[]> {
  const present = contestants.filter(isHere);
  const rates = new Map<string, number[]>(present.map(({ name }) => [name, []]));
  for (const { run } of present) await run(); // Warms up; not counted.
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < present.length; turn += 1) {
      const contestant = present[(round + turn) % present.length] as Contestant;
      globalThis.gc?.();
      const { ops, durationMs } = await contestant.run();
      rates.get(contestant.name)?.push((ops / durationMs) * 1000);
    }
  }
  return comparisons.map(({ ours, peer, target }) => {
    const label = comparisons.some((each) => each.ours !== ours) ? `${what}: ${ours}` : what;
    const absent = contestants.find((each) => !isHere(each) && (each.name === peer || each.name === ours));
    if (absent !== undefined) return skippedRow({ path, what: label, peer }, (absent as Absent).absent, target);
    const mine = rates.get(ours) ?? [];
    const theirs = rates.get(peer) ?? [];
    return figure({
      path,
      what: label,
      peer,
      values: mine.map((rate, round) => rate / (theirs[round] ?? Number.NaN)),
      unit: "x",
      ...(target === undefined ? {} : { target }),
      note: `${perSecond(median(mine))} against ${perSecond(median(theirs))}`,
    });
  });
}

function perSecond(rate: number): string {
  if (rate >= 1e6) return `${(rate / 1e6).toPrecision(3)} M/s`;
  if (rate >= 1e3) return `${(rate / 1e3).toPrecision(3)} k/s`;
  return `${rate.toPrecision(3)} /s`;
}

/** Times a synchronous loop by the thread's own processor time: what else the machine does is no part of it. */
export function lap(ops: number, work: () => void): Lap {
  const started = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(started);
  return { ops, durationMs: (user + system) / 1000 };
}

/** `inFlight` loops that await each turn before the next: how callers that wait for their answer behave. */
export async function lapInFlight(
  ops: number,
  inFlight: number,
  turn: (index: number) => Promise<unknown>,
): Promise<Lap> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < ops) {
      const index = next;
      next += 1;
      await turn(index);
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: inFlight }, loop));
  return { ops, durationMs: performance.now() - startedMs };
}
