import { getRouteApi } from "@tanstack/react-router";
import { ChevronLeftIcon, ChevronRightIcon } from "lucide-react";
import { IconButton } from "../../parts/button.tsx";
import type { Message } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";

const route = getRouteApi("/chat");

/** ‹ 2 of 3 ›: what was said or answered at the same place. Each version begins a branch of its own. */
export function BranchSwitch({ message: { conversation, message, siblings } }: { readonly message: Message }) {
  const navigate = route.useNavigate();
  const place = siblings.indexOf(message);
  if (siblings.length < 2) return null;
  const go = (to: string | undefined): void => {
    if (to !== undefined) void navigate({ search: { id: conversation, message: to }, replace: true });
  };
  return (
    <span role="group" aria-label={c("chat.branch.label")} className={styles["branch"]}>
      <IconButton
        label={c("chat.branch.before")}
        icon={<ChevronLeftIcon size={14} aria-hidden />}
        disabled={place === 0}
        onClick={() => go(siblings[place - 1])}
      />
      {c("chat.branch.place", { place: place + 1, count: siblings.length })}
      <IconButton
        label={c("chat.branch.after")}
        icon={<ChevronRightIcon size={14} aria-hidden />}
        disabled={place === siblings.length - 1}
        onClick={() => go(siblings[place + 1])}
      />
    </span>
  );
}
