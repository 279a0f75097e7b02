import { Outlet, useNavigate } from "@tanstack/react-router";
import { useLayoutEffect } from "react";
import { useNow, useStream } from "../hub-context.ts";
import { listenToKeys } from "../keys/global-keys.ts";
import { KeysDialog } from "../keys/keys-dialog.tsx";
import { SigninPage } from "../rooms/signin/signin-page.tsx";
import { t } from "../text/messages.ts";
import { Announcer } from "./announcer.tsx";
import { Palette } from "./palette.tsx";
import { Rail } from "./rail.tsx";
import styles from "./shell.module.css";
import { Sidecar } from "./sidecar.tsx";
import { StatusBar } from "./status-bar.tsx";
import { HaltBanner, StopDialog } from "./stop.tsx";
import { TopBar } from "./top-bar.tsx";
import { useView } from "./view-state.ts";

export function Shell({ wasLinkRefused }: { readonly wasLinkRefused: boolean }) {
  const { isLocked, isRailFolded, isSidecarOpen, isPaletteOpen, isHelpOpen, isStopAsked } = useView();
  const navigate = useNavigate();
  // Keys work from the moment at which the page can be seen.
  useLayoutEffect(() => listenToKeys({ go: (to) => void navigate({ to }) }), [navigate]);
  if (isLocked) {
    return (
      <main className={styles["locked"]} data-region="main" tabIndex={-1}>
        <SigninPage wasLinkRefused={wasLinkRefused} />
      </main>
    );
  }
  return (
    <div className={styles["shell"]} data-folded={isRailFolded || undefined} data-sidecar={isSidecarOpen || undefined}>
      <a className={styles["skip"]} href="#canvas" onClick={skipToCanvas}>
        {t("shell.skip.link")}
      </a>
      <TopBar />
      <HaltBanner />
      <Rail />
      <main id="canvas" className={styles["canvas"]} data-region="main" tabIndex={-1}>
        <OfflineCard />
        <Outlet />
      </main>
      {isSidecarOpen ? <Sidecar /> : null}
      <StatusBar />
      {isPaletteOpen ? <Palette /> : null}
      {isHelpOpen ? <KeysDialog /> : null}
      {isStopAsked ? <StopDialog /> : null}
      <Announcer />
    </div>
  );
}

/** The address holds the room, so a jump inside the page must not change it. */
function skipToCanvas(event: { preventDefault(): void }): void {
  event.preventDefault();
  document.getElementById("canvas")?.focus();
}

/** A restart takes less; after this the hub is not coming back by itself. */
const offlineMs = 6_000;

function OfflineCard() {
  const status = useStream().status();
  const now = useNow();
  if (status.phase !== "reconnecting" || now - status.sinceMs < offlineMs) return null;
  return (
    <div className={styles["offline"]} role="status">
      <strong>{t("shell.offline.title")}</strong> {t("shell.offline.body", { command: "npm start" })}
    </div>
  );
}
