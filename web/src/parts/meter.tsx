import styles from "./meter.module.css";

/** How full something is, as a small bar. The number stands beside it, so that the bar may stay calm. */
export function Meter({ value, max, label }: { readonly value: number; readonly max: number; readonly label: string }) {
  const share = max > 0 ? Math.min(1, value / max) : 0;
  return (
    <span
      role="meter"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={0}
      aria-valuemax={Math.max(max, value)}
      className={styles["meter"]}
    >
      <span className={styles["filled"]} style={{ inlineSize: `${share * 100}%` }} />
    </span>
  );
}
