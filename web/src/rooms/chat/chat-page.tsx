import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { RoomHeader } from "../../shell/room-header.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { chatApi } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";
import { ConversationActions } from "./conversation-actions.tsx";
import { ConversationList } from "./conversation-list.tsx";
import { ConversationView } from "./conversation-view.tsx";
import { FirstConversation, NewConversationDialog } from "./new-conversation.tsx";

const route = getRouteApi("/chat");

/** Talk with an agent: conversations at the side, one of them open. */
export function ChatPage() {
  const { id, message } = route.useSearch();
  const [isBeginning, setBeginning] = useState(false);
  return (
    <div className={styles["room"]} data-open={id !== undefined || undefined}>
      <ConversationList openId={id} onNew={() => setBeginning(true)} />
      {id === undefined ? (
        <div className={styles["talk"]}>
          <RoomHeader title={c("chat.title.text")} />
          <div className={styles["empty"]}>
            <FirstConversation />
          </div>
        </div>
      ) : (
        <OpenConversation key={id} id={id} message={message} />
      )}
      {isBeginning ? <NewConversationDialog onClose={() => setBeginning(false)} /> : null}
    </div>
  );
}

function OpenConversation({ id, message }: { readonly id: string; readonly message: string | undefined }) {
  const shown = useQuery({
    queryKey: [...keys.chat, "show", id, message ?? ""],
    queryFn: ({ signal }) => chatApi.show(id, message, signal),
    // A branch that is shown stays until the other one is there.
    placeholderData: (former) => former,
  });
  const branch = shown.data;
  return (
    <div className={styles["talk"]}>
      <Link to="/chat" search={{}} className={styles["back"]}>
        {c("chat.list.back")}
      </Link>
      <RoomHeader title={branch ? plainLine(branch.conversation.title) || c("chat.new.title") : c("chat.title.text")}>
        {branch ? <ConversationActions conversation={branch.conversation} message={message} /> : null}
      </RoomHeader>
      {shown.isError ? <ErrorCard error={shown.error} onRetry={() => void shown.refetch()} /> : null}
      {shown.isPending ? <Skeleton rows={5} /> : null}
      {branch ? <ConversationView branch={branch} /> : null}
    </div>
  );
}
