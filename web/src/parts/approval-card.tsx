import { useMutation, type UseMutationResult, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ClockIcon } from "lucide-react";
import { lazy, type RefObject, Suspense, useId, useLayoutEffect, useRef, useState } from "react";
import { api } from "../api.ts";
import { useHub } from "../hub-context.ts";
import type { Approval, Decision } from "../shapes.ts";
import { keys } from "../stream/refresh.ts";
import { t } from "../text/messages.ts";
import { plain, plainLine } from "../text/plain.ts";
import styles from "./approval-card.module.css";
import { ApprovalFacts, ruleText } from "./approval-facts.tsx";
import { Button } from "./button.tsx";
import { Diff } from "./diff.tsx";
import { ErrorCard } from "./error-card.tsx";
import { JsonView } from "./json-view.tsx";
import { Skeleton } from "./skeleton.tsx";
import { When } from "./when.tsx";
import { type Reason, useWhy } from "./why-panel.tsx";

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

const AnswerPanel = lazy(async () => ({ default: (await import("./answers/answer-panel.tsx")).AnswerPanel }));
const SourceList = lazy(async () => ({ default: (await import("./answers/source-list.tsx")).SourceList }));

function WaitingApproval({
  approval,
  hasEpisodeLink,
}: {
  readonly approval: Approval;
  readonly hasEpisodeLink: boolean;
}) {
  const card = useRef<HTMLDivElement>(null);
  const decide = useDecide(approval, card);
  const why = useWhy(whyOf(approval));
  const more = useMore(approval, decide);
  return (
    <div
      ref={card}
      role="group"
      className={styles["card"]}
      data-thing="approval"
      data-copy={approval.approvalId}
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
      <ApprovalFacts approval={approval} />
      <Evidence approval={approval} />
      {decide.isError ? <ErrorCard error={decide.error} /> : null}
      {why.panel}
      {more.panel}
      <div className={styles["actions"]}>
        {more.isOpen ? null : <YesOrNo approval={approval} decide={decide} />}
        {more.toggle}
        {why.toggle}
        {hasEpisodeLink ? <EpisodeLink id={approval.corrId} /> : null}
      </div>
    </div>
  );
}

type Decide = UseMutationResult<unknown, Error, Decision>;

/** Not beside the further answers: nobody who changed an argument shall allow the call as it was asked by a slip. */
function YesOrNo({ approval, decide }: { readonly approval: Approval; readonly decide: Decide }) {
  const once = approval.offers?.find(({ answer }) => answer === "once")?.words;
  return (
    <>
      <Button
        look="primary"
        hotkey="a"
        disabled={decide.isPending}
        title={once === undefined ? undefined : plainLine(once)}
        onClick={() => decide.mutate({ decision: "allow" })}
      >
        {t("approval.action.allow")}
      </Button>
      <Button hotkey="d" disabled={decide.isPending} onClick={() => decide.mutate({ decision: "deny" })}>
        {t("approval.action.deny")}
      </Button>
    </>
  );
}

/** An answered card goes or becomes another, so a focus that was in it is taken to what stands there now. */
function useDecide({ approvalId }: Approval, card: RefObject<HTMLDivElement | null>) {
  const { client } = useHub();
  const hadFocus = useRef(false);
  // Only the card's own end is the moment: the answer to the press and the event of the answer come in either order.
  useLayoutEffect(
    () => () => {
      if (hadFocus.current) requestAnimationFrame(() => focusAfter(approvalId));
    },
    [approvalId],
  );
  return useMutation({
    mutationFn: (decision: Decision) => api.decide(approvalId, decision),
    onMutate: () => {
      hadFocus.current = card.current?.contains(document.activeElement) === true;
    },
    // An answer that came too late is an answer all the same: read what holds now.
    onSettled: () => client.invalidateQueries({ queryKey: keys.approvals }),
  });
}

function focusAfter(approvalId: string): void {
  if (document.activeElement !== null && document.activeElement !== document.body) return;
  const here = document.querySelector<HTMLElement>(
    `main [data-thing="approval"][data-copy="${CSS.escape(approvalId)}"]`,
  );
  const next = here ?? document.querySelector<HTMLElement>("main [data-approval]") ?? document.querySelector("main");
  next?.focus();
}

/** What there is to see of the call: the exact change, the exact arguments, and what they were built from. */
function Evidence({ approval: { diff, input, labels, caller, corrId } }: { readonly approval: Approval }) {
  const [isOpen, setOpen] = useState(false);
  const hasSources = caller.kind === "agent" && labels !== undefined && labels.length > 0;
  return (
    <>
      {diff ? (
        <div>
          <p className={styles["part"]}>{t("approval.card.diff")}</p>
          <Diff diff={diff} />
        </div>
      ) : null}
      <details>
        <summary className={styles["more"]}>{t("approval.card.arguments")}</summary>
        <JsonView value={input} />
      </details>
      {hasSources ? (
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary className={styles["more"]}>{t("approval.card.sources")}</summary>
          {isOpen ? (
            <Suspense fallback={<Skeleton rows={2} />}>
              <SourceList episode={corrId} />
            </Suspense>
          ) : null}
        </details>
      ) : null}
    </>
  );
}

/** Answers beyond yes and no, where the hub offers them. */
function useMore(approval: Approval, decide: Decide) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  const toggle = approval.offers ? (
    <Button
      ref={button}
      hotkey="."
      aria-expanded={isOpen}
      aria-controls={isOpen ? id : undefined}
      onClick={() => setOpen(!isOpen)}
    >
      {t(isOpen ? "approval.action.fewer" : "approval.action.more")}
    </Button>
  ) : null;
  const panel = isOpen ? (
    <Suspense fallback={<Skeleton rows={3} />}>
      <AnswerPanel id={id} approval={approval} decide={decide} onClose={close} />
    </Suspense>
  ) : null;
  return { toggle, panel, isOpen };
}

const whyOf = (approval: Approval): readonly Reason[] => [
  { label: t("approval.why.key"), value: approval.key, isCode: true },
  { label: t("approval.why.digest"), value: approval.argsDigest, isCode: true },
  ...(approval.isResumable ? [] : [{ label: t("why.panel.reason"), value: t("approval.card.lost") }]),
];

function AnsweredApproval({ approval }: { readonly approval: Approval }) {
  const { approvalId, status, corrId, summary, answeredBy, answeredAtMs, via, reason, edited, lasting } = approval;
  const why = useWhy([
    { label: t("approval.why.rule"), value: ruleText(approval) },
    ...whyOf(approval),
    ...(reason ? [{ label: t("why.panel.reason"), value: reason }] : []),
  ]);
  return (
    <div
      role="group"
      className={styles["answered"]}
      data-thing="approval"
      data-copy={approvalId}
      data-episode={corrId}
      tabIndex={0}
      aria-label={t("approval.card.label", { summary: plainLine(summary) })}
    >
      <div className={styles["actions"]}>
        <p className={status === "granted" ? styles["granted"] : styles["refused"]}>
          <strong>{t(`approval.done.${answerOf(approval)}`)}</strong>{" "}
          {answeredBy && answeredAtMs ? <span>{plain(answeredBy)}</span> : null}{" "}
          {via ? <span>{t("approval.done.via")}</span> : null} {answeredAtMs ? <When timeMs={answeredAtMs} /> : null}
        </p>
        {why.toggle}
      </div>
      {lasting ? (
        <p>
          {plainLine(lasting.words)} <LeasesLink />
        </p>
      ) : null}
      {reason && status === "denied" ? <p>{plainLine(reason)}</p> : null}
      {edited ? <FoldedDiff title={t("approval.card.changes")} diff={edited.changes} /> : null}
      {(edited?.diff ?? approval.diff) ? (
        <FoldedDiff title={t("approval.card.diff")} diff={edited?.diff ?? approval.diff ?? ""} />
      ) : null}
      {why.panel}
    </div>
  );
}

function answerOf({ status, edited, lasting, coveredBy }: Approval) {
  if (edited !== undefined) return "edited";
  if (lasting !== undefined) return "lasting";
  return coveredBy === undefined ? (status as Exclude<Approval["status"], "waiting">) : "covered";
}

const FoldedDiff = ({ title, diff }: { readonly title: string; readonly diff: string }) => (
  <details>
    <summary className={styles["more"]}>{title}</summary>
    <Diff diff={diff} />
  </details>
);

const LeasesLink = () => (
  <Link to="/policy" search={{ view: "leases" }} className={styles["link"]}>
    {t("approval.action.lease")}
  </Link>
);

export function EpisodeLink({ id }: { readonly id: string }) {
  return (
    <Link to="/episodes/$id" params={{ id }} className={styles["link"]} data-hotkey="Enter">
      {t("approval.action.episode")}
    </Link>
  );
}
