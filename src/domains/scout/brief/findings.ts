import type { FileOutline } from "../../text/contract.ts";

/** Where a statement comes from. `line` is 1-based; statements about a whole file cite its first line. */
export type Place = { readonly path: string; readonly line: number };

/** Something quoted, with every place it was read at: copies of a file say the same, and it is told once. */
export type Quote = { readonly text: string; readonly places: readonly Place[] };

/** The first entries of a list, how many there are in all, and whether files held more than their outlines carry. */
export type Listing<Entry> = {
  readonly entries: readonly Entry[];
  readonly count: number;
  readonly isComplete: boolean;
};

export type BriefFile = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly digest: string | null;
  readonly outline: FileOutline | null;
  readonly skippedReason?: string | undefined;
};

/** What the next run needs to tell what changed. */
export type Manifest = {
  readonly files: readonly { readonly path: string; readonly digest: string | null; readonly sizeBytes: number }[];
};

export type DatedQuote = Quote & { readonly isoDate: string; readonly isAmbiguous: boolean };
export type OrderQuote = Quote & { readonly why: string };
export type TodoQuote = Quote & { readonly kind: FileOutline["todos"][number]["kind"] };
export type SizedPath = { readonly path: string; readonly sizeBytes: number };
export type FoundLink = { readonly place: Place; readonly target: string };
export type LinkReport = { readonly target: string; readonly places: readonly Place[] };

export type Inventory = {
  readonly fileCount: number;
  readonly sizeBytes: number;
  readonly wordCount: number;
  readonly kinds: readonly {
    readonly kind: FileOutline["kind"];
    readonly count: number;
    readonly sizeBytes: number;
    readonly firstPath: string;
  }[];
  readonly largest: readonly SizedPath[];
  readonly skipped: readonly { readonly reason: string; readonly count: number; readonly paths: readonly string[] }[];
  readonly truncated: Listing<string>;
  readonly empty: Listing<string>;
};

export type Changes = {
  readonly added: Listing<string>;
  readonly removed: Listing<string>;
  readonly changed: Listing<string>;
  readonly unchangedCount: number;
};

export type Findings = {
  readonly folderName: string;
  readonly todayMs: number;
  readonly inventory: Inventory;
  readonly titles: Listing<Quote>;
  readonly deadlines: Listing<DatedQuote>;
  readonly pastDeadlines: Listing<DatedQuote>;
  readonly otherDates: Listing<DatedQuote>;
  readonly questions: Listing<Quote>;
  readonly todos: Listing<TodoQuote>;
  readonly doneCount: number;
  readonly sentences: readonly Quote[];
  readonly duplicates: Listing<{ readonly paths: readonly string[]; readonly sizeBytes: number }>;
  readonly nearDuplicates: Listing<{ readonly paths: readonly string[]; readonly likeness: number }>;
  readonly brokenLinks: Listing<LinkReport>;
  readonly outsideLinks: Listing<LinkReport>;
  readonly orders: Listing<OrderQuote>;
  /** Null on the first run. */
  readonly changes: Changes | null;
};

/** How many entries of each list a brief shows: what can be read in one sitting. The rest is counted. */
export const briefLimits = {
  deadlines: 25,
  pastDeadlines: 8,
  otherDates: 12,
  questions: 20,
  todos: 40,
  sentences: 8,
  changes: 20,
  duplicates: 15,
  brokenLinks: 25,
  outsideLinks: 10,
  orders: 20,
  titles: 40,
  largest: 3,
  skippedReasons: 8,
} as const;

export type BriefLimits = Readonly<Record<keyof typeof briefLimits, number>>;
