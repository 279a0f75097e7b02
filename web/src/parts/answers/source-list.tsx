import { useMutation, useQuery } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { api } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import type { Episode } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { Button } from "../button.tsx";
import { ErrorCard } from "../error-card.tsx";
import { Field } from "../field.tsx";
import { Skeleton } from "../skeleton.tsx";
import { a } from "./answer-messages.ts";
import styles from "./source-list.module.css";

type Source = Episode["sources"][number];

/** Whose words an episode has read, value by value; a person may say of one that it may be acted on. */
export function SourceList({ episode }: { readonly episode: string }) {
  const row = useQuery({
    queryKey: [...keys.episodes, "row", episode],
    queryFn: ({ signal }) => api.episodeRow(episode, signal),
  });
  const [open, setOpen] = useState<number>();
  if (row.isError) return <ErrorCard error={row.error} onRetry={() => void row.refetch()} />;
  if (!row.data) return <Skeleton rows={2} />;
  const { sources, sourcesMore } = row.data;
  return (
    <>
      {sources.length === 0 ? <p className={styles["quiet"]}>{a("source.list.none")}</p> : null}
      <ul className={styles["list"]} aria-label={a("source.list.label")}>
        {sources.map((source) => (
          <li key={`${source.step} ${source.label}`} className={styles["source"]}>
            <SourceLine source={source} isOpen={open === source.step} onOpen={() => setOpen(source.step)} />
            {open === source.step ? (
              <DeclassifyForm episode={episode} step={source.step} onClose={() => setOpen(undefined)} />
            ) : null}
          </li>
        ))}
      </ul>
      {sourcesMore > 0 ? <p className={styles["quiet"]}>{a("source.list.more", { count: sourcesMore })}</p> : null}
    </>
  );
}

interface SourceLineProps {
  readonly source: Source;
  readonly isOpen: boolean;
  readonly onOpen: () => void;
}

function SourceLine({
  source: { label, step, tool, summary, target, isDeclassified },
  isOpen,
  onOpen,
}: SourceLineProps) {
  const said = plainLine(summary);
  return (
    <div className={styles["line"]}>
      <span className={styles["label"]}>{a(`source.label.${label}`)}</span>
      <span className={styles["summary"]}>
        {said} {target === undefined ? null : <code>{plainLine(target)}</code>}
      </span>
      <span className={styles["quiet"]}>
        {a("source.row.step", { step })} <code>{plainLine(tool)}</code>
      </span>
      {isDeclassified ? (
        <strong className={styles["done"]}>{a("source.row.done")}</strong>
      ) : (
        <Button
          look="quiet"
          aria-expanded={isOpen}
          aria-label={a("source.row.label", { step, summary: said })}
          onClick={onOpen}
        >
          {a("source.row.declassify")}
        </Button>
      )}
    </div>
  );
}

interface DeclassifyFormProps {
  readonly episode: string;
  readonly step: number;
  readonly onClose: () => void;
}

function DeclassifyForm({ episode, step, onClose }: DeclassifyFormProps) {
  const { client } = useHub();
  const [reason, setReason] = useState("");
  const declassify = useMutation({
    mutationFn: () => api.declassify({ episode, step, reason: reason.trim() }),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: keys.episodes });
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    declassify.mutate();
  };
  return (
    <form className={styles["form"]} aria-label={a("source.form.label", { step })} onSubmit={submit}>
      <Field
        label={a("source.form.reason")}
        help={a("source.form.help")}
        required
        autoFocus
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      {declassify.isError ? <ErrorCard error={declassify.error} /> : null}
      <div className={styles["actions"]}>
        <Button onClick={onClose}>{a("source.form.keep")}</Button>
        <Button type="submit" look="primary" disabled={declassify.isPending}>
          {a("source.form.action")}
        </Button>
      </div>
    </form>
  );
}
