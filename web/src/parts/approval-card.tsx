import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ClockIcon } from "lucide-react";
import { api } from "../api.ts";
import { useHub, useNow } from "../hub-context.ts";
import type { Approval } from "../shapes.ts";
import { keys } from "../stream/refresh.ts";
import { formatClock, formatDuration } from "../text/formats.ts";
import { t } from "../text/messages.ts";
import { plain, plainLine } from "../text/plain.ts";
import styles from "./approval-card.module.css";
import { Button } from "./button.tsx";
import { Diff } from "./diff.tsx";
import { ErrorCard } from "./error-card.tsx";
import { JsonView } from "./json-view.tsx";
import { Skeleton } from "./skeleton.tsx";
import { When } from "./when.tsx";
import { type Reason, Reasons, useWhy } from "./why-panel.tsx";

/** The approval of one id: the question while it waits, the answer after. */
export function ApprovalOf({ id }: { readonly id: string }) {
  const approval = useQuery({
    queryKey: [...keys.approvals, "one", id],
    queryFn: ({ signal }) => api.approval(id, signal),
  });
  if (approval.isError) {
    return (
      <ErrorCard title={t("approval.load.failed")} error={approval.error} onRetry={() => void approval.refetch()} />
    );
  }
  return approval.data ? <ApprovalCard approval={approval.data} /> : <Skeleton rows={3} />;
}

/** Who wants to do what, with which exact arguments, which rule asked, and what happens on no. */
export function ApprovalCard({
  approval,
  hasEpisodeLink = false,
}: {
  readonly approval: Approval;
  readonly hasEpisodeLink?: boolean;
}) {
  if (approval.status !== "waiting") return <AnsweredApproval approval={approval} />;
  return <WaitingApproval approval={approval} hasEpisodeLink={hasEpisodeLink} />;
}

function WaitingApproval({
  approval,
  hasEpisodeLink,
}: {
  readonly approval: Approval;
  readonly hasEpisodeLink: boolean;
}) {
  const { client } = useHub();
  const decide = useMutation({
    mutationFn: (decision: "allow" | "deny") => api.decide(approval.approvalId, decision),
    // An answer that came too late is an answer all the same: read what holds now.
    onSettled: () => client.invalidateQueries({ queryKey: keys.approvals }),
  });
  const why = useWhy(whyOf(approval));
  return (
    <div
      role="group"
      className={styles["card"]}
      data-thing="approval"
      data-episode={approval.corrId}
      data-approval={approval.approvalId}
      tabIndex={0}
      aria-label={t("approval.card.label", { summary: plainLine(approval.summary) })}
    >
      <header className={styles["head"]}>
        <p className={styles["state"]}>
          <ClockIcon size={14} aria-hidden />
          {t("approval.card.waiting")}
        </p>
        <p className={styles["summary"]}>{plainLine(approval.summary)}</p>
      </header>
      <Facts approval={approval} />
      {approval.diff ? (
        <div>
          <p className={styles["part"]}>{t("approval.card.diff")}</p>
          <Diff diff={approval.diff} />
        </div>
      ) : null}
      <details>
        <summary className={styles["more"]}>{t("approval.card.arguments")}</summary>
        <JsonView value={approval.input} />
      </details>
      {decide.isError ? <ErrorCard error={decide.error} /> : null}
      {why.panel}
      <div className={styles["actions"]}>
        <Button look="primary" hotkey="a" disabled={decide.isPending} onClick={() => decide.mutate("allow")}>
          {t("approval.action.allow")}
        </Button>
        <Button hotkey="d" disabled={decide.isPending} onClick={() => decide.mutate("deny")}>
          {t("approval.action.deny")}
        </Button>
        {why.toggle}
        {hasEpisodeLink ? <EpisodeLink id={approval.corrId} /> : null}
      </div>
    </div>
  );
}

function Facts({ approval }: { readonly approval: Approval }) {
  const leftMs = approval.expiresAtMs - useNow();
  const clock = formatClock(approval.expiresAtMs);
  const agent = `${approval.caller.kind}:${approval.caller.id}`;
  const target = [approval.folder, approval.path].filter((part) => part !== undefined).join("/");
  const facts: Reason[] = [
    { label: t("approval.card.who"), value: agent },
    { label: t("approval.card.does"), value: approval.operation, isCode: true },
    ...(target ? [{ label: t("approval.card.on"), value: target, isCode: true }] : []),
    { label: t("approval.card.no"), value: t("approval.card.denies", { agent }) },
    {
      label: t("approval.card.undo"),
      value: approval.canUndo ? t("approval.card.undoable") : t("approval.card.final"),
    },
    { label: t("approval.why.rule"), value: approval.rule },
    {
      label: t("approval.card.until"),
      value:
        leftMs > 0
          ? t("approval.card.left", { clock, left: formatDuration(Math.max(1000, leftMs)) })
          : t("approval.card.over", { clock }),
    },
  ];
  return <Reasons reasons={facts} />;
}

const whyOf = (approval: Approval): readonly Reason[] => [
  { label: t("approval.why.key"), value: approval.key, isCode: true },
  { label: t("approval.why.digest"), value: approval.argsDigest, isCode: true },
  ...(approval.isResumable ? [] : [{ label: t("why.panel.reason"), value: t("approval.card.lost") }]),
];

function AnsweredApproval({ approval }: { readonly approval: Approval }) {
  const status = approval.status as Exclude<Approval["status"], "waiting">;
  const why = useWhy([
    { label: t("approval.why.rule"), value: approval.rule },
    ...whyOf(approval),
    ...(approval.reason ? [{ label: t("why.panel.reason"), value: approval.reason }] : []),
  ]);
  return (
    <div
      role="group"
      className={styles["answered"]}
      data-thing="approval"
      data-episode={approval.corrId}
      tabIndex={0}
      aria-label={t("approval.card.label", { summary: plainLine(approval.summary) })}
    >
      <div className={styles["actions"]}>
        <p className={status === "granted" ? styles["granted"] : styles["refused"]}>
          <strong>{t(`approval.done.${status}`)}</strong>{" "}
          {approval.answeredBy && approval.answeredAtMs ? <span>{plain(approval.answeredBy)}</span> : null}{" "}
          {approval.answeredAtMs ? <When timeMs={approval.answeredAtMs} /> : null}
        </p>
        {why.toggle}
      </div>
      {approval.diff ? (
        <details>
          <summary className={styles["more"]}>{t("approval.card.diff")}</summary>
          <Diff diff={approval.diff} />
        </details>
      ) : null}
      {why.panel}
    </div>
  );
}

export function EpisodeLink({ id }: { readonly id: string }) {
  return (
    <Link to="/episodes/$id" params={{ id }} className={styles["link"]} data-hotkey="Enter">
      {t("approval.action.episode")}
    </Link>
  );
}
