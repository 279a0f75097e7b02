/** What a stream gives out is what it promised. Items that carry their own JSON were checked when they were written. */
import { jsonText } from "../contract/event.ts";
import { isTailed, type LiveTail, liveTail, type TailedItems } from "../contract/live-tail.ts";
import { Problem } from "../contract/problem.ts";
import type { Checker } from "../contract/schema.ts";
import { Internal } from "../contract/standard-problems.ts";

export interface Promised {
  readonly operation: { readonly id: string };
  readonly output: Checker;
}

/** `mayLeave` throws once a rule keeps the rest in: a stream lasts longer than any call, and rules change meanwhile. */
export function checkedItems(
  items: AsyncIterable<unknown>,
  { operation, output }: Promised,
  mayLeave: () => void,
): AsyncIterable<unknown> {
  const check = (item: unknown): void => {
    mayLeave();
    const isPrepared = typeof item === "object" && item !== null && jsonText in item;
    if (isPrepared || output.check(item)) return;
    throw new Problem(Internal, `${operation.id} streamed what it did not promise`);
  };
  const one = checkedOneByOne(items, check);
  if (!isTailed(items)) return { [Symbol.asyncIterator]: one };
  const both: TailedItems = { [Symbol.asyncIterator]: one, [liveTail]: checkedPast(items, check) };
  return both;
}

const checkedOneByOne = (items: AsyncIterable<unknown>, check: (item: unknown) => void) =>
  async function* oneByOne(): AsyncGenerator {
    for await (const item of items) {
      check(item);
      yield item;
    }
  };

const checkedPast = (items: TailedItems, check: (item: unknown) => void) =>
  async function* pastOnly(): AsyncGenerator<unknown, LiveTail | undefined> {
    const past = items[liveTail]();
    try {
      for (;;) {
        const step = await past.next();
        if (step.done === true) return step.value === undefined ? undefined : checkedTail(step.value, check);
        check(step.value);
        yield step.value;
      }
    } finally {
      await past.return(undefined);
    }
  };

const checkedTail = (tail: LiveTail, check: (item: unknown) => void): LiveTail => ({
  take(count) {
    const taken = tail.take(count);
    for (const item of taken) check(item);
    return taken;
  },
  onReady: (run) => tail.onReady(run),
  get isOver() {
    return tail.isOver;
  },
  get lostCount() {
    return tail.lostCount ?? 0;
  },
  [Symbol.dispose]: () => tail[Symbol.dispose](),
});
