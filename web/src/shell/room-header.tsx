import { type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
import { t } from "../text/messages.ts";
import styles from "./room-header.module.css";

/** The one h1 of a room, its filters and its actions. A change of room moves the focus here. */
export function RoomHeader({
  title,
  status,
  children,
}: {
  readonly title: string;
  readonly status?: ReactNode;
  readonly children?: ReactNode;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = t("shell.title.page", { room: title });
  }, [title]);
  // Together with what it shows: a moment later it would take the focus from whoever has moved it on.
  useLayoutEffect(() => {
    // Someone who is already inside the room, in a field or on a row, stays there.
    if (!document.activeElement?.closest("main > *")) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <header className={styles["header"]}>
      <div className={styles["title"]}>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {status}
      </div>
      {children ? <div className={styles["tools"]}>{children}</div> : null}
    </header>
  );
}
