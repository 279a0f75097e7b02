import { useMutation } from "@tanstack/react-query";
import { ArrowUpIcon, PaperclipIcon, SquareIcon, XIcon } from "lucide-react";
import { type KeyboardEvent, type SubmitEvent, useId, useState } from "react";
import { Button, IconButton } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { plainLine } from "../../text/plain.ts";
import { chatApi, type Conversation, type Message } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";
import { ContextPanel } from "./context-panel.tsx";
import { CostBefore } from "./cost-line.tsx";
import { draftOf, keepDraft } from "./draft.ts";
import type { Talker } from "./use-agents.ts";

/** As the hub takes it. */
const textCharsMax = 20_000;
/** The field grows with its text as far as this. */
const rowsMax = 8;

export interface ComposerProps {
  readonly conversation: Conversation;
  readonly talker: Talker;
  /** What was said so far on this branch. */
  readonly messages: readonly Message[];
  /** An answer is under way: it can be stopped, and nothing is sent beside it. */
  readonly isAnswering: boolean;
  readonly isSending: boolean;
  readonly onSend: (text: string, attachments: readonly string[]) => Promise<void>;
  readonly onEditLast: () => void;
}

/** Where one writes. Its text is its own: whatever streams by above is not felt here. */
export function Composer(props: ComposerProps) {
  const { conversation, talker, messages, isAnswering, onEditLast } = props;
  const id = conversation.conversation;
  const { text, change, attached, setAttached, canSend, send } = useWriting(props);
  const [isContextOpen, setContextOpen] = useState(false);
  const helpId = useId();
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && text === "") {
      event.preventDefault();
      onEditLast();
    }
  };
  return (
    <form className={styles["composer"]} onSubmit={send}>
      {isContextOpen ? (
        <ContextPanel agent={talker.name} text={text} messages={messages} onClose={() => setContextOpen(false)} />
      ) : null}
      <Attachments conversation={conversation} attached={attached} onChange={setAttached} />
      <div className={styles["write"]}>
        <textarea
          className={styles["text"]}
          aria-label={c("chat.write.label")}
          aria-describedby={helpId}
          placeholder={c("chat.write.placeholder", { agent: plainLine(talker.name) })}
          rows={Math.min(rowsMax, text.split("\n").length)}
          maxLength={textCharsMax}
          value={text}
          onChange={(event) => change(event.target.value)}
          onKeyDown={onKeyDown}
        />
        {isAnswering ? (
          <StopButton conversation={id} />
        ) : (
          <Button type="submit" look="primary" disabled={!canSend} icon={<ArrowUpIcon size={14} aria-hidden />}>
            {c("chat.write.send")}
          </Button>
        )}
      </div>
      <div className={styles["foot"]}>
        <p id={helpId} className={styles["quiet"]}>
          {c("chat.write.help")}
        </p>
        <CostBefore talker={talker} text={text} />
        {talker.name.includes("@") && !isContextOpen ? (
          <Button look="quiet" onClick={() => setContextOpen(true)}>
            {c("chat.context.open")}
          </Button>
        ) : null}
      </div>
    </form>
  );
}

/** What is written and not sent yet; it stays where it is until the hub has taken it. */
function useWriting({ conversation, isAnswering, isSending, onSend }: ComposerProps) {
  const id = conversation.conversation;
  const [text, setText] = useState(() => draftOf(id));
  const [attached, setAttached] = useState<readonly string[]>([]);
  const change = (next: string): void => {
    setText(next);
    keepDraft(id, next);
  };
  const canSend = text.trim() !== "" && !isAnswering && !isSending;
  const sendNow = async (): Promise<void> => {
    try {
      await onSend(text, attached);
    } catch {
      // The refusal stands above; what was written stays.
      return;
    }
    // What was typed since is the next message.
    setText((now) => (now === text ? "" : now));
    if (draftOf(id) === text) keepDraft(id, "");
    setAttached((now) => now.filter((path) => !attached.includes(path)));
  };
  const send = (event?: SubmitEvent): void => {
    event?.preventDefault();
    if (canSend) void sendNow();
  };
  return { text, change, attached, setAttached, canSend, send };
}

function StopButton({ conversation }: { readonly conversation: string }) {
  const stop = useMutation({ mutationFn: () => chatApi.stop(conversation) });
  return (
    <>
      {stop.isError ? <ErrorCard error={stop.error} /> : null}
      <Button disabled={stop.isPending} icon={<SquareIcon size={14} aria-hidden />} onClick={() => stop.mutate()}>
        {c("chat.write.stop")}
      </Button>
    </>
  );
}

interface AttachmentsProps {
  readonly conversation: Conversation;
  readonly attached: readonly string[];
  readonly onChange: (paths: readonly string[]) => void;
}

/** Files of the conversation's folder that the agent shall look at, named by their paths. */
function Attachments({ conversation, attached, onChange }: AttachmentsProps) {
  const [path, setPath] = useState("");
  if ((conversation.folder ?? conversation.project) === undefined) return null;
  const add = (): void => {
    const next = path.trim();
    if (next !== "" && !attached.includes(next)) onChange([...attached, next]);
    setPath("");
  };
  return (
    <details className={styles["attach"]} open={attached.length > 0 || undefined}>
      <summary>
        <PaperclipIcon size={14} aria-hidden /> {c("chat.attach.open")}
      </summary>
      {attached.length > 0 ? (
        <ul className={styles["chips"]} aria-label={c("chat.attach.list")}>
          {attached.map((each) => (
            <li key={each} className={styles["chip"]}>
              <code>{plainLine(each)}</code>
              <IconButton
                label={c("chat.attach.remove", { path: plainLine(each) })}
                icon={<XIcon size={12} aria-hidden />}
                onClick={() => onChange(attached.filter((other) => other !== each))}
              />
            </li>
          ))}
        </ul>
      ) : null}
      <div className={styles["row2"]}>
        <Field
          label={c("chat.attach.path")}
          isLabelHidden
          placeholder={c("chat.attach.path")}
          value={path}
          onChange={(event) => setPath(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
        />
        <Button disabled={path.trim() === ""} onClick={add}>
          {c("chat.attach.add")}
        </Button>
      </div>
    </details>
  );
}
