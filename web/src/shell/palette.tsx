import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { useState } from "react";
import { api } from "../api.ts";
import { Dialog } from "../parts/dialog.tsx";
import { KeyHint } from "../parts/key-hint.tsx";
import { StatusMark } from "../parts/marks.tsx";
import { useStartScout } from "../rooms/home/use-start.ts";
import { keys } from "../stream/refresh.ts";
import { t } from "../text/messages.ts";
import { plainLine } from "../text/plain.ts";
import styles from "./palette.module.css";
import { rooms } from "./rooms.ts";
import { useSignOut } from "./top-bar.tsx";
import { useHalt, useRelease } from "./use-halt.ts";
import { densities, shownTheme, useView } from "./view-state.ts";

/** Rooms, episodes and actions by name. `>` narrows to actions, `#` to episodes. */
export function Palette() {
  const set = useView((view) => view.set);
  const [text, setText] = useState("");
  const close = (): void => set({ isPaletteOpen: false });
  const scope = text.startsWith(">") ? "actions" : text.startsWith("#") ? "episodes" : "all";
  const sought = scope === "all" ? text : text.slice(1);
  return (
    <Dialog label={t("palette.dialog.label")} onClose={close}>
      <Command
        label={t("palette.dialog.label")}
        className={styles["palette"]}
        loop
        filter={(value, _search, words) => matches(`${value} ${(words ?? []).join(" ")}`, sought)}
      >
        <Command.Input
          data-first
          value={text}
          onValueChange={setText}
          placeholder={t("palette.input.placeholder")}
          className={styles["input"]}
        />
        <Command.List className={styles["list"]} label={t("palette.dialog.label")}>
          <Command.Empty className={styles["empty"]}>{t("palette.empty.text")}</Command.Empty>
          {scope === "all" ? <Rooms onDone={close} /> : null}
          {scope === "episodes" ? null : <Actions onDone={close} />}
          {scope === "actions" ? null : <Episodes onDone={close} />}
        </Command.List>
      </Command>
    </Dialog>
  );
}

/** Every word that was typed must occur, in any order. */
function matches(text: string, sought: string): number {
  const lower = text.toLowerCase();
  return sought
    .toLowerCase()
    .split(/\s+/u)
    .every((word) => lower.includes(word))
    ? 1
    : 0;
}

interface GroupProps {
  readonly onDone: () => void;
}

function Rooms({ onDone }: GroupProps) {
  const navigate = useNavigate();
  return (
    <Command.Group heading={t("palette.group.rooms")} className={styles["group"]}>
      {rooms.map(({ to, name, keys: hint, Icon }) => (
        <Command.Item
          key={to}
          value={t(name)}
          className={styles["item"]}
          onSelect={() => (onDone(), void navigate({ to }))}
        >
          <Icon size={16} aria-hidden />
          <span className={styles["name"]}>{t(name)}</span>
          <KeyHint keys={hint} isQuiet />
        </Command.Item>
      ))}
    </Command.Group>
  );
}

function Actions({ onDone }: GroupProps) {
  const navigate = useNavigate();
  const start = useStartScout();
  const signOut = useSignOut();
  const { theme, density, isSidecarOpen, set } = useView();
  const release = useRelease();
  const isHalted = useHalt() !== null;
  const actions: readonly (readonly [string, () => void])[] = [
    [t("palette.action.scout"), () => start.mutate()],
    isHalted
      ? [t("palette.action.release"), () => release.mutate()]
      : [t("palette.action.stop"), () => set({ isStopAsked: true })],
    [t("palette.action.leases"), () => void navigate({ to: "/policy", search: { view: "leases" } })],
    [t("palette.action.approvals"), () => void navigate({ to: "/policy", search: { view: "approvals" } })],
    [t("palette.action.tester"), () => void navigate({ to: "/policy", search: { view: "tester" } })],
    [t("palette.action.theme"), () => set({ theme: shownTheme(theme) === "dark" ? "light" : "dark" })],
    [
      t("palette.action.density"),
      () => set({ density: densities[(densities.indexOf(density) + 1) % densities.length] ?? "regular" }),
    ],
    [t("palette.action.sidecar"), () => set({ isSidecarOpen: !isSidecarOpen })],
    [t("palette.action.keys"), () => set({ isHelpOpen: true })],
    [t("palette.action.guide"), () => (set({ isGuideShown: true }), void navigate({ to: "/" }))],
    [t("palette.action.signout"), () => void signOut()],
  ];
  return (
    <Command.Group heading={t("palette.group.actions")} className={styles["group"]}>
      {actions.map(([name, run]) => (
        <Command.Item key={name} value={name} className={styles["item"]} onSelect={() => (onDone(), run())}>
          <span className={styles["name"]}>{name}</span>
        </Command.Item>
      ))}
    </Command.Group>
  );
}

function Episodes({ onDone }: GroupProps) {
  const navigate = useNavigate();
  const page = useQuery({ queryKey: [...keys.episodes, "recent"], queryFn: ({ signal }) => api.episodes({}, signal) });
  const episodes = page.data?.items ?? [];
  if (episodes.length === 0) return null;
  return (
    <Command.Group heading={t("palette.group.episodes")} className={styles["group"]}>
      {episodes.map(({ id, title, status, folder }) => (
        <Command.Item
          key={id}
          value={id}
          keywords={[title, folder ?? ""]}
          className={styles["item"]}
          onSelect={() => (onDone(), void navigate({ to: "/episodes/$id", params: { id } }))}
        >
          <span className={styles["name"]}>{plainLine(title)}</span>
          <StatusMark status={status} />
        </Command.Item>
      ))}
    </Command.Group>
  );
}
