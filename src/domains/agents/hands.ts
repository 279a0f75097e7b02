/**
 * The agent as it acts now: with the labels of all that it was given and has learned. Labels only grow, whatever the agent
 * does; one leaves when a person declassified every value that gives it.
 */
import type { Label } from "../../contract/caller.ts";
import type { Context } from "../../contract/operation.ts";

/** One value that a run learned, and by which label. */
export interface Source {
  readonly step: number;
  readonly label: Label;
  /** Digest of the value; null when nobody recorded it, and then it cannot be declassified. */
  readonly digest: string | null;
}

/** Each declassified value by its key, with the position of the journal that says so. */
export type Declassified = ReadonlyMap<string, number>;

/** A step that has to be read again may answer something else, which nobody declassified. */
export const valueKey = (step: number, digest: string): string => `${step} ${digest}`;

export interface Hands {
  /** For a call that is made now. */
  now(): Context;
  /** For a call that is made again because its answer is no longer kept: as it was made then. */
  asOf(seq: number): Context;
  learn(source: Source): void;
  /** From the next call on. */
  declassify(source: { readonly step: number; readonly digest: string; readonly seq: number }): void;
}

interface HandsOptions {
  /** Of what the run was given. */
  readonly labels: readonly Label[];
  readonly declassified: Declassified;
  readonly actorOf: (labels: readonly Label[]) => Context;
}

export function createHands({ labels, declassified, actorOf }: HandsOptions): Hands {
  const given = new Set(labels);
  const learned: Source[] = [];
  const left = new Map(declassified);
  let hand: { readonly labels: ReadonlySet<Label>; readonly context: Context } | null = null;
  const labelsAt = (seq: number): ReadonlySet<Label> => {
    const isOpen = ({ step, digest }: Source): boolean => {
      const leftAt = digest === null ? undefined : left.get(valueKey(step, digest));
      return leftAt === undefined || leftAt > seq;
    };
    return new Set([...given, ...learned.filter(isOpen).map(({ label }) => label)]);
  };
  return {
    now() {
      if (hand === null) {
        const held = labelsAt(Number.POSITIVE_INFINITY);
        hand = { labels: held, context: actorOf([...held]) };
      }
      return hand.context;
    },
    asOf: (seq) => actorOf([...labelsAt(seq)]),
    learn(source) {
      learned.push(source);
      if (hand?.labels.has(source.label) === false) hand = null;
    },
    declassify({ step, digest, seq }) {
      left.set(valueKey(step, digest), seq);
      hand = null;
    },
  };
}
