import { TriangleAlertIcon } from "lucide-react";
import { Button } from "../../parts/button.tsx";
import marks from "../../parts/marks.module.css";
import { Meter } from "../../parts/meter.tsx";
import { plainLine } from "../../text/plain.ts";
import { amountText } from "./amount-text.ts";
import { Left } from "./left.tsx";
import type { Allowance } from "../../shapes.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

/** Where nobody set a soft limit. */
const softPercentUsual = 80;

/** How much of a ceiling is used, and what happens before it is reached. */
export function AllowanceItem({
  allowance,
  onRemove,
}: {
  readonly allowance: Allowance;
  readonly onRemove: () => void;
}) {
  const { allowanceId, text, unit, limit, used, left, resetsAtMs, createdBy, window, isNear } = allowance;
  const name = plainLine(text);
  const amount = (value: number): string => amountText(unit, value);
  return (
    <li data-thing="allowance" data-copy={allowanceId} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{name}</span>
        {isNear ? <Near /> : null}
        <span className={styles["quiet"]}>{p("budgets.row.by", { caller: plainLine(createdBy) })}</span>
        <span className={styles["source"]}>
          <Button look="quiet" aria-label={p("budgets.row.label", { text: name })} onClick={onRemove}>
            {p("budgets.row.remove")}
          </Button>
        </span>
      </div>
      {window === "run" ? (
        <p className={styles["figures"]}>{p("budgets.row.run", { limit: amount(limit) })}</p>
      ) : (
        <>
          <Meter value={used} max={limit} label={p("budgets.row.used", { used: amount(used), limit: amount(limit) })} />
          <p className={styles["figures"]}>
            <span>{p("budgets.row.used", { used: amount(used), limit: amount(limit) })}</span>
            <span>{p("budgets.row.left", { left: amount(left) })}</span>
            {resetsAtMs === null ? null : (
              <span>
                {p("budgets.row.resets")} <Left untilMs={resetsAtMs} />
              </span>
            )}
          </p>
        </>
      )}
      <p className={styles["figures"]}>
        <span>{softText(allowance)}</span>
        {allowance.unknown === "allow" ? <span>{p("budgets.row.unknown")}</span> : null}
      </p>
    </li>
  );
}

const Near = () => (
  <span className={`${marks["mark"]} ${marks["warn"]}`}>
    <TriangleAlertIcon size={14} aria-hidden />
    {p("budgets.row.near")}
  </span>
);

const softText = ({ softPercent = softPercentUsual, over = "warn" }: Allowance): string =>
  p(`budgets.soft.${over}`, { percent: softPercent });
