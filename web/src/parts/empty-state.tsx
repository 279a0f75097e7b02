import type { ReactNode } from "react";
import styles from "./cards.module.css";

/** One line of what will be here, one of why it matters, one action. */
export function EmptyState({
  line,
  why,
  children,
}: {
  readonly line: string;
  readonly why?: string;
  readonly children?: ReactNode;
}) {
  return (
    <div className={styles["empty"]}>
      <p className={styles["emptyLine"]}>{line}</p>
      {why ? <p>{why}</p> : null}
      {children ? <div className={styles["actions"]}>{children}</div> : null}
    </div>
  );
}
