import { PaperclipIcon, PencilIcon } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { AreaField } from "../../parts/area-field.tsx";
import { Button, IconButton } from "../../parts/button.tsx";
import { formatClock, formatExact } from "../../text/formats.ts";
import { plain, plainLine } from "../../text/plain.ts";
import { BranchSwitch } from "./branch-switch.tsx";
import type { Message } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import styles from "./chat-page.module.css";

interface QuestionItemProps {
  readonly message: Message;
  readonly onEdit: (text: string) => Promise<unknown>;
}

/** What a person said, with the files that go with it; it can be said again in other words. */
export function QuestionItem({ message, onEdit }: QuestionItemProps) {
  const [isEdited, setEdited] = useState(false);
  const { text, attachments, atMs } = message;
  return (
    <article className={styles["question"]} data-thing="message" data-message={message.message} tabIndex={0}>
      <header className={styles["who"]}>
        <strong>{c("chat.who.you")}</strong>
        <time dateTime={new Date(atMs).toISOString()} title={formatExact(atMs)}>
          {formatClock(atMs)}
        </time>
        <BranchSwitch message={message} />
        {isEdited ? null : (
          <IconButton
            label={c("chat.edit.action")}
            icon={<PencilIcon size={14} aria-hidden />}
            hotkey="e"
            data-hotkey="e"
            data-edit
            onClick={() => setEdited(true)}
          />
        )}
      </header>
      {isEdited ? (
        <EditForm text={text} onEdit={onEdit} onClose={() => setEdited(false)} />
      ) : (
        <p className={styles["said"]}>{plain(text)}</p>
      )}
      {attachments.length > 0 ? (
        <ul className={styles["chips"]} aria-label={c("chat.attach.list")}>
          {attachments.map(({ path }) => (
            <li key={path} className={styles["chip"]}>
              <PaperclipIcon size={12} aria-hidden />
              <code>{plainLine(path)}</code>
            </li>
          ))}
        </ul>
      ) : null}
    </article>
  );
}

interface EditFormProps extends Pick<QuestionItemProps, "onEdit"> {
  readonly text: string;
  readonly onClose: () => void;
}

function EditForm({ text, onEdit, onClose }: EditFormProps) {
  const [draft, setDraft] = useState(text);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (draft.trim() !== "") onEdit(draft).then(onClose, () => {});
  };
  return (
    <form className={styles["edit"]} onSubmit={submit}>
      <AreaField
        label={c("chat.edit.label")}
        autoFocus
        rows={3}
        value={draft}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          onClose();
        }}
      />
      <div className={styles["row2"]}>
        <Button type="submit" look="primary" disabled={draft.trim() === ""}>
          {c("chat.edit.send")}
        </Button>
        <Button onClick={onClose}>{c("chat.edit.cancel")}</Button>
      </div>
    </form>
  );
}
