import { Link } from "@tanstack/react-router";
import buttons from "../../parts/button.module.css";
import type { Episode } from "../../shapes.ts";
import { k } from "./capsules-messages.ts";
import { SaveButton } from "./save-button.tsx";

/** They lead elsewhere, and stand between buttons. */
const look = `${buttons["button"]} ${buttons["quiet"]}`;

/** What can be done with the record of an episode that has ended. */
export function RecordLinks({ episode: { id, title, status } }: { readonly episode: Episode }) {
  if (status === "running" || status === "waiting") return null;
  return (
    <>
      <Link to="/capsules/$id" params={{ id }} search={{ tab: "replay" }} className={look} preload="intent">
        {k("capsule.tab.replay")}
      </Link>
      <Link to="/capsules/$id" params={{ id }} search={{ tab: "what-if" }} className={look} preload="intent">
        {k("capsule.tab.whatif")}
      </Link>
      <Link to="/capsules/$id" params={{ id }} search={{ tab: "undo" }} className={look} preload="intent">
        {k("capsule.tab.undo")}
      </Link>
      <SaveButton episode={id} title={title} />
    </>
  );
}
