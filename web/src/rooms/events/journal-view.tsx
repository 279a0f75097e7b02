import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { api } from "../../api.ts";
import { type EventsSearch, eventsSearch } from "../../filters.ts";
import { Button } from "../../parts/button.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import type { HubEvent, JournalPage } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";
import { formatDay } from "../../text/formats.ts";
import { t } from "../../text/messages.ts";
import { EventDetail } from "./event-detail.tsx";
import { EventLine } from "./event-line.tsx";
import { v } from "./events-messages.ts";
import { JournalForm } from "./journal-form.tsx";
import { filtersOf, isNarrowed } from "./journal-search.ts";
import styles from "./journal-view.module.css";
import { VirtualRows } from "./virtual-rows.tsx";

const route = getRouteApi("/events");
/** A few screens; more is a press away. */
const pageEvents = 200;

/** Search over everything that is kept. */
export function JournalView() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const pages = useJournal(search);
  const events = useMemo(() => pages.data?.pages.flatMap((page) => page.events) ?? [], [pages.data]);
  const open = (seq: number | undefined): void =>
    void navigate({ search: eventsSearch({ ...search, seq }), replace: true });
  const ask = (next: EventsSearch): void => {
    const { seq: _opened, ...asked } = search;
    // The same question again: what happened since may answer it.
    if (JSON.stringify(eventsSearch(asked)) === JSON.stringify(next)) void pages.refetch();
    else void navigate({ search: next });
  };
  return (
    <>
      <JournalForm search={search} onSearch={ask} />
      {pages.data && events.length > 0 ? <Found events={events} pages={pages.data.pages} /> : null}
      <div className={search.seq ? `${styles["body"]} ${styles["split"]}` : styles["body"]}>
        {events.length > 0 ? (
          <JournalRows events={events} openSeq={search.seq} onOpen={open}>
            <Older pages={pages} />
          </JournalRows>
        ) : (
          <div className={styles["nothing"]}>
            {pages.isPending ? <Skeleton rows={8} /> : null}
            {pages.data ? <Nothing search={search} pages={pages} /> : <Fault pages={pages} />}
          </div>
        )}
        {search.seq ? <OpenedEvent seq={search.seq} events={events} onClose={() => open(undefined)} /> : null}
      </div>
    </>
  );
}

type Pages = ReturnType<typeof useJournal>;

function useJournal(search: EventsSearch) {
  const filters = filtersOf(search);
  return useInfiniteQuery({
    queryKey: [...keys.journal, filters],
    queryFn: ({ signal, pageParam }) => api.journal({ ...filters, limit: pageEvents, cursor: pageParam }, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.nextCursor,
    // The journal grows all the time; whoever comes back asks anew.
    staleTime: 0,
    gcTime: 0,
  });
}

function Found({ events, pages }: { readonly events: readonly HubEvent[]; readonly pages: readonly JournalPage[] }) {
  const nextCursor = pages.at(-1)?.nextCursor ?? null;
  const headSeq = pages[0]?.headSeq ?? 0;
  const values = { count: events.length, head: headSeq, back: nextCursor ?? 0 };
  return (
    <p className={styles["found"]} role="status">
      {nextCursor === null ? v("journal.found.all", values) : v("journal.found.some", values)}
    </p>
  );
}

interface RowsProps {
  readonly events: readonly HubEvent[];
  readonly openSeq: number | undefined;
  readonly onOpen: (seq: number | undefined) => void;
  readonly children: ReactNode;
}

/** Newest first, each day under its date. */
function JournalRows({ events, openSeq, onOpen, children }: RowsProps) {
  const days = useMemo(() => dayStarts(events), [events]);
  return (
    <VirtualRows
      label={v("journal.list.label")}
      count={events.length}
      keyOf={(index) => events[index]?.id ?? String(index)}
      renderRow={(index) => {
        const event = events[index];
        if (!event) return null;
        const { seq } = event;
        const day = days.get(index);
        return (
          <>
            {day === undefined ? null : <h2 className={styles["day"]}>{day}</h2>}
            <EventLine
              event={event}
              trailing={String(seq)}
              copy={event.id}
              isOpen={seq === openSeq}
              onOpen={() => onOpen(seq === openSeq ? undefined : seq)}
            />
          </>
        );
      }}
    >
      {children}
    </VirtualRows>
  );
}

/** The dates, by the index of the first event of each. */
function dayStarts(events: readonly HubEvent[]): ReadonlyMap<number, string> {
  const starts = new Map<number, string>();
  let last = "";
  for (const [index, { timeMs }] of events.entries()) {
    const key = new Date(timeMs).toDateString();
    if (key !== last) starts.set(index, formatDay(timeMs));
    last = key;
  }
  return starts;
}

/** What comes after the last row: more, the beginning, or why there is no more. */
function Older({ pages }: { readonly pages: Pages }) {
  return (
    <div className={styles["older"]}>
      {pages.isError ? <Fault pages={pages} /> : null}
      {pages.hasNextPage ? (
        <Button disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          {v(pages.isFetchingNextPage ? "journal.action.loading" : "journal.action.older")}
        </Button>
      ) : (
        <p className={styles["quiet"]}>{v("journal.list.end")}</p>
      )}
    </div>
  );
}

function Fault({ pages }: { readonly pages: Pages }) {
  if (!pages.isError) return null;
  const retry = (): void => void (pages.isFetchNextPageError ? pages.fetchNextPage() : pages.refetch());
  return <ErrorCard title={v("journal.fault.title")} error={pages.error} onRetry={retry} />;
}

function Nothing({ search, pages }: { readonly search: EventsSearch; readonly pages: Pages }) {
  const navigate = route.useNavigate();
  const back = pages.data?.pages.at(-1)?.nextCursor ?? null;
  return (
    <EmptyState
      line={v(back === null ? "journal.empty.title" : "journal.empty.sofar")}
      why={back === null ? v("journal.empty.why") : v("journal.empty.back", { back })}
    >
      {back === null ? null : (
        <Button look="primary" disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          {v(pages.isFetchingNextPage ? "journal.action.loading" : "journal.action.further")}
        </Button>
      )}
      {isNarrowed(search) ? (
        <Button onClick={() => void navigate({ search: { view: "journal" } })}>{t("episodes.filter.clear")}</Button>
      ) : null}
      {pages.isError ? <Fault pages={pages} /> : null}
    </EmptyState>
  );
}

interface OpenedProps {
  readonly seq: number;
  readonly events: readonly HubEvent[];
  readonly onClose: () => void;
}

/** An opened event that is on no page yet, as from a link, is asked for by its position. */
function OpenedEvent({ seq, events, onClose }: OpenedProps) {
  const known = events.find((event) => event.seq === seq);
  const asked = useQuery({
    queryKey: [...keys.journal, "event", seq],
    queryFn: ({ signal }) => api.event(seq, signal),
    enabled: !known,
  });
  return <EventDetail event={known ?? asked.data} error={asked.error} onClose={onClose} />;
}
