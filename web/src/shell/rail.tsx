import { Link } from "@tanstack/react-router";
import { PanelLeftIcon } from "lucide-react";
import { IconButton } from "../parts/button.tsx";
import { t } from "../text/messages.ts";
import styles from "./rail.module.css";
import { type Room, rooms } from "./rooms.ts";
import { useNeeds } from "./use-now.ts";
import { useView } from "./view-state.ts";

const groups = ["work", "know", "steer", "system"] as const;

export function Rail() {
  const { isRailFolded, set } = useView();
  const waiting = useNeeds().count;
  return (
    <nav
      className={styles["rail"]}
      data-region="rail"
      tabIndex={-1}
      aria-label={t("shell.nav.label")}
      data-folded={isRailFolded || undefined}
    >
      {groups.map((group) => (
        <RoomGroup key={group} group={group} waiting={waiting} />
      ))}
      <div className={styles["fold"]}>
        <IconButton
          label={isRailFolded ? t("shell.rail.unfold") : t("shell.rail.fold")}
          icon={<PanelLeftIcon size={16} aria-hidden />}
          onClick={() => set({ isRailFolded: !isRailFolded })}
        />
      </div>
    </nav>
  );
}

function RoomGroup({ group, waiting }: { readonly group: Room["group"]; readonly waiting: number }) {
  const inGroup = rooms.filter((room) => room.group === group);
  return (
    <>
      <p className={styles["group"]}>{t(`shell.group.${group}`)}</p>
      <ul className={styles["rooms"]}>
        {inGroup.map(({ to, name, keys, Icon }) => (
          <li key={to}>
            <Link
              to={to}
              className={styles["room"]}
              activeOptions={{ exact: to === "/", includeSearch: false }}
              preload="intent"
              title={`${t(name)} (${keys})`}
              aria-keyshortcuts={keys}
            >
              <Icon size={16} aria-hidden />
              <span className={styles["name"]}>{t(name)}</span>
              {to === "/" && waiting > 0 ? (
                <span className={styles["badge"]}>
                  <span aria-hidden>{waiting}</span>
                  <span className="hidden-text">{t("shell.waiting.badge", { count: waiting })}</span>
                </span>
              ) : null}
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
