import { useMutation } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useEffectEvent, useRef } from "react";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { useStillHere } from "../../parts/use-still-here.ts";
import { AnswerItem } from "./answer-item.tsx";
import { type Branch, chatApi, type Message } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";
import { Composer } from "./composer.tsx";
import { takeFirst } from "./draft.ts";
import { QuestionItem } from "./question-item.tsx";
import { talkerOf, useAgents } from "./use-agents.ts";
import { useFeed, useLive } from "./use-feed.ts";
import { useFollow } from "./use-follow.ts";

const route = getRouteApi("/chat");

type Said =
  | { readonly verb: "send"; readonly text: string; readonly attachments: readonly string[] }
  | { readonly verb: "edit"; readonly message: string; readonly text: string }
  | { readonly verb: "retry"; readonly message: string };

export const isUnderWay = ({ status }: Message): boolean => status === "waiting" || status === "running";

/** One branch of a conversation, and what can be said to it. */
export function ConversationView({ branch: { conversation, messages } }: { readonly branch: Branch }) {
  const id = conversation.conversation;
  const search = route.useSearch();
  const feed = useFeed(id);
  const { log, content, hasMore, onScroll, toEnd } = useFollow(search.message !== undefined);
  const agents = useAgents(conversation.project);
  const talker = talkerOf(agents, conversation.agent);
  const last = messages.at(-1);
  const say = useSay({ id, last, feed, onBegun: toEnd });
  useUnderWay(feed, last);
  useFirstWords(id, (text) => say.mutate({ verb: "send", text, attachments: [] }));
  useFoundMessage(search.message);
  return (
    <>
      <div
        ref={log}
        className={styles["log"]}
        onScroll={onScroll}
        tabIndex={0}
        role="region"
        aria-label={c("chat.log.label")}
      >
        <div ref={content} className={styles["messages"]}>
          {messages.length === 0 ? <p className={styles["quiet"]}>{c("chat.log.start")}</p> : null}
          {messages.map((message) =>
            message.role === "user" ? (
              <QuestionItem
                key={message.message}
                message={message}
                onEdit={(text) => say.mutateAsync({ verb: "edit", message: message.message, text })}
              />
            ) : (
              <AnswerItem
                key={message.message}
                message={message}
                conversation={conversation}
                feed={message === last ? feed : null}
                onRetry={() => say.mutate({ verb: "retry", message: message.message })}
              />
            ),
          )}
          {last?.role === "user" ? <Beginning feed={feed} /> : null}
        </div>
      </div>
      {hasMore ? (
        <div className={styles["newest"]}>
          <Button onClick={toEnd}>{c("chat.log.follow")}</Button>
        </div>
      ) : null}
      {say.isError ? <ErrorCard error={say.error} /> : null}
      <Composer
        key={id}
        conversation={conversation}
        talker={talker}
        messages={messages}
        isAnswering={last !== undefined && isUnderWay(last)}
        isSending={say.isPending}
        onSend={async (text, attachments) => {
          await say.mutateAsync({ verb: "send", text, attachments });
        }}
        onEditLast={() => editLast(log.current)}
      />
    </>
  );
}

/** Between what was said and the first sign of an answer. */
function Beginning({ feed }: { readonly feed: ReturnType<typeof useFeed> }) {
  const live = useLive(feed);
  return live?.phase === "beginning" ? (
    <p className={styles["quiet"]} role="status">
      {c("chat.status.beginning")}
    </p>
  ) : null;
}

interface Saying {
  readonly id: string;
  readonly last: Message | undefined;
  readonly feed: ReturnType<typeof useFeed>;
  readonly onBegun: () => void;
}

function useSay({ id, last, feed, onBegun }: Saying) {
  const navigate = route.useNavigate();
  const mark = useStillHere();
  return useMutation({
    onMutate: () => mark(),
    mutationFn: async (said: Said) => {
      const open = (signal: AbortSignal): Promise<Response> => {
        if (said.verb === "retry") return chatApi.retry(id, said.message, signal);
        if (said.verb === "edit")
          return chatApi.edit({ conversation: id, message: said.message, text: said.text }, signal);
        const attachments = said.attachments.length === 0 ? {} : { attachments: [...said.attachments] };
        // What is said follows the branch that is on screen, not the newest one.
        const parent = last?.role === "assistant" ? { parent: last.message } : {};
        return chatApi.send({ conversation: id, text: said.text, ...attachments, ...parent }, signal);
      };
      await feed.ask(open);
    },
    onSuccess: async (_answer, _said, isStillHere) => {
      if (!isStillHere()) return;
      onBegun();
      // What is new is on the newest branch.
      await navigate({ search: { id }, replace: true });
    },
  });
}

/** An answer that somebody else asked for, or that was asked for before a reload, is read along as well. */
function useUnderWay(feed: ReturnType<typeof useFeed>, last: Message | undefined): void {
  const open = last !== undefined && last.role === "assistant" && isUnderWay(last) ? last.message : null;
  useEffect(() => {
    const now = feed.now();
    if (open === null || now?.phase === "beginning" || now?.message === open) return;
    feed.follow(open);
  }, [feed, open]);
}

function useFirstWords(id: string, say: (text: string) => void): void {
  const sayNow = useEffectEvent(say);
  useEffect(() => {
    const text = takeFirst(id);
    if (text !== undefined) sayNow(text);
  }, [id]);
}

/** A message that a search found is brought into sight once. */
function useFoundMessage(message: string | undefined): void {
  const first = useRef(message);
  useEffect(() => {
    if (first.current === undefined) return;
    const found = document.querySelector(`main [data-message="${CSS.escape(first.current)}"]`);
    first.current = undefined;
    found?.scrollIntoView({ block: "center" });
  });
}

function editLast(log: HTMLElement | null): void {
  [...(log?.querySelectorAll<HTMLElement>("[data-edit]") ?? [])].at(-1)?.click();
}
