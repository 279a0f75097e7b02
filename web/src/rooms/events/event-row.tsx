import { memo } from "react";
import { FamilyMark } from "../../parts/marks.tsx";
import { formatClock, formatFraction } from "../../text/formats.ts";
import { familyOf } from "../../text/event-words.ts";
import { plainLine } from "../../text/plain.ts";
import styles from "./event-row.module.css";

export interface EventRowProps {
  readonly kind: string;
  readonly timeMs: number;
  readonly caller: string;
  readonly gist: string;
  /** Retention dropped its data; its place is kept. */
  readonly isTombstone?: boolean;
  readonly isOpen: boolean;
  readonly copy: string;
  readonly onOpen: () => void;
}

/** One line of the stream. Pressing it opens the event. */
export const EventRow = memo(function EventRow(props: EventRowProps) {
  const { kind, timeMs, caller, gist, isTombstone = false, isOpen, copy, onOpen } = props;
  return (
    <button
      type="button"
      className={styles["row"]}
      data-thing="event"
      data-copy={copy}
      aria-pressed={isOpen}
      onClick={onOpen}
    >
      <span className={styles["time"]}>
        {formatClock(timeMs)}
        <span className={styles["fraction"]}>{formatFraction(timeMs)}</span>
      </span>
      <FamilyMark family={familyOf(kind)} />
      <span className={styles["kind"]}>{plainLine(kind)}</span>
      <span className={isTombstone ? `${styles["gist"]} ${styles["tombstone"]}` : styles["gist"]}>{gist}</span>
      <span className={styles["caller"]}>{plainLine(caller)}</span>
    </button>
  );
});
