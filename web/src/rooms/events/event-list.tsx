import { type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import type { HubEvent } from "../../shapes.ts";
import { gapKind } from "../../stream/filtered-events.ts";
import type { Lines } from "../../stream/lines.ts";
import { EventLine } from "./event-line.tsx";
import styles from "./event-list.module.css";
import { v } from "./events-messages.ts";
import { GapRow } from "./gap-row.tsx";
import { useRowHeight } from "./use-row-height.ts";
import { VirtualRows } from "./virtual-rows.tsx";

export interface EventListProps {
  readonly lines: Lines;
  readonly isFollowing: boolean;
  readonly openId: string | undefined;
  /** What was read into a gap and passes the filter. */
  readonly filled: (gap: HubEvent) => readonly HubEvent[];
  readonly onLeave: () => void;
  readonly onOpen: (id: string | undefined) => void;
}

/** Following, only the newest rows that fit are there, without a scroll position; otherwise the list is virtual. */
export function EventList(props: EventListProps) {
  const { lines } = props;
  const [startAt, setStartAt] = useState<number>();
  const leave = (index?: number): void => {
    setStartAt(index);
    props.onLeave();
  };
  if (props.isFollowing) return <Newest {...props} onLeave={leave} />;
  return (
    <VirtualRows
      label={v("events.list.label")}
      count={lines.count}
      keyOf={(index) => lines.at(index)?.id ?? String(index)}
      startAt={startAt ?? lines.count - 1}
      renderRow={(index) => <Line {...props} event={lines.at(index)} />}
    />
  );
}

function Newest(props: EventListProps & { readonly onLeave: (index?: number) => void }) {
  const { lines } = props;
  const box = useRef<HTMLDivElement>(null);
  const rowsFit = useRowsFit(box);
  const leave = (event: KeyboardEvent): void => {
    if (!["k", "PageUp", "Home", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    props.onLeave();
  };
  const first = Math.max(0, lines.count - rowsFit);
  return (
    <div
      ref={box}
      className={styles["newest"]}
      role="group"
      aria-label={v("events.list.label")}
      tabIndex={0}
      data-stream
      onKeyDown={leave}
      onWheel={(event) => event.deltaY < 0 && props.onLeave()}
      onTouchMove={() => props.onLeave()}
    >
      <div className={styles["rows"]}>
        {Array.from({ length: lines.count - first }, (_unused, row) => {
          const event = lines.at(first + row);
          return event ? (
            <Line key={event.id} {...props} event={event} onLoad={() => props.onLeave(first + row)} />
          ) : null;
        })}
      </div>
    </div>
  );
}

function useRowsFit(box: React.RefObject<HTMLDivElement | null>): number {
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
  }, [box, rowHeight]);
  return rowsFit;
}

interface LineProps extends Omit<EventListProps, "lines" | "isFollowing" | "onLeave"> {
  readonly event: HubEvent | undefined;
  /** A gap is about to be read. */
  readonly onLoad?: () => void;
}

function Line({ event, openId, filled, onOpen, onLoad }: LineProps) {
  if (!event) return null;
  if (event.kind === gapKind) {
    return <GapRow gap={event} shownCount={filled(event).length} {...(onLoad ? { onLoad } : {})} />;
  }
  const isOpen = event.id === openId;
  return (
    <EventLine
      event={event}
      trailing={event.caller}
      copy={event.id}
      isOpen={isOpen}
      onOpen={() => onOpen(isOpen ? undefined : event.id)}
    />
  );
}
