import { OctagonXIcon, PlayIcon } from "lucide-react";
import { useState } from "react";
import { Button } from "../parts/button.tsx";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { Field } from "../parts/field.tsx";
import { When } from "../parts/when.tsx";
import { t } from "../text/messages.ts";
import { plainLine } from "../text/plain.ts";
import styles from "./stop.module.css";
import { useHalt, useRelease, useStopAll } from "./use-halt.ts";
import { useView } from "./view-state.ts";

const releaseId = "halt-release";
const reasonLengthMax = 500;

/** In reach from every room. While everything is stopped it leads to the way out. */
export function StopButton() {
  const set = useView((view) => view.set);
  const isHalted = useHalt() !== null;
  const press = (): void => (isHalted ? document.getElementById(releaseId)?.focus() : set({ isStopAsked: true }));
  return (
    <Button
      className={styles["stop"] ?? ""}
      look="danger"
      icon={<OctagonXIcon size={16} aria-hidden />}
      title={t(isHalted ? "stop.button.halted" : "stop.button.open")}
      onClick={press}
    >
      <span className={styles["word"]}>{t(isHalted ? "stop.button.halted" : "stop.button.open")}</span>
    </Button>
  );
}

/** Asks once. The reason is optional: whoever is in a hurry presses Enter. */
export function StopDialog() {
  const set = useView((view) => view.set);
  const stop = useStopAll();
  const [reason, setReason] = useState("");
  const close = (): void => set({ isStopAsked: false });
  return (
    <ConfirmDialog
      title={t("stop.dialog.title")}
      action={t("stop.dialog.confirm")}
      keep={t("stop.dialog.cancel")}
      asking={stop}
      onConfirm={() => stop.mutate(reason.trim(), { onSuccess: close })}
      onClose={close}
    >
      <p>{t("stop.dialog.body")}</p>
      <Field
        label={t("stop.dialog.reason")}
        maxLength={reasonLengthMax}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
    </ConfirmDialog>
  );
}

/** Stands above every room for as long as everything is stopped. */
export function HaltBanner() {
  const halt = useHalt();
  const release = useRelease();
  if (!halt) return null;
  return (
    <section className={styles["banner"]} data-region="halt" tabIndex={-1} aria-label={t("stop.banner.label")}>
      <p>
        <strong>
          <OctagonXIcon size={16} aria-hidden /> {t("stop.banner.title")}
        </strong>{" "}
        {t("stop.banner.by", { caller: plainLine(halt.by) })} <When timeMs={halt.changedAtMs} />
        {halt.reason ? <q className={styles["reason"]}>{plainLine(halt.reason)}</q> : null}
      </p>
      {release.isError ? (
        <p className={styles["failed"]} role="alert">
          {t("stop.banner.failed", { reason: plainLine(release.error.message) || t("error.card.unreachable") })}
        </p>
      ) : null}
      <Button
        id={releaseId}
        icon={<PlayIcon size={14} aria-hidden />}
        disabled={release.isPending}
        onClick={() => release.mutate()}
      >
        {t("stop.banner.release")}
      </Button>
    </section>
  );
}
