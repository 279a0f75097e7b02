/** All living children of one confinement, so that they can be ended together. */
import {
  type Child,
  ChildFault,
  type ChildOrder,
  type Confinement,
  type ConfinementAbilities,
} from "../../domains/shell/port.ts";

export interface Nursery extends AsyncDisposable {
  /** Starts under a signal that ends with the caller's or with all. */
  raise(signal: AbortSignal, start: (signal: AbortSignal) => Promise<Child>): Promise<Child>;
  endAll(reason: string): Promise<void>;
}

/** Each is some processes and, confined, some 50 MB. Whoever starts more has lost count, or wants the machine to stop. */
const childrenMax = 32;

/** A confinement whose abilities are known, and which starts its children so. */
export function confinementBy(
  abilities: ConfinementAbilities,
  start: (order: ChildOrder, signal: AbortSignal) => Promise<Child>,
): Confinement {
  const nursery = createNursery();
  return {
    abilities: () => Promise.resolve(abilities),
    known: () => abilities,
    start: (order) => nursery.raise(order.signal, (signal) => start(order, signal)),
    endAll: (reason) => nursery.endAll(reason),
    [Symbol.asyncDispose]: () => nursery[Symbol.asyncDispose](),
  };
}

export function createNursery(): Nursery {
  const living = new Set<Child>();
  let everybody = new AbortController();
  let starting = 0;
  let isClosed = false;
  const endAll = async (reason: string): Promise<void> => {
    const ends = [...living].map(({ exited }) => exited);
    everybody.abort(new ChildFault(reason));
    everybody = new AbortController();
    await Promise.all(ends);
  };
  return {
    async raise(signal, start) {
      signal.throwIfAborted();
      if (isClosed) throw new ChildFault("the hub is stopping");
      if (living.size + starting >= childrenMax)
        throw new ChildFault(`${childrenMax} programs run already; wait until one of them has ended`);
      starting += 1;
      try {
        const child = await start(AbortSignal.any([signal, everybody.signal]));
        living.add(child);
        void child.exited.then(() => living.delete(child));
        return child;
      } finally {
        starting -= 1;
      }
    },
    endAll,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await endAll("the hub is stopping");
    },
  };
}
