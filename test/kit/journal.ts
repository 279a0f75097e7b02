/** A journal with its views and nothing around them, on a store that can be told to fail. */
import { createManualClock } from "../../src/adapters/memory/clock.ts";
import { createMemoryStore } from "../../src/adapters/memory/store.ts";
import type { Envelope, EventDefinition, Origin } from "../../src/contract/event.ts";
import type { View } from "../../src/contract/view.ts";
import { createJournal, type OwnedJournal } from "../../src/kernel/journal.ts";
import { type Store, StoreFault } from "../../src/kernel/ports.ts";
import { createViews, type OwnedViews } from "../../src/kernel/views.ts";

/** A store whose commits can be counted and told to fail; everything else is the store within. */
export interface FailingStore extends Store {
  readonly commits: number;
  /** The reason for which every commit fails from now on; null ends it. */
  failWith(reason: StoreFault["reason"] | null): void;
  /** Lets this many commits pass and fails all later ones. */
  failAfter(commits: number): void;
}

export function createFailingStore(inner: Store = createMemoryStore()): FailingStore {
  let commits = 0;
  let reason: StoreFault["reason"] | null = null;
  let commitsMax = Number.POSITIVE_INFINITY;
  return {
    ...inner,
    get commits() {
      return commits;
    },
    failWith(next) {
      reason = next;
    },
    failAfter(count) {
      commitsMax = commits + count;
    },
    commit(batch) {
      if (reason !== null) throw new StoreFault(reason, "told to fail");
      if (commits >= commitsMax) throw new StoreFault("failed", "told to fail");
      inner.commit(batch);
      commits += 1;
    },
    [Symbol.dispose]: () => {},
  };
}

export interface JournalKit {
  readonly journal: OwnedJournal;
  readonly views: OwnedViews;
  readonly store: Store;
  readonly published: Envelope[];
  readonly defects: string[];
  emit(definition: EventDefinition, data: unknown, over?: Partial<Origin>): Promise<Envelope>;
}

export function openJournal(views: readonly View[], store: Store = createFailingStore()): JournalKit {
  const clock = createManualClock(1_750_000_000_000);
  const published: Envelope[] = [];
  const defects: string[] = [];
  const folded = createViews({ views, store, pause: async () => {} });
  let ids = store.head().seq;
  const journal = createJournal({
    store,
    views: folded,
    clock,
    node: "node-test",
    newId: () => `id-${(ids += 1)}`,
    publish: (envelope) => void published.push(envelope),
    onDefect: (error, kind) => void defects.push(`${kind}: ${String(error)}`),
    onCommit: () => {},
  });
  folded.open(() => {});
  const origin: Origin = { caller: { kind: "person", id: "admin" }, corrId: "corr-1", causeId: null };
  return {
    journal,
    views: folded,
    store,
    published,
    defects,
    emit: (definition, data, over) => journal.emit(definition, data, { ...origin, ...over }),
  };
}

/** Rows of each view as the store has them: what a restart would find. */
export const storedRows = (store: Store, views: readonly View[]) =>
  Object.fromEntries(
    views.map((view) => [
      view.name,
      store.rows({ view: view.name, limit: 100_000, order: "asc" }).map(({ key, json }) => [key, JSON.parse(json)]),
    ]),
  );

/** The same views, one version on: opening them over the same store rebuilds every one. */
export const nextVersions = (views: readonly View[]): View[] =>
  views.map((view) => ({ ...view, version: view.version + 1 }));
