import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import type { HubEvent } from "../../shapes.ts";
import type { FilteredEvents } from "../../stream/filtered-events.ts";
import { gistOf } from "../../text/event-words.ts";
import { t } from "../../text/messages.ts";
import { EventRow } from "./event-row.tsx";
import styles from "./event-list.module.css";
import { useRowHeight } from "./use-row-height.ts";

export interface EventListProps {
  readonly events: FilteredEvents;
  /** Indexes of the matches that are shown: from, and one past the last. */
  readonly from: number;
  readonly end: number;
  readonly isFollowing: boolean;
  readonly openId: string | undefined;
  readonly onLeave: () => void;
  readonly onOpen: (id: string | undefined) => void;
}

/** Following, only the newest rows that fit are there, without a scroll position; otherwise the list is virtual. */
export function EventList(props: EventListProps) {
  return props.isFollowing ? <Newest {...props} /> : <Scrolled {...props} />;
}

function Newest(props: EventListProps) {
  const box = useRef<HTMLDivElement>(null);
  const rowHeight = useRowHeight();
  const [rowsFit, setRowsFit] = useState(20);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const measure = (): void => setRowsFit(Math.max(1, Math.floor(element.clientHeight / rowHeight)));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [rowHeight]);
  const first = Math.max(props.from, props.end - rowsFit);
  const leave = (event: KeyboardEvent): void => {
    if (!["k", "PageUp", "Home", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    props.onLeave();
  };
  return (
    <div
      ref={box}
      className={styles["newest"]}
      role="group"
      aria-label={t("events.list.label")}
      tabIndex={0}
      data-stream
      onKeyDown={leave}
      onWheel={(event) => event.deltaY < 0 && props.onLeave()}
      onTouchMove={props.onLeave}
    >
      {props.events.slice(first, props.end).map((event) => (
        <Row key={event.id} event={event} openId={props.openId} onOpen={props.onOpen} />
      ))}
    </div>
  );
}

function Scrolled(props: EventListProps) {
  const box = useRef<HTMLDivElement>(null);
  const rowHeight = useRowHeight();
  const count = props.end - props.from;
  // The row that has the keyboard: where Follow was left, at first.
  const [active, setActive] = useState(count - 1);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    initialOffset: count * rowHeight,
    overscan: 12,
  });
  useEffect(() => {
    rows.scrollToIndex(active, { align: "auto" });
    const frame = requestAnimationFrame(() => {
      const row = box.current?.querySelector<HTMLElement>(`[data-index="${active}"] [data-thing]`);
      row?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
    // Only a move of the keyboard scrolls; new rows do not.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [active]);
  const move = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      j: 1,
      ArrowDown: 1,
      k: -1,
      ArrowUp: -1,
      Home: -count,
      End: count,
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    setActive((now) => Math.max(0, Math.min(count - 1, now + step)));
  };
  return (
    <div
      ref={box}
      className={styles["scrolled"]}
      role="group"
      aria-label={t("events.list.label")}
      tabIndex={0}
      data-stream
      onKeyDown={move}
    >
      <div className={styles["whole"]} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((item) => {
          const event = props.events.at(props.from + item.index);
          return (
            <div
              key={item.key}
              data-index={item.index}
              className={styles["item"]}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              {event ? <Row event={event} openId={props.openId} onOpen={props.onOpen} /> : null}
            </div>
          );
        })}
      </div>
    </div>
  );
}

interface RowProps {
  readonly event: HubEvent;
  readonly openId: string | undefined;
  readonly onOpen: (id: string | undefined) => void;
}

function Row({ event, openId, onOpen }: RowProps) {
  if (event.kind === "bus.gap") return <GapRow gap={event.data as { fromSeq: number; skipped: number }} />;
  const isOpen = event.id === openId;
  return (
    <EventRow
      kind={event.kind}
      timeMs={event.timeMs}
      caller={event.caller}
      gist={gistOf(event.data)}
      isOpen={isOpen}
      copy={event.id}
      onOpen={() => onOpen(isOpen ? undefined : event.id)}
    />
  );
}

function GapRow({ gap }: { readonly gap: { readonly fromSeq: number; readonly skipped: number } }) {
  const { stream } = useHub();
  return (
    <div className={styles["gap"]} data-thing="gap" tabIndex={0}>
      <span>{t("events.gap.text", { count: gap.skipped })}</span>
      <Button look="quiet" hotkey="Enter" onClick={() => stream.restart({ after: Math.max(0, gap.fromSeq - 1) })}>
        {t("events.gap.reload")}
      </Button>
    </div>
  );
}
