import { Link } from "@tanstack/react-router";
import { ClockIcon, ContrastIcon, QuoteIcon, RotateCwIcon, TriangleAlertIcon } from "lucide-react";
import { useState } from "react";
import { Button } from "../../parts/button.tsx";
import marks from "../../parts/marks.module.css";
import { useNeeds } from "../../shell/use-now.ts";
import { formatClock, formatExact } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import type { AnswerFeed, LiveAnswer } from "./answer-feed.ts";
import { KeptSteps, LiveParts } from "./answer-steps.tsx";
import { BranchSwitch } from "./branch-switch.tsx";
import type { Conversation, Message } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";
import { Citations } from "./citations.tsx";
import { Spent } from "./cost-line.tsx";
import { useLive } from "./use-feed.ts";
import { Words } from "./words.tsx";

interface AnswerItemProps {
  readonly message: Message;
  readonly conversation: Conversation;
  /** Of the newest answer alone; the others have ended. */
  readonly feed: AnswerFeed | null;
  readonly onRetry: () => void;
}

/** What an agent answered, what it did for it, where it has it from, and what it took. */
export function AnswerItem({ message, conversation, feed, onRetry }: AnswerItemProps) {
  const { agent = "", atMs, status } = message;
  const isOver = status !== "waiting" && status !== "running";
  return (
    <article
      className={styles["answer"]}
      data-thing="message"
      data-message={message.message}
      data-episode={message.message}
      data-copy={message.message}
      data-state={status}
      tabIndex={0}
    >
      <header className={styles["who"]}>
        <strong>{plainLine(agent)}</strong>
        <time dateTime={new Date(atMs).toISOString()} title={formatExact(atMs)}>
          {formatClock(atMs)}
        </time>
        <BranchSwitch message={message} />
      </header>
      {feed ? <Fed message={message} feed={feed} /> : <Kept message={message} />}
      {isOver ? <Foot message={message} conversation={conversation} onRetry={onRetry} /> : null}
    </article>
  );
}

function Fed({ message, feed }: { readonly message: Message; readonly feed: AnswerFeed }) {
  const live = useLive(feed);
  if (live === null || live.message !== message.message) return <Kept message={message} />;
  return <Coming message={message} live={live} />;
}

/** While it comes, in the order in which it comes; once it is over, the answer stands under what was done for it. */
function Coming({ message, live }: { readonly message: Message; readonly live: LiveAnswer }) {
  const isOver = message.status !== "waiting" && message.status !== "running";
  const parts = isOver ? live.parts.filter(({ kind }) => kind !== "text") : live.parts;
  return (
    <>
      <LiveParts episode={message.message} parts={parts} />
      {isOver ? <Text message={message} /> : <Standing message={message} isBroken={live.phase === "broken"} />}
    </>
  );
}

function Standing({ message, isBroken }: { readonly message: Message; readonly isBroken: boolean }) {
  const { approvals, questions } = useNeeds();
  const isAsking = [...approvals, ...questions].some(({ corrId }) => corrId === message.message);
  const word = isBroken ? "broken" : message.status === "waiting" ? "waiting" : isAsking ? "asks" : "running";
  const Icon = isAsking ? ClockIcon : ContrastIcon;
  return (
    <p className={`${marks["mark"]} ${marks[isBroken || isAsking ? "warn" : "info"]}`} role="status">
      <Icon size={14} aria-hidden className={isAsking ? undefined : marks["turning"]} />
      {c(`chat.status.${word}`)}
    </p>
  );
}

function Kept({ message }: { readonly message: Message }) {
  if (message.status === "waiting" || message.status === "running")
    return <Standing message={message} isBroken={false} />;
  return (
    <>
      <KeptSteps message={message} />
      <Text message={message} />
    </>
  );
}

function Text({ message }: { readonly message: Message }) {
  const { status, text, code, reason } = message;
  if (text !== "") return <Words text={text} />;
  if (status === "finished" || status === "waiting" || status === "running") return null;
  return (
    <div className={styles["fault"]} role="note">
      <p className={`${marks["mark"]} ${marks[status === "cancelled" ? "calm" : "bad"]}`}>
        <TriangleAlertIcon size={14} aria-hidden />
        {c(`chat.status.${status}`)}
      </p>
      {reason === undefined ? null : <p>{plainLine(reason)}</p>}
      {code === undefined ? null : <code>{plainLine(code)}</code>}
    </div>
  );
}

function Foot({ message, conversation, onRetry }: Omit<AnswerItemProps, "feed">) {
  const { isExtractive, citations, origins = [], notDone, status } = message;
  return (
    <>
      {isExtractive && status === "finished" ? (
        <p className={`${marks["mark"]} ${marks["calm"]}`}>
          <QuoteIcon size={14} aria-hidden />
          {c(origins.length > 0 ? "chat.answer.mixed" : "chat.answer.extractive")}
        </p>
      ) : null}
      <Citations citations={citations} conversation={conversation} />
      <Origins origins={origins} />
      <LeftOut notDone={notDone} />
      <footer className={styles["foot"]}>
        <Spent message={message} />
        <Link to="/episodes/$id" params={{ id: message.message }} className={styles["link"]} data-hotkey="Enter">
          {c("chat.answer.episode")}
        </Link>
        <Button look="quiet" icon={<RotateCwIcon size={14} aria-hidden />} onClick={onRetry}>
          {status === "finished" ? c("chat.answer.retry") : c("chat.answer.resume")}
        </Button>
      </footer>
    </>
  );
}

/** Cited files whose words are not the person's own. */
function Origins({ origins }: { readonly origins: NonNullable<Message["origins"]> }) {
  return origins.map(({ path, agent, episode, model, isChanged }) => (
    <p key={path} className={styles["quiet"]}>
      {c(originKey(model !== "none", isChanged), {
        path: plainLine(path),
        agent: plainLine(agent),
        model: plainLine(model),
      })}{" "}
      <Link to="/episodes/$id" params={{ id: episode }}>
        {c("chat.origin.open")}
      </Link>
    </p>
  ));
}

const originKey = (hasModel: boolean, isChanged: boolean) =>
  hasModel
    ? isChanged
      ? "chat.origin.both"
      : "chat.origin.model"
    : isChanged
      ? "chat.origin.changed"
      : "chat.origin.plain";

/** More than this is a list to unfold. */
const leftShownMax = 2;

function LeftOut({ notDone }: Pick<Message, "notDone">) {
  const [isWhole, setWhole] = useState(false);
  if (notDone.length === 0) return null;
  const shown = isWhole ? notDone : notDone.slice(0, leftShownMax);
  return (
    <div className={styles["quiet"]}>
      <p>{c("chat.answer.left")}</p>
      <ul className={styles["dots"]}>
        {shown.map((text) => (
          <li key={text}>{plainLine(text)}</li>
        ))}
      </ul>
      {shown.length < notDone.length ? (
        <Button look="quiet" onClick={() => setWhole(true)}>
          {c("chat.left.all", { count: notDone.length })}
        </Button>
      ) : null}
    </div>
  );
}
