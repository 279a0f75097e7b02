import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { DownloadIcon, PencilIcon, Trash2Icon } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button, IconButton } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import styles from "../../parts/page.module.css";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { chatApi, type Conversation } from "./chat-api.ts";
import { c } from "./chat-messages.ts";

interface ActionsProps {
  readonly conversation: Conversation;
  /** Of the branch that is on screen. */
  readonly message: string | undefined;
}

/** What can be done with a whole conversation. */
export function ConversationActions({ conversation, message }: ActionsProps) {
  const [asked, setAsked] = useState<"rename" | "delete" | null>(null);
  const give = useMutation({
    mutationFn: () => chatApi.export(conversation.conversation, "md", message),
    onSuccess: ({ name, media, text }) => saveFile(name, new Blob([text], { type: media })),
  });
  const close = (): void => setAsked(null);
  return (
    <>
      {give.isError ? <ErrorCard error={give.error} /> : null}
      <IconButton
        label={c("chat.more.rename")}
        icon={<PencilIcon size={16} aria-hidden />}
        onClick={() => setAsked("rename")}
      />
      <IconButton
        label={c("chat.more.export")}
        icon={<DownloadIcon size={16} aria-hidden />}
        disabled={give.isPending}
        onClick={() => give.mutate()}
      />
      <IconButton
        label={c("chat.more.delete")}
        icon={<Trash2Icon size={16} aria-hidden />}
        onClick={() => setAsked("delete")}
      />
      {asked === "rename" ? <RenameDialog conversation={conversation} onClose={close} /> : null}
      {asked === "delete" ? <DeleteDialog conversation={conversation} onClose={close} /> : null}
    </>
  );
}

/** The browser asks where to, or puts it where it puts what is saved. */
function saveFile(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

interface DialogProps {
  readonly conversation: Conversation;
  readonly onClose: () => void;
}

function RenameDialog({ conversation: { conversation, title }, onClose }: DialogProps) {
  const { client } = useHub();
  const [name, setName] = useState(title);
  const rename = useMutation({
    mutationFn: () => chatApi.rename(conversation, name.trim()),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: keys.chat });
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    rename.mutate();
  };
  return (
    <Dialog label={c("chat.rename.title")} onClose={onClose}>
      <form className={styles["form"]} onSubmit={submit}>
        <h2>{c("chat.rename.title")}</h2>
        <Field
          label={c("chat.rename.label")}
          data-first
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        {rename.isError ? <ErrorCard error={rename.error} /> : null}
        <div className={styles["actions"]}>
          <Button type="submit" look="primary" disabled={rename.isPending || name.trim() === ""}>
            {c("chat.rename.save")}
          </Button>
          <Button onClick={onClose}>{c("chat.rename.cancel")}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function DeleteDialog({ conversation: { conversation, title }, onClose }: DialogProps) {
  const { client } = useHub();
  const navigate = useNavigate();
  const change = useMutation({
    mutationFn: () => chatApi.remove(conversation),
    onSuccess: async () => {
      onClose();
      await navigate({ to: "/chat", search: {} });
      client.removeQueries({ queryKey: [...keys.chat, "show", conversation] });
      await client.invalidateQueries({ queryKey: keys.chat });
    },
  });
  return (
    <ConfirmDialog
      title={c("chat.delete.title", { title: plainLine(title) || c("chat.new.title") })}
      action={c("chat.delete.action")}
      keep={c("chat.delete.keep")}
      asking={change}
      onConfirm={() => change.mutate()}
      onClose={onClose}
    >
      <p>{c("chat.delete.body")}</p>
    </ConfirmDialog>
  );
}
