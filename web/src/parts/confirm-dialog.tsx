import type { ReactNode } from "react";
import { t } from "../text/messages.ts";
import { Button } from "./button.tsx";
import styles from "./confirm-dialog.module.css";
import { Dialog } from "./dialog.tsx";
import { ErrorCard } from "./error-card.tsx";

export interface ConfirmDialogProps {
  readonly title: string;
  /** Verb and thing: what the press does. */
  readonly action: string;
  /** What happens instead. */
  readonly keep: string;
  readonly asking: { readonly isPending: boolean; readonly error: Error | null };
  readonly onConfirm: () => void;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Asks before what has no undo. The harmless answer comes first. */
export function ConfirmDialog({ title, action, keep, asking, onConfirm, onClose, children }: ConfirmDialogProps) {
  return (
    <Dialog label={title} onClose={onClose}>
      <form className={styles["confirm"]} onSubmit={(event) => (event.preventDefault(), onConfirm())}>
        <h2>{title}</h2>
        {children}
        {asking.error ? <ErrorCard title={t("error.card.title")} error={asking.error} /> : null}
        <div className={styles["actions"]}>
          <Button onClick={onClose}>{keep}</Button>
          <Button type="submit" look="danger" disabled={asking.isPending}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
