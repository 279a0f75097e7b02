/** The store in memory: the second adapter of the port's contract, for tests and for hubs that shall leave nothing behind. */
import {
  type EventQuery,
  type RowWrite,
  type Store,
  type StoredEvent,
  StoreFault,
  type ViewState,
} from "../../kernel/ports.ts";

export function createMemoryStore(): Store {
  const journal: StoredEvent[] = [];
  const tables = new Map<string, Map<string, string>>();
  const states = new Map<string, ViewState>();
  const table = (view: string): Map<string, string> => {
    const known = tables.get(view) ?? new Map<string, string>();
    tables.set(view, known);
    return known;
  };
  const writeRows = (rows: readonly RowWrite[]): void => {
    for (const row of rows) {
      if (row.json === null) table(row.view).delete(row.key);
      else table(row.view).set(row.key, row.json);
    }
  };
  return {
    abilities: { isDurable: false },
    head: () => {
      const last = journal.at(-1);
      return last ? { seq: last.seq, hash: last.hash } : { seq: 0, hash: "0".repeat(64) };
    },
    commit({ events, rows, views, foldedSeq }) {
      for (const [index, event] of events.entries()) {
        if (event.seq !== journal.length + index + 1)
          throw new StoreFault("failed", `position ${event.seq} is taken or leaves a gap`);
      }
      for (const event of events) journal.push(event);
      writeRows(rows);
      const seq = foldedSeq ?? events.at(-1)?.seq;
      if (seq === undefined) return;
      for (const view of views) {
        const state = states.get(view);
        if (state) states.set(view, { version: state.version, seq });
      }
    },
    sync: (done) => done(null),
    events: (query) => select(journal, query),
    row: (view, key) => table(view).get(key),
    rows({ view, afterKey, limit, order }) {
      const sign = order === "desc" ? -1 : 1;
      const keys = [...table(view).keys()].toSorted((a, b) => (a < b ? -sign : sign));
      const from =
        afterKey === undefined ? keys : keys.filter((key) => (order === "desc" ? key < afterKey : key > afterKey));
      return from.slice(0, limit).map((key) => ({ key, json: table(view).get(key) ?? "" }));
    },
    viewStates: () => new Map(states),
    rebuild(view, state, rows) {
      tables.set(view, new Map([...rows].map(({ key, json }) => [key, json])));
      states.set(view, state);
    },
    together: (write) => wholly(write, { journal, tables, states }),
    drop({ seqs, rows }) {
      for (const seq of seqs) {
        const event = journal[seq - 1];
        if (event) journal[seq - 1] = { ...event, data: null };
      }
      writeRows(rows);
    },
    reclaim: () => 0,
    [Symbol.dispose]() {},
  };
}

interface Content {
  readonly journal: StoredEvent[];
  readonly tables: Map<string, Map<string, string>>;
  readonly states: Map<string, ViewState>;
}

/** Puts back what was there when `write` throws. */
function wholly(write: () => void, { journal, tables, states }: Content): void {
  const events = journal.length;
  const rowsBefore = [...tables].map(([view, rows]) => [view, new Map(rows)] as const);
  const statesBefore = [...states];
  try {
    write();
  } catch (error) {
    journal.length = events;
    tables.clear();
    states.clear();
    for (const [view, rows] of rowsBefore) tables.set(view, rows);
    for (const [view, state] of statesBefore) states.set(view, state);
    throw error;
  }
}

function select(journal: readonly StoredEvent[], query: EventQuery): StoredEvent[] {
  const matching = journal.filter(
    (event) =>
      (query.afterSeq === undefined || event.seq > query.afterSeq) &&
      (query.toSeq === undefined || event.seq <= query.toSeq) &&
      (query.corrId === undefined || event.corrId === query.corrId) &&
      (query.kinds === undefined || query.kinds.includes(event.kind)),
  );
  return (query.order === "desc" ? matching.toReversed() : matching).slice(0, query.limit);
}
