import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Diff } from "../../parts/diff.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { JsonView } from "../../parts/json-view.tsx";
import styles from "../../parts/page.module.css";
import { Skeleton } from "../../parts/skeleton.tsx";
import { keys } from "../../stream/refresh.ts";
import { capsulesApi, type ShownLine } from "./capsules-api.ts";
import { k } from "./capsules-messages.ts";

export interface WholeEventProps {
  readonly id: string;
  readonly line: ShownLine;
}

/** An event down to its JSON, read when somebody asks for it; of a question, the change that it is about at once. */
export function WholeEvent({ id, line: { seq, kind } }: WholeEventProps) {
  const [isOpen, setOpen] = useState(false);
  const isQuestion = kind === "approvals.requested";
  const event = useQuery({
    queryKey: [...keys.run(id), "event", seq],
    queryFn: ({ signal }) => capsulesApi.event(id, seq, signal),
    enabled: isOpen || isQuestion,
  });
  const diff = isQuestion ? diffIn(event.data) : "";
  return (
    <>
      {event.isError ? <ErrorCard error={event.error} onRetry={() => void event.refetch()} /> : null}
      {diff === "" ? null : <Diff diff={diff} />}
      <details className={styles["fold"]} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>{k("replay.events.whole")}</summary>
        {isOpen && event.isPending ? <Skeleton rows={3} /> : null}
        {isOpen && event.data !== undefined ? <JsonView value={event.data} /> : null}
      </details>
    </>
  );
}

/** The exact change that the question was asked about, where it is one of a text. */
function diffIn(event: unknown): string {
  const { data } = (event ?? {}) as { readonly data?: { readonly diff?: unknown } };
  return typeof data?.diff === "string" ? data.diff : "";
}
