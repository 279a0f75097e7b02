import { useId, useState } from "react";
import { t } from "../text/messages.ts";
import { plain } from "../text/plain.ts";
import { Button } from "./button.tsx";
import styles from "./why-panel.module.css";

export interface Reason {
  readonly label: string;
  readonly value: string;
  readonly isCode?: boolean;
}

/** The reasons behind an answer or a refusal; `toggle` goes among the actions, `panel` under them. */
export function useWhy(reasons: readonly Reason[]) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const toggle = (
    <Button
      look="quiet"
      hotkey="w"
      aria-expanded={isOpen}
      aria-controls={isOpen ? id : undefined}
      onClick={() => setOpen(!isOpen)}
    >
      {t("why.panel.open")}
    </Button>
  );
  const panel = isOpen ? (
    <div id={id} role="group" aria-label={t("why.panel.label")} className={styles["panel"]}>
      <Reasons reasons={reasons} />
    </div>
  ) : null;
  return { toggle, panel };
}

export function Reasons({ reasons }: { readonly reasons: readonly Reason[] }) {
  return (
    <dl className={styles["list"]}>
      {reasons.map((reason) => (
        <div key={reason.label} className={styles["row"]}>
          <dt>{reason.label}</dt>
          <dd>{reason.isCode ? <code>{plain(reason.value)}</code> : plain(reason.value)}</dd>
        </div>
      ))}
    </dl>
  );
}
