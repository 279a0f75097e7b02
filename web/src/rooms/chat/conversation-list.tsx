import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { PlusIcon } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { When } from "../../parts/when.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { chatApi } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";

/** All conversations, newest first, or those in which something was said. */
export function ConversationList({
  openId,
  onNew,
}: {
  readonly openId: string | undefined;
  readonly onNew: () => void;
}) {
  const [sought, setSought] = useState("");
  const words = useDeferredValue(sought.trim());
  return (
    <section className={styles["list"]} aria-label={c("chat.list.label")}>
      <Button icon={<PlusIcon size={14} aria-hidden />} onClick={onNew}>
        {c("chat.new.action")}
      </Button>
      <Field
        label={c("chat.list.search")}
        isLabelHidden
        placeholder={c("chat.list.search")}
        type="search"
        maxLength={200}
        data-filter
        value={sought}
        onChange={(event) => setSought(event.target.value)}
      />
      {words === "" ? <All openId={openId} /> : <Found words={words} openId={openId} />}
    </section>
  );
}

function All({ openId }: { readonly openId: string | undefined }) {
  const list = useQuery({ queryKey: [...keys.chat, "list"], queryFn: ({ signal }) => chatApi.list(signal) });
  if (list.isError) return <ErrorCard error={list.error} onRetry={() => void list.refetch()} />;
  if (!list.data) return <Skeleton rows={4} />;
  if (list.data.conversations.length === 0) return <p className={styles["quiet"]}>{c("chat.list.empty")}</p>;
  return (
    <ul className={styles["rows"]} aria-label={c("chat.list.label")}>
      {list.data.conversations.map(({ conversation, title, project, folder, lastAtMs, messages }) => (
        <li key={conversation}>
          <Row id={conversation} title={title || c("chat.new.title")} isOpen={conversation === openId}>
            <span>
              {project ??
                plainLine(folder ?? "")
                  .split("/")
                  .at(-1)}
            </span>
            <span>
              {c("chat.list.count", { count: messages })}, <When timeMs={lastAtMs} />
            </span>
          </Row>
        </li>
      ))}
    </ul>
  );
}

interface RowProps {
  readonly id: string;
  readonly message?: string;
  readonly title: string;
  readonly isOpen: boolean;
  readonly children: React.ReactNode;
}

function Row({ id, message, title, isOpen, children }: RowProps) {
  return (
    <Link
      to="/chat"
      search={message === undefined ? { id } : { id, message }}
      className={styles["row"]}
      data-thing="conversation"
      data-copy={id}
      aria-current={isOpen ? "true" : undefined}
    >
      <strong>{plainLine(title)}</strong>
      <span className={styles["quiet"]}>{children}</span>
    </Link>
  );
}

function Found({ words, openId }: { readonly words: string; readonly openId: string | undefined }) {
  const search = useQuery({
    queryKey: [...keys.chat, "search", words],
    queryFn: ({ signal }) => chatApi.search(words, signal),
    placeholderData: (former) => former,
  });
  if (search.isError) return <ErrorCard error={search.error} onRetry={() => void search.refetch()} />;
  if (!search.data) return <Skeleton rows={3} />;
  if (search.data.found.length === 0) return <p className={styles["quiet"]}>{c("chat.list.none")}</p>;
  return (
    <ul className={styles["rows"]} aria-label={c("chat.list.search")}>
      {search.data.found.map(({ conversation, message, title, excerpt }) => (
        <li key={`${conversation} ${message}`}>
          <Row id={conversation} message={message} title={title} isOpen={conversation === openId}>
            {plainLine(excerpt)}
          </Row>
        </li>
      ))}
    </ul>
  );
}
