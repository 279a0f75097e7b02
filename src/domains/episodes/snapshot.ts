/** One episode at any position of the journal: its row, its parts, and what the hub was configured to. */
import type { Envelope } from "../../contract/event.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { InvalidInput, NotFound } from "../../contract/standard-problems.ts";
import type { Journal, Views } from "../../kernel/kernel.ts";
import { ConfigApplied } from "../system/contract.ts";
import type { Episode, Snapshot, WindowRow } from "./contract.ts";
import { episodes, windowRow } from "./views.ts";

type Answer = Static<typeof Snapshot.output>;
type Family = "observations" | "beliefs" | "intents" | "actions" | "approvals";

const limitDefault = 1000;
const pageEvents = 1000;
const families: ReadonlySet<string> = new Set<Family>(["observations", "beliefs", "intents", "actions", "approvals"]);

interface Reading {
  readonly journal: Journal;
  readonly views: Views;
}

export function snapshot(input: Static<typeof Snapshot.input>, { journal, views }: Reading): Answer {
  const { id, afterSeq = 0, limit = limitDefault } = input;
  const headSeq = journal.headSeq();
  const at = input.at ?? headSeq;
  if (at > headSeq) {
    const message = `lies after the newest event, ${headSeq}`;
    throw new Problem(InvalidInput, `/at ${message}`, { faults: [{ at: "/at", message }] });
  }
  const now = views.get(episodes, id);
  const episode = now === undefined || now.firstSeq > at ? undefined : now.lastSeq <= at ? now : rowAt(journal, id, at);
  if (episode === undefined) throw new Problem(NotFound, `there was no episode ${id} at ${at}`);
  const parts: Record<Family, WindowRow[]> = { observations: [], beliefs: [], intents: [], actions: [], approvals: [] };
  const { events, nextAfterSeq } = partsOf(journal, { id, at, afterSeq, limit });
  for (const event of events) parts[familyOf(event) as Family].push(partOf(event));
  return { at, episode, ...parts, configuration: configurationAt(journal, episode.firstSeq), nextAfterSeq };
}

/** The row as it was: the same fold over the episode's own events, which are few beside those of the journal. */
function rowAt(journal: Journal, id: string, at: number): Episode | undefined {
  let row: Episode | undefined;
  for (const event of eventsOf(journal, id, at)) {
    if (row === undefined && event.data === null)
      throw new Problem(NotFound, `the beginning of episode ${id} is no longer kept; its newest state is`);
    for (const fold of episodes.folds) {
      if (fold.kind === event.kind || fold.kind === "*") row = fold.apply(row, event) ?? undefined;
    }
  }
  return row;
}

function* eventsOf(journal: Journal, corrId: string, toSeq: number): Generator<Envelope> {
  for (let afterSeq = 0; ; ) {
    const page = journal.read({ corrId, afterSeq, toSeq, limit: pageEvents });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageEvents) return;
    afterSeq = last.seq;
  }
}

/** A question's input and diff may be large; its row in `approvals` has them. */
function partOf(event: Envelope): WindowRow {
  const row = windowRow(event);
  const { diff: _diff, input: _input, ...data } = row.data as Record<string, unknown>;
  return familyOf(event) === "approvals" ? { ...row, data } : row;
}

const familyOf = ({ kind }: Envelope): string => kind.slice(0, kind.indexOf("."));

interface Part {
  readonly id: string;
  readonly at: number;
  readonly afterSeq: number;
  readonly limit: number;
}

function partsOf(
  journal: Journal,
  { id, at, afterSeq, limit }: Part,
): { events: Envelope[]; nextAfterSeq: number | null } {
  const events: Envelope[] = [];
  for (let position = afterSeq; ; ) {
    const page = journal.read({ corrId: id, afterSeq: position, toSeq: at, limit: pageEvents });
    for (const event of page) {
      position = event.seq;
      if (!families.has(familyOf(event))) continue;
      if (events.length === limit) return { events, nextAfterSeq: events.at(-1)?.seq ?? null };
      events.push(event);
    }
    if (page.length < pageEvents) return { events, nextAfterSeq: null };
  }
}

/** The configuration that was said last before the episode began. */
function configurationAt(journal: Journal, seq: number): Answer["configuration"] {
  const [said] = journal.read({ kinds: [ConfigApplied.kind], toSeq: seq, order: "desc", limit: 1 });
  if (said === undefined || said.data === null) return null;
  const { version, values } = said.data as Static<typeof ConfigApplied.data>;
  return { seq: said.seq, timeMs: said.timeMs, version, values };
}
