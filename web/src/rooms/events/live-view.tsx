import { getRouteApi } from "@tanstack/react-router";
import { PauseIcon, PlayIcon } from "lucide-react";
import { useMemo, useReducer, useSyncExternalStore } from "react";
import { type EventsSearch, eventsSearch } from "../../filters.ts";
import { useHub, useStream } from "../../hub-context.ts";
import { useRoomKeys } from "../../keys/room-keys.ts";
import { Button } from "../../parts/button.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Field } from "../../parts/field.tsx";
import { Segmented } from "../../parts/segmented.tsx";
import { useSettledText } from "../../parts/use-settled-text.ts";
import type { HubEvent } from "../../shapes.ts";
import { createFilteredEvents, type FilteredEvents } from "../../stream/filtered-events.ts";
import { follow, type FollowState, shownEnd, waitingCount } from "../../stream/follow.ts";
import { createLines } from "../../stream/lines.ts";
import { matcherOf } from "../../text/event-words.ts";
import { t } from "../../text/messages.ts";
import { useStartScout } from "../home/use-start.ts";
import { EventDetail } from "./event-detail.tsx";
import { EventList } from "./event-list.tsx";
import { v } from "./events-messages.ts";
import styles from "./events-page.module.css";

const route = getRouteApi("/events");
/** As many as the hub replays at most. */
const earlierCount = 1_000;

/** What flows now. */
export function LiveView() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const store = useStream();
  const { gaps } = useHub();
  const { events, filled } = useFiltered(search);
  const [state, act] = useReducer(follow, { mode: "follow" } as FollowState);
  const end = shownEnd(state, events.end);
  const openEvent = (id: string | undefined): void =>
    void navigate({ search: eventsSearch({ ...search, event: id }), replace: true });
  const togglePause = (): void => act({ type: "togglePause", end: events.end });
  useRoomKeys({ p: togglePause, l: () => act({ type: "follow" }) });
  const from = search.replay === undefined ? events.start : Math.max(events.start, replayStart(events, search.replay));
  const lines = createLines({ events, from, end, filled });
  return (
    <>
      <div className={styles["bar"]}>
        <PrefixField search={search} />
        <PresetBar search={search} />
        <FollowBar
          state={state}
          waiting={waitingCount(state, events.end)}
          count={lines.eventCount}
          onPause={togglePause}
          onFollow={() => act({ type: "follow" })}
        />
      </div>
      <div className={search.event ? `${styles["body"]} ${styles["split"]}` : styles["body"]}>
        {lines.count > 0 ? (
          <EventList
            lines={lines}
            filled={filled}
            isFollowing={state.mode === "follow"}
            openId={search.event}
            onLeave={() => act({ type: "leave", end: events.end })}
            onOpen={openEvent}
          />
        ) : (
          <Nothing isFiltered={store.ring.end > 0} />
        )}
        {search.event ? (
          <EventDetail
            event={findEvent(store.ring, search.event) ?? gaps.find(search.event)}
            onClose={() => openEvent(undefined)}
          />
        ) : null}
      </div>
    </>
  );
}

/** The filter's matches, kept up with the stream, and those among what was read into a gap. */
function useFiltered({ prefix, errorsOnly }: EventsSearch) {
  const { store, gaps } = useHub();
  const version = useSyncExternalStore(gaps.subscribe, gaps.version);
  const matches = useMemo(() => matcherOf({ prefix, errorsOnly }), [prefix, errorsOnly]);
  const events = useMemo(() => createFilteredEvents(store.ring, matches), [store, matches]);
  const filled = useMemo(() => rememberFills(gaps, matches), [gaps, matches]);
  events.sync();
  return { events, filled: (gap: HubEvent) => filled(gap, version) };
}

/** Filters what was read into a gap once, not at each notification. */
function rememberFills(gaps: ReturnType<typeof useHub>["gaps"], matches: (event: HubEvent) => boolean) {
  let known = new Map<string, readonly HubEvent[]>();
  let knownVersion = -1;
  return (gap: HubEvent, version: number): readonly HubEvent[] => {
    if (version !== knownVersion) known = new Map();
    knownVersion = version;
    const found = known.get(gap.id) ?? gaps.of(gap)?.events.filter(matches) ?? [];
    known.set(gap.id, found);
    return found;
  };
}

/** "Replay 50" begins 50 before the moment it was asked for and then goes on. */
const replayMarks = new WeakMap<FilteredEvents, number>();

function replayStart(events: FilteredEvents, count: number): number {
  const known = replayMarks.get(events);
  if (known !== undefined && known <= events.end) return known;
  const start = Math.max(0, events.end - count);
  if (events.end > 0) replayMarks.set(events, start);
  return start;
}

function findEvent(ring: ReturnType<typeof useStream>["ring"], id: string) {
  for (let position = ring.end - 1; position >= ring.start; position -= 1) {
    const event = ring.at(position);
    if (event?.id === id) return event;
  }
  return undefined;
}

type Preset = "all" | "replay" | "models" | "errors";
const presets: Readonly<Record<Preset, EventsSearch>> = {
  all: {},
  replay: { replay: 50 },
  models: { prefix: "models." },
  errors: { errorsOnly: true },
};

function presetOf(search: EventsSearch): Preset | "" {
  const { event: _opened, ...rest } = search;
  const text = JSON.stringify(eventsSearch(rest));
  const found = Object.entries(presets).find(([, preset]) => JSON.stringify(eventsSearch({ ...preset })) === text);
  return found ? (found[0] as Preset) : "";
}

function PresetBar({ search }: { readonly search: EventsSearch }) {
  const navigate = route.useNavigate();
  return (
    <Segmented
      label={v("events.preset.label")}
      value={presetOf(search)}
      onChange={(preset) => void navigate({ search: presets[preset] })}
      options={[
        { value: "all", label: v("events.preset.all") },
        { value: "replay", label: v("events.preset.replay") },
        { value: "models", label: v("events.preset.models") },
        { value: "errors", label: v("events.preset.errors") },
      ]}
    />
  );
}

function PrefixField({ search }: { readonly search: EventsSearch }) {
  const navigate = route.useNavigate();
  const [text, setText] = useSettledText(
    search.prefix ?? "",
    (prefix) =>
      void navigate({ search: (now) => eventsSearch({ ...now, prefix }), replace: search.prefix !== undefined }),
  );
  return (
    <Field
      label={v("events.filter.label")}
      isLabelHidden
      data-filter
      type="search"
      value={text}
      placeholder={`${v("events.filter.label")} ${v("events.filter.placeholder")}`}
      onChange={(event) => setText(event.target.value)}
    />
  );
}

interface FollowBarProps {
  readonly state: FollowState;
  readonly waiting: number;
  readonly count: number;
  readonly onPause: () => void;
  readonly onFollow: () => void;
}

function FollowBar({ state, waiting, count, onPause, onFollow }: FollowBarProps) {
  const { stream } = useHub();
  const isPaused = state.mode === "paused";
  const word =
    state.mode === "follow"
      ? v("events.follow.on")
      : isPaused
        ? v("events.follow.paused", { count: waiting })
        : v("events.follow.browsing");
  return (
    <div className={styles["follow"]} data-mode={state.mode}>
      <span className={styles["quiet"]}>
        {word} · {v("events.list.count", { count })}
      </span>
      <Button look="quiet" onClick={() => stream.restart({ replay: earlierCount })}>
        {v("events.list.earlier")}
      </Button>
      {state.mode === "browse" ? (
        <Button look="primary" onClick={onFollow} aria-keyshortcuts="l">
          {v("events.follow.back", { count: waiting })}
        </Button>
      ) : null}
      <Button
        onClick={onPause}
        aria-keyshortcuts="p"
        icon={isPaused ? <PlayIcon size={14} aria-hidden /> : <PauseIcon size={14} aria-hidden />}
      >
        {isPaused ? v("events.follow.resume") : v("events.follow.pause")}
      </Button>
    </div>
  );
}

function Nothing({ isFiltered }: { readonly isFiltered: boolean }) {
  const navigate = route.useNavigate();
  const start = useStartScout();
  return (
    <div className={styles["nothing"]}>
      {isFiltered ? (
        <EmptyState line={v("events.empty.filtered")}>
          <Button look="primary" onClick={() => void navigate({ search: {} })}>
            {t("episodes.filter.clear")}
          </Button>
        </EmptyState>
      ) : (
        <EmptyState line={v("events.empty.title")} why={v("events.empty.why")}>
          <Button look="primary" disabled={start.isPending} onClick={() => start.mutate()}>
            {v("events.empty.action")}
          </Button>
        </EmptyState>
      )}
    </div>
  );
}
