/** Load for a hub that is going to be killed: facts and tasks with names of their own, so that each can be counted. */
import assert from "node:assert/strict";
import type { Store } from "../../src/kernel/ports.ts";
import { verifyChain } from "../../src/kernel/verify.ts";
import type { Ledger } from "./killed-hub.ts";
import { bind, op } from "../../src/contract/operation.ts";
import { event } from "../../src/contract/event.ts";
import { closed, Type } from "../../src/contract/schema.ts";
import { on, view } from "../../src/contract/view.ts";
import { domainOf } from "../kit/kernel.ts";

/** Where a hub under load keeps its things below its state directory. */
export const stateNames = {
  journal: "journal.db",
  blobs: "blobs",
  counter: "counter.json",
  tee: "events.jsonl",
} as const;

const Name = Type.String({ maxLength: 40 });
export const Noted = event({
  kind: "load.noted",
  about: "x",
  data: closed({ name: Name, padding: Type.Optional(Type.String()) }),
});
export const Worked = event({ kind: "load.worked", about: "x", data: closed({ name: Name }) });
export const Work = op({
  id: "load.work",
  http: "POST /load/work",
  effect: "write",
  isTask: true,
  about: "x",
  input: closed({ name: Name }),
  output: closed({ name: Name }),
  emits: [Worked],
});

const count = on<number>();
/** How often each name was noted: anything but one is a loss or a double. */
const notes = view(Type.Integer())({
  name: "notes",
  version: 1,
  about: "x",
  rowsMax: 100_000,
  overflow: "guarded",
  folds: [
    count(
      Noted,
      (e) => e.data.name,
      (row) => (row ?? 0) + 1,
    ),
  ],
});
/** The newest names alone, so that rows are dropped and written all the time. */
const newest = view(Type.Integer())({
  name: "newest",
  version: 1,
  about: "x",
  rowsMax: 20,
  folds: [
    count(
      Noted,
      (e) => e.data.name,
      () => 1,
    ),
    count(
      Worked,
      (e) => e.data.name,
      (row) => (row === undefined ? 1 : null),
    ),
  ],
});

export const loadDomain = domainOf("load", {
  events: [Noted, Worked],
  views: [notes, newest],
  operations: [
    bind(Work, async ({ name }, ctx) => {
      await ctx.emit(Worked, { name });
      return { name };
    }),
  ],
});

/** The chain holds, what was acknowledged is there, and nothing is there twice. */
export function examineJournal(store: Store, ledger: Ledger): void {
  assert.equal(verifyChain(store).fault, null);
  const counts = new Map<string, number>();
  for (const row of store.events({ limit: 1_000_000, kinds: [Noted.kind, "task.enqueued"] })) {
    const data = JSON.parse(row.data ?? "{}") as { name?: string; taskId?: string };
    const name = data.name ?? data.taskId ?? "";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const name of [...ledger.notes, ...ledger.tasks.values()])
    assert.equal(counts.get(name), 1, `${name} was acknowledged`);
  for (const [name, times] of counts) assert.equal(times, 1, `${name} is there twice`);
}
