import type { FileOutline } from "../../text/contract.ts";
import type {
  BriefLimits,
  DatedQuote,
  Findings,
  FoundLink,
  Listing,
  OrderQuote,
  Place,
  Quote,
  TodoQuote,
} from "./findings.ts";
import { createKeySentences } from "./key-sentences.ts";
import { comparePlace, compareText, createRanking, type Ranking } from "./ranking.ts";

/** The lists that are filled straight from the outlines of the files. */
export type Gathering = {
  add(path: string, outline: FileOutline): void;
  result(limits: BriefLimits): Gathered;
  readonly links: Ranking<FoundLink>;
};

export type Gathered = Pick<
  Findings,
  "titles" | "deadlines" | "pastDeadlines" | "otherDates" | "questions" | "todos" | "doneCount" | "sentences" | "orders"
>;

/** Entries of one list remembered per folder, above what is shown so that repeats can be told once. About 1 MB each. */
const rememberedMax = 2000;
/** Relative links remembered until all paths are known. Beyond, links of the deepest files are not checked. */
export const linksMax = 50_000;

type Entry = { readonly text: string; readonly place: Place; readonly rank: number };
type DatedEntry = Entry & { readonly isoDate: string; readonly isAmbiguous: boolean };
type TodoEntry = Entry & { readonly kind: TodoQuote["kind"] };
type OrderEntry = Entry & { readonly why: string };

export function createGathering(todayMs: number): Gathering {
  const today = new Date(todayMs).toISOString().slice(0, 10);
  const lists = createLists();
  const sentences = createKeySentences();
  const leftOut = { dates: 0, todos: 0, questions: 0, orders: 0 };
  let doneCount = 0;
  return {
    links: lists.links,
    add(path, outline) {
      const isCode = outline.kind === "code" ? 1 : 0;
      const entry = ({ line, text }: { line: number; text: string }, rank = isCode): Entry => ({
        text,
        rank,
        place: { path, line },
      });
      if (outline.title !== null) lists.titles.offer(entry(outline.title));
      for (const date of outline.dates) {
        const dated = { ...entry(date), isoDate: date.isoDate, isAmbiguous: date.isAmbiguous ?? false };
        if (date.isDeadline) (date.isoDate >= today ? lists.deadlines : lists.pastDeadlines).offer(dated);
        else if (date.isoDate >= today) lists.otherDates.offer(dated);
      }
      for (const todo of outline.todos) {
        if (todo.isDone === true) doneCount++;
        else lists.todos.offer({ ...entry(todo), kind: todo.kind });
      }
      for (const question of outline.questions) lists.questions.offer(entry(question));
      for (const order of outline.orders) lists.orders.offer({ ...entry(order, orderRank(order.why)), why: order.why });
      for (const { line, target, isExternal } of outline.links) {
        if (!isExternal) lists.links.offer({ place: { path, line }, target });
      }
      for (const list of ["dates", "todos", "questions", "orders"] as const)
        leftOut[list] += outline.leftOut[list] ?? 0;
      sentences.add(path, outline);
    },
    result: (limits) => ({
      titles: listingOf(lists.titles, { limit: limits.titles, read: quoteOf }),
      deadlines: listingOf(lists.deadlines, { limit: limits.deadlines, leftOut: leftOut.dates, read: dateOf }),
      pastDeadlines: listingOf(lists.pastDeadlines, {
        limit: limits.pastDeadlines,
        leftOut: leftOut.dates,
        read: dateOf,
      }),
      otherDates: listingOf(lists.otherDates, { limit: limits.otherDates, leftOut: leftOut.dates, read: dateOf }),
      questions: listingOf(lists.questions, { limit: limits.questions, leftOut: leftOut.questions, read: quoteOf }),
      todos: listingOf(lists.todos, { limit: limits.todos, leftOut: leftOut.todos, read: todoOf }),
      orders: listingOf(lists.orders, { limit: limits.orders, leftOut: leftOut.orders, read: orderOf }),
      doneCount,
      sentences: sentences.best(limits.sentences),
    }),
  };
}

function createLists() {
  return {
    titles: createRanking<Entry>(rememberedMax, compareEntry),
    deadlines: createRanking<DatedEntry>(
      rememberedMax,
      (a, b) => compareText(a.isoDate, b.isoDate) || compareEntry(a, b),
    ),
    pastDeadlines: createRanking<DatedEntry>(
      rememberedMax,
      (a, b) => compareText(b.isoDate, a.isoDate) || compareEntry(a, b),
    ),
    otherDates: createRanking<DatedEntry>(
      rememberedMax,
      (a, b) => compareText(a.isoDate, b.isoDate) || compareEntry(a, b),
    ),
    questions: createRanking<Entry>(rememberedMax, compareEntry),
    todos: createRanking<TodoEntry>(rememberedMax, (a, b) => compareEntry(a, b) || compareText(a.kind, b.kind)),
    orders: createRanking<OrderEntry>(rememberedMax, (a, b) => compareEntry(a, b) || compareText(a.why, b.why)),
    links: createRanking<FoundLink>(
      linksMax,
      (a, b) => comparePlace(a.place, b.place) || compareText(a.target, b.target),
    ),
  };
}

function compareEntry(a: Entry, b: Entry): number {
  return a.rank - b.rank || comparePlace(a.place, b.place) || compareText(a.text, b.text);
}

/** What is also found in honest manuals comes after what is not. */
function orderRank(why: string): number {
  return why === "asks to run a command" || why === "pipes a download into a shell" || why === "asks for secrets"
    ? 1
    : 0;
}

function quoteOf({ text, place }: Entry): Quote {
  return { text, places: [place] };
}

function dateOf(date: DatedEntry): DatedQuote {
  return { ...quoteOf(date), isoDate: date.isoDate, isAmbiguous: date.isAmbiguous };
}

function todoOf(todo: TodoEntry): TodoQuote {
  return { ...quoteOf(todo), kind: todo.kind };
}

function orderOf(order: OrderEntry): OrderQuote {
  return { ...quoteOf(order), why: order.why };
}

type ListingOptions<From, To> = {
  readonly limit: number;
  readonly leftOut?: number;
  readonly read: (entry: From) => To;
};

function listingOf<From, To extends Quote>(
  ranking: Ranking<From>,
  { limit, leftOut = 0, read }: ListingOptions<From, To>,
): Listing<To> {
  const found = ranking.first();
  const entries = merged(found.map(read));
  return {
    entries: entries.slice(0, limit),
    count: entries.length + (ranking.count - found.length),
    isComplete: leftOut === 0 && ranking.count === found.length,
  };
}

/** Joins entries that differ in nothing but their place. */
function merged<To extends Quote>(quotes: readonly To[]): To[] {
  const byKey = new Map<string, To & { places: Place[] }>();
  for (const quote of quotes) {
    const key = JSON.stringify({ ...quote, places: null });
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { ...quote, places: [...quote.places] });
    else known.places.push(...quote.places);
  }
  return [...byKey.values()];
}
