import { useEffect, useState } from "react";
import { Button } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy-button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { plainLine } from "../../text/plain.ts";
import type { MadeToken } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

/** Long enough to be typed over, short enough to be forgotten on a screen that others see. */
const shownMs = 10_000;

/** The text of a new token, this once: to be copied, and read only while it is asked for. */
export function MadeTokenDialog({ made, onClose }: { readonly made: MadeToken; readonly onClose: () => void }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (!isShown) return undefined;
    const timer = setTimeout(() => setShown(false), shownMs);
    return () => clearTimeout(timer);
  }, [isShown]);
  const title = p("tokens.made.title", { name: plainLine(made.name) });
  return (
    <Dialog label={title} onClose={onClose}>
      <div className={styles["form"]}>
        <h2>{title}</h2>
        <p>{p("tokens.made.body")}</p>
        <p className={styles["secret"]}>
          {isShown ? <code>{made.token}</code> : <span className={styles["quiet"]}>{p("tokens.made.hidden")}</span>}
        </p>
        <div className={styles["actions"]}>
          <CopyButton label={p("tokens.made.copy")} text={made.token} />
          <Button look="quiet" disabled={isShown} onClick={() => setShown(true)}>
            {p("tokens.made.show")}
          </Button>
          <Button look="primary" onClick={onClose}>
            {p("tokens.made.done")}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
