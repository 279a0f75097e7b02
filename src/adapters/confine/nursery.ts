/** All living children of one confinement, so that they can be ended together. */
import { type Child, ChildFault } from "../../domains/shell/port.ts";

export interface Nursery extends AsyncDisposable {
  /** Starts under a signal that ends with the caller's or with all. */
  raise(signal: AbortSignal, start: (signal: AbortSignal) => Promise<Child>): Promise<Child>;
  endAll(reason: string): Promise<void>;
}

export function createNursery(): Nursery {
  const living = new Set<Child>();
  let everybody = new AbortController();
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
      const both = AbortSignal.any([signal, everybody.signal]);
      const child = await start(both);
      living.add(child);
      void child.exited.then(() => living.delete(child));
      return child;
    },
    endAll,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await endAll("the hub is stopping");
    },
  };
}
