import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type SubmitEvent, useState } from "react";
import { api } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import styles from "../../parts/page.module.css";
import { SelectField } from "../../parts/select-field.tsx";
import { useStillHere } from "../../parts/use-still-here.ts";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { chatApi } from "./chat-api.ts";
import { c } from "./chat-messages.ts";
import { useAgents } from "./use-agents.ts";
import { sayFirst } from "./draft.ts";

type Begun = Parameters<typeof chatApi.create>[0];

function useBegin(onDone: () => void) {
  const navigate = useNavigate();
  const { client } = useHub();
  const mark = useStillHere();
  return useMutation({
    onMutate: () => mark(),
    mutationFn: async ({ question, ...about }: Begun & { readonly question?: string }) => {
      const { conversation } = await chatApi.create(about);
      if (question !== undefined) sayFirst(conversation, question);
      return conversation;
    },
    onSuccess: async (id, _asked, isStillHere) => {
      onDone();
      if (isStillHere()) await navigate({ to: "/chat", search: { id } });
      await client.invalidateQueries({ queryKey: keys.chat });
    },
  });
}

/** What can be done where nothing was said yet. */
export function FirstConversation() {
  const begin = useBegin(() => {});
  const sample = useMutation({
    mutationFn: async () => {
      const { folder } = await api.sample();
      await begin.mutateAsync({ folder, question: c("chat.empty.question") });
    },
  });
  return (
    <EmptyState line={c("chat.empty.title")} why={c("chat.empty.why")}>
      {sample.isError ? <ErrorCard error={sample.error} /> : null}
      <Button look="primary" disabled={sample.isPending} onClick={() => sample.mutate()}>
        {c("chat.empty.try")}
      </Button>
    </EmptyState>
  );
}

const nothing = "";
/** No project is called like that. */
const byPath = "/";

export function NewConversationDialog({ onClose }: { readonly onClose: () => void }) {
  const projects = useQuery({ queryKey: keys.projects, queryFn: ({ signal }) => chatApi.projects(signal) });
  const [about, setAbout] = useState<string>(byPath);
  const [folder, setFolder] = useState("");
  const [agent, setAgent] = useState("");
  const agents = useAgents(about === byPath || about === nothing ? undefined : about);
  const begin = useBegin(onClose);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const place = about === nothing ? {} : about === byPath ? { folder: folder.trim() } : { project: about };
    begin.mutate({ ...place, ...(agent === "" ? {} : { agent }) });
  };
  return (
    <Dialog label={c("chat.new.title")} onClose={onClose}>
      <form className={styles["form"]} onSubmit={submit}>
        <h2>{c("chat.new.title")}</h2>
        <SelectField
          label={c("chat.new.about")}
          value={about}
          onChange={setAbout}
          data-first
          options={[
            ...(projects.data?.projects ?? []).map(({ project, title }) => ({
              value: project,
              label: plainLine(title),
            })),
            { value: byPath, label: c("chat.new.path") },
            { value: nothing, label: c("chat.new.nothing") },
          ]}
        />
        {about === byPath ? (
          <Field
            label={c("chat.new.folder")}
            help={c("chat.new.help")}
            required
            value={folder}
            onChange={(event) => setFolder(event.target.value)}
          />
        ) : null}
        <SelectField
          label={c("chat.new.agent")}
          value={agent}
          onChange={setAgent}
          options={[
            { value: "", label: c("chat.new.auto") },
            ...agents.map(({ name, about: text }) => ({
              value: name,
              label: `${plainLine(name)}: ${plainLine(text)}`,
            })),
          ]}
        />
        {begin.isError ? <ErrorCard error={begin.error} /> : null}
        <div className={styles["actions"]}>
          <Button type="submit" look="primary" disabled={begin.isPending}>
            {c("chat.new.begin")}
          </Button>
          <Button onClick={onClose}>{c("chat.new.cancel")}</Button>
        </div>
      </form>
    </Dialog>
  );
}
