import {
  type CentralSentence,
  type DateLine,
  type FileOutline,
  type HeadingLine,
  type LinkLine,
  type OrderLine,
  outlineLengthMax,
  outlineLimits,
  type OutlineList,
  type QuotedLine,
  type TextKind,
  type TodoLine,
} from "./outline-schema.ts";

/** All that was found in a file, before the best is chosen. Lists are in the order of the file. */
export type Gathered = {
  readonly kind: TextKind;
  readonly title: QuotedLine | null;
  readonly headings: readonly HeadingLine[];
  readonly headingCount: number;
  readonly dates: DateLine[];
  readonly todos: TodoLine[];
  readonly questions: QuotedLine[];
  readonly links: LinkLine[];
  readonly orders: OrderLine[];
  sentences: CentralSentence[];
  readonly found: { dates: number; todos: number; questions: number; links: number; orders: number };
  readonly terms: readonly [string, number][];
  readonly sketch: readonly number[];
  readonly wordCount: number;
  readonly lineCount: number;
  readonly isTruncated: boolean;
};

type Lists = Pick<FileOutline, OutlineList>;

/** Chooses what an outline carries, within the limits of each list and of the whole, and counts what it leaves out. */
export function fitOutline(gathered: Gathered, todayMs: number): FileOutline {
  const lists: Lists = {
    headings: chosen(gathered.headings, outlineLimits.headings, ({ level }) => level),
    dates: chosen(gathered.dates, outlineLimits.dates, (date) => dateRank(date, todayMs)),
    todos: chosen(gathered.todos, outlineLimits.todos, ({ isDone }) => (isDone === true ? 1 : 0)),
    questions: gathered.questions.slice(0, outlineLimits.questions),
    links: chosen(gathered.links, outlineLimits.links, ({ isExternal, target }) =>
      isExternal ? 2 : target.startsWith("#") ? 1 : 0,
    ),
    sentences: gathered.sentences,
    orders: gathered.orders.slice(0, outlineLimits.orders),
  };
  const { kind, title, terms, sketch, wordCount, lineCount, isTruncated } = gathered;
  const rest = { kind, title, terms: [...terms], sketch: [...sketch], wordCount, lineCount, isTruncated };
  shorten(lists, outlineLengthMax - JSON.stringify(rest).length - 200);
  const leftOut = countLeftOut(gathered, lists);
  const ordered: Lists = {
    ...lists,
    headings: inOrder(lists.headings, gathered.headings),
    dates: inOrder(lists.dates, gathered.dates),
    todos: inOrder(lists.todos, gathered.todos),
    links: inOrder(lists.links, gathered.links),
  };
  // Quotes are slices of the file's text and would keep all of it in memory; the round trip makes them strings of their own.
  return JSON.parse(JSON.stringify({ ...rest, ...ordered, leftOut })) as FileOutline;
}

/** The `limit` entries of the lowest rank, lowest first: what has to go when space is short stands last. */
function chosen<Entry>(entries: readonly Entry[], limit: number, rank: (entry: Entry) => number): Entry[] {
  return entries
    .map((entry) => ({ entry, rank: rank(entry) }))
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map(({ entry }) => entry);
}

/** Back in the order of the file. */
function inOrder<Entry>(kept: readonly Entry[], gathered: readonly Entry[]): Entry[] {
  const wanted = new Set(kept);
  return gathered.filter((entry) => wanted.has(entry));
}

const dayMs = 24 * 60 * 60 * 1000;

/** Deadlines to come first, then other days to come, then what is past; within each the nearest day first. */
function dateRank({ isoDate, isDeadline }: DateLine, todayMs: number): number {
  const days = Math.floor(Date.parse(isoDate) / dayMs) - Math.floor(todayMs / dayMs);
  const group = days >= 0 ? (isDeadline ? 0 : 1) : isDeadline ? 2 : 3;
  return group * 1_000_000 + Math.abs(days);
}

/** Takes entries off the longest list until all of them fit: no list is emptied for another's sake. */
function shorten(lists: Lists, lengthMax: number): void {
  const sizes = Object.values(lists).map((entries: unknown[]) => ({
    entries,
    lengths: entries.map((entry) => JSON.stringify(entry).length + 1),
  }));
  const totals = sizes.map(({ lengths }) => sumOf(lengths));
  while (sumOf(totals) > lengthMax) {
    const longest = totals.indexOf(Math.max(...totals));
    const size = sizes[longest];
    if (size === undefined || size.entries.length === 0) return;
    size.entries.pop();
    totals[longest] = (totals[longest] ?? 0) - (size.lengths.pop() ?? 0);
  }
}

function sumOf(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

function countLeftOut(gathered: Gathered, lists: Lists): FileOutline["leftOut"] {
  const found: Record<OutlineList, number> = {
    ...gathered.found,
    headings: gathered.headingCount,
    sentences: gathered.sentences.length,
  };
  const leftOut: FileOutline["leftOut"] = {};
  for (const list of Object.keys(found) as OutlineList[]) {
    const count = found[list] - lists[list].length;
    if (count > 0) leftOut[list] = count;
  }
  return leftOut;
}
