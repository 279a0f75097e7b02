/** Watches how the store takes what it is given, so that the health check can say what failed and what to do. */
import { type Store, StoreFault } from "../kernel/ports.ts";

export interface WatchedStore {
  readonly store: Store;
  check(): { readonly name: "store"; readonly ok: boolean; readonly detail: string };
}

const repairs: Readonly<Record<StoreFault["reason"], string>> = {
  full: "free some space; the next write goes on by itself",
  corrupt: "stop the hub and restore the last backup: `arw restore FILE`",
  newer: "start the newer ARW that wrote it",
  locked: "start the hub with the passphrase or the key file",
  failed: "look with `arw doctor`, check the disk, and start the hub again",
};

export function watchStore(inner: Store): WatchedStore {
  let refusal: StoreFault | null = null;
  /** Nothing is written behind a sync that failed, so only a new start ends this. */
  let failedSync: StoreFault | null = null;
  const store: Store = {
    ...inner,
    commit(batch) {
      try {
        inner.commit(batch);
        refusal = null;
      } catch (error) {
        if (error instanceof StoreFault) refusal = error;
        throw error;
      }
    },
    sync(done) {
      inner.sync((fault) => {
        failedSync ??= fault;
        done(fault);
      });
    },
  };
  return {
    store,
    check() {
      const fault = failedSync ?? refusal;
      if (fault === null) return { name: "store", ok: true, detail: "open" };
      return { name: "store", ok: false, detail: `events are not written: ${fault.message}; ${repairs[fault.reason]}` };
    },
  };
}
