import { Link, useLocation } from "@tanstack/react-router";
import { CircleHelpIcon, PanelRightIcon, SearchIcon, SunMoonIcon } from "lucide-react";
import type { ReactNode } from "react";
import { useHub } from "../hub-context.ts";
import { api } from "../api.ts";
import { Button, IconButton } from "../parts/button.tsx";
import { KeyHint } from "../parts/key-hint.tsx";
import { Segmented } from "../parts/segmented.tsx";
import { shortId } from "../text/formats.ts";
import { t } from "../text/messages.ts";
import { rooms } from "./rooms.ts";
import { StopButton } from "./stop.tsx";
import styles from "./top-bar.module.css";
import { densities, themes, useView } from "./view-state.ts";

export function TopBar() {
  const { isSidecarOpen, set } = useView();
  return (
    <header className={styles["top"]} data-region="top" tabIndex={-1} aria-label={t("shell.top.label")}>
      <Link to="/" className={styles["brand"]}>
        ARW
      </Link>
      <Crumbs />
      <Button
        className={styles["search"] ?? ""}
        icon={<SearchIcon size={14} aria-hidden />}
        aria-keyshortcuts="Control+K"
        onClick={() => set({ isPaletteOpen: true })}
      >
        <span className={styles["searchWord"]}>{t("shell.palette.open")}</span>
        <span className={styles["searchKeys"]}>
          <KeyHint keys="Ctrl K" isQuiet />
        </span>
      </Button>
      <StopButton />
      <LookMenu />
      <IconButton
        label={isSidecarOpen ? t("sidecar.toggle.close") : t("sidecar.toggle.open")}
        icon={<PanelRightIcon size={16} aria-hidden />}
        aria-expanded={isSidecarOpen}
        onClick={() => set({ isSidecarOpen: !isSidecarOpen })}
      />
      <IconButton
        label={t("shell.help.open")}
        icon={<CircleHelpIcon size={16} aria-hidden />}
        aria-keyshortcuts="?"
        onClick={() => set({ isHelpOpen: true })}
      />
    </header>
  );
}

function Crumbs() {
  const path = useLocation({ select: (location) => location.pathname });
  const room = rooms.find(({ to }) => to !== "/" && path.startsWith(to));
  const id = /^\/(?:episodes|capsules)\/([^/]+)/u.exec(path)?.[1];
  return (
    <p className={styles["crumbs"]}>
      {room ? <Link to={room.to}>{t(room.name)}</Link> : null}
      {id ? (
        <>
          <span aria-hidden>/</span>
          <code>{shortId(decodeURIComponent(id))}</code>
        </>
      ) : null}
    </p>
  );
}

/** A native popover: the browser closes it on Escape and on a press beside it, and gives the focus back. */
function LookMenu() {
  const { theme, density, hasSingleKeys, set } = useView();
  return (
    <>
      <button
        type="button"
        popoverTarget="look"
        className={styles["look"]}
        aria-label={t("shell.look.open")}
        title={t("shell.look.open")}
      >
        <SunMoonIcon size={16} aria-hidden />
      </button>
      <div id="look" popover="auto" className={styles["menu"]} role="group" aria-label={t("shell.look.open")}>
        <Choice label={t("look.theme.label")}>
          <Segmented
            label={t("look.theme.label")}
            value={theme}
            onChange={(value) => set({ theme: value })}
            options={themes.map((value) => ({ value, label: t(`look.theme.${value}`) }))}
          />
        </Choice>
        <Choice label={t("look.density.label")}>
          <Segmented
            label={t("look.density.label")}
            value={density}
            onChange={(value) => set({ density: value })}
            options={densities.map((value) => ({ value, label: t(`look.density.${value}`) }))}
          />
        </Choice>
        <Choice label={t("look.keys.label")}>
          <Segmented
            label={t("look.keys.label")}
            value={hasSingleKeys ? "on" : "off"}
            onChange={(value) => set({ hasSingleKeys: value === "on" })}
            options={[
              { value: "on", label: t("look.keys.on") },
              { value: "off", label: t("look.keys.off") },
            ]}
          />
        </Choice>
        <SignOut />
      </div>
    </>
  );
}

function Choice({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div className={styles["choice"]}>
      <span aria-hidden>{label}</span>
      {children}
    </div>
  );
}

function SignOut() {
  const signOut = useSignOut();
  return <Button onClick={() => void signOut()}>{t("look.account.signout")}</Button>;
}

export function useSignOut(): () => Promise<void> {
  const { client } = useHub();
  const set = useView((view) => view.set);
  return async () => {
    await api.signOut();
    set({ isLocked: true });
    client.clear();
  };
}
