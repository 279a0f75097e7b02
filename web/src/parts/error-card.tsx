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
  const detail =
    fault?.status === 0 ? t("error.card.unreachable") : plainLine(fault?.message || fault?.title || String(error));
  return (
    <div className={styles["error"]} role="alert">
      <p className={styles["errorTitle"]}>
        <XIcon size={16} aria-hidden />
        {title ?? (fault?.title ? plainLine(fault.title) : t("error.card.title"))}
      </p>
      <p>{detail}</p>
      <div className={styles["actions"]}>
        {onRetry ? <Button onClick={onRetry}>{t("error.card.retry")}</Button> : null}
        {fault && fault.status > 0 ? (
          <CopyButton label={t("error.card.details")} text={`${fault.code} ${fault.status} ${fault.reference}`} />
        ) : null}
      </div>
    </div>
  );
}
