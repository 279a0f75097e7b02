import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useRowHeight } from "./use-row-height.ts";
import styles from "./virtual-rows.module.css";

export interface VirtualRowsProps {
  readonly label: string;
  readonly count: number;
  readonly keyOf: (index: number) => string;
  readonly renderRow: (index: number) => ReactNode;
  /** The row that takes the focus at first; the list then begins there. */
  readonly startAt?: number;
  /** Below the last row. */
  readonly children?: ReactNode;
}

const steps: Readonly<Record<string, number>> = {
  j: 1,
  ArrowDown: 1,
  k: -1,
  ArrowUp: -1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/** A list of which only the rows in sight are in the page. It moves the focus among its rows itself. */
export function VirtualRows({ label, count, keyOf, renderRow, startAt, children }: VirtualRowsProps) {
  const box = useRef<HTMLDivElement>(null);
  const rowHeight = useRowHeight();
  const [active, setActive] = useState({ index: startAt ?? -1 });
  const isOnTheWay = useRef(false);
  const rows = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    getItemKey: keyOf,
    initialOffset: (startAt ?? 0) * rowHeight,
    overscan: 12,
  });
  useEffect(() => {
    if (active.index < 0) return undefined;
    rows.scrollToIndex(active.index, { align: "auto" });
    isOnTheWay.current = true;
    const frame = requestAnimationFrame(() => {
      isOnTheWay.current = false;
      thingAt(box.current, active.index)?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
    // Only a move of the keyboard scrolls; new rows do not.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [active]);
  const move = (event: KeyboardEvent): void => {
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey || count === 0) return;
    // Keys may come faster than the page is drawn: each goes on from where the one before goes.
    const here = (isOnTheWay.current ? undefined : focusedIndex()) ?? active.index;
    event.preventDefault();
    setActive({ index: Math.max(0, Math.min(count - 1, here + step)) });
  };
  return (
    <div
      ref={box}
      className={styles["scrolled"]}
      role="group"
      aria-label={label}
      tabIndex={0}
      data-stream
      onKeyDown={move}
    >
      <div className={styles["whole"]} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((item) => (
          <div
            key={item.key}
            ref={rows.measureElement}
            data-index={item.index}
            className={styles["item"]}
            style={{ transform: `translateY(${item.start}px)` }}
          >
            {renderRow(item.index)}
          </div>
        ))}
      </div>
      {children}
    </div>
  );
}

const thingAt = (box: HTMLElement | null, index: number): HTMLElement | null | undefined =>
  box?.querySelector<HTMLElement>(`[data-index="${index}"] [data-thing]`);

/** Rows that are read into the list above it move the focused one, so its place is asked, not remembered. */
function focusedIndex(): number | undefined {
  const index = document.activeElement?.closest<HTMLElement>("[data-index]")?.dataset["index"];
  return index === undefined ? undefined : Number(index);
}
