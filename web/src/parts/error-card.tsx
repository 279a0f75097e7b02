import { XIcon } from "lucide-react";
import { ApiFault } from "../api.ts";
import { t } from "../text/messages.ts";
import { plainLine } from "../text/plain.ts";
import { Button } from "./button.tsx";
import styles from "./cards.module.css";
import { CopyButton } from "./copy-button.tsx";

/** What failed, what to do, and an id to ask with. Holds no secret. */
export function ErrorCard({
  error,
  title,
  onRetry,
}: {
  readonly error: unknown;
  readonly title?: string;
  readonly onRetry?: () => void;
}) {
  const fault = error instanceof ApiFault ? error : undefined;
  const detail = fault?.status === 0 ? t("error.card.unreachable") : firstLine(fault, error);
  return (
    <div className={styles["error"]} role="alert">
      <p className={styles["errorTitle"]}>
        <XIcon size={16} aria-hidden />
        {title ?? (fault?.title ? plainLine(fault.title) : t("error.card.title"))}
      </p>
      <p>{detail}</p>
      {fault && fault.faults.length > 0 ? (
        <ul className={styles["faults"]}>
          {fault.faults.map(({ at, message }) => (
            <li key={`${at} ${message}`}>
              {at === "" ? null : <code>{plainLine(at)}</code>} {plainLine(message)}
            </li>
          ))}
        </ul>
      ) : null}
      {fault?.next ? <p>{t("error.card.next", { next: plainLine(fault.next) })}</p> : null}
      <div className={styles["actions"]}>
        {onRetry ? <Button onClick={onRetry}>{t("error.card.retry")}</Button> : null}
        {fault && fault.status > 0 ? (
          <CopyButton label={t("error.card.details")} text={`${fault.code} ${fault.status} ${fault.reference}`} />
        ) : null}
      </div>
    </div>
  );
}

/** Faults that are listed one by one are not told a second time above their list. */
function firstLine(fault: ApiFault | undefined, error: unknown): string {
  const text = fault?.message || fault?.title || String(error);
  return plainLine(fault && fault.faults.length > 0 ? (text.split("\n")[0] ?? "") : text);
}
