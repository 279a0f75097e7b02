/** What someone fills into the search of the journal, and the address it becomes. Pure but for the reader's time zone. */
import type { JournalFilters } from "../../api.ts";
import { type EventsSearch, eventsSearch } from "../../filters.ts";
import type { EventsKey } from "./events-messages.ts";

/** As the fields have it; empty where nothing narrows. */
export interface JournalDraft {
  readonly prefix: string;
  readonly corr: string;
  readonly since: string;
  readonly until: string;
  readonly fromSeq: string;
  readonly toSeq: string;
}

export type DraftFaults = Partial<Record<keyof JournalDraft, EventsKey>>;

/** The field counts whole seconds; the last one counts to its end. */
const secondMs = 1000;

const pad = (value: number): string => String(value).padStart(2, "0");

/** As a field for date and time writes it: 2026-05-12T09:30:00, in the reader's own time zone. */
export function localTime(timeMs: number): string {
  const time = new Date(timeMs);
  const day = [String(time.getFullYear()).padStart(4, "0"), pad(time.getMonth() + 1), pad(time.getDate())].join("-");
  return `${day}T${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
}

export const draftOf = (search: EventsSearch): JournalDraft => ({
  prefix: search.prefix ?? "",
  corr: search.corr ?? "",
  since: search.sinceMs === undefined ? "" : localTime(search.sinceMs),
  until: search.untilMs === undefined ? "" : localTime(search.untilMs),
  fromSeq: String(search.fromSeq ?? ""),
  toSeq: String(search.toSeq ?? ""),
});

/** What is wrong with it, by field. */
export function faultsOf(draft: JournalDraft): DraftFaults {
  const faults: DraftFaults = {};
  for (const field of ["fromSeq", "toSeq"] as const) {
    if (draft[field].trim() !== "" && !/^\d{1,15}$/u.test(draft[field].trim())) faults[field] = "journal.fault.number";
  }
  if (draft.corr.trim() !== "" && !/^[\w-][\w.-]{0,63}$/u.test(draft.corr.trim())) faults.corr = "journal.fault.id";
  const { fromSeq, toSeq, sinceMs, untilMs } = searchOf(draft);
  if (fromSeq !== undefined && toSeq !== undefined && fromSeq > toSeq) faults.toSeq = "journal.fault.order";
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs > untilMs) faults.until = "journal.fault.order";
  return faults;
}

export function searchOf(draft: JournalDraft): EventsSearch {
  const sinceMs = Date.parse(draft.since);
  const untilMs = Date.parse(draft.until);
  return eventsSearch({
    view: "journal",
    prefix: draft.prefix.trim(),
    corr: draft.corr.trim(),
    sinceMs,
    untilMs: untilMs + secondMs - 1,
    fromSeq: draft.fromSeq.trim(),
    toSeq: draft.toSeq.trim(),
  });
}

/** As the hub takes it; the first position shown is the one after `afterSeq`. */
export const filtersOf = ({ prefix, corr, fromSeq, toSeq, sinceMs, untilMs }: EventsSearch): JournalFilters => ({
  prefix,
  corr,
  afterSeq: fromSeq === undefined ? undefined : Math.max(0, fromSeq - 1),
  toSeq,
  sinceMs,
  untilMs,
});

export const isNarrowed = (search: EventsSearch): boolean =>
  Object.values(filtersOf(search)).some((value) => value !== undefined);
