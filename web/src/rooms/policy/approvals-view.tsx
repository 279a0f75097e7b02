import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { answers, policySearch } from "../../filters.ts";
import { ApprovalCard, EpisodeLink } from "../../parts/approval-card.tsx";
import { LoadedList, MoreButton, Section } from "../../parts/list-section.tsx";
import { Segmented } from "../../parts/segmented.tsx";
import type { Approval } from "../../shapes.ts";
import { useWaiting } from "../../shell/use-now.ts";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

const route = getRouteApi("/policy");
const choices = ["all", ...answers] as const;

/** What waits for an answer, and what was answered. */
export function ApprovalsView() {
  return (
    <>
      <Waiting />
      <Past />
    </>
  );
}

function Waiting() {
  const waiting = useWaiting();
  return (
    <Section title={p("approvals.waiting.title")}>
      {waiting.length === 0 ? <p className={styles["quiet"]}>{p("approvals.waiting.empty")}</p> : null}
      {waiting.map((approval) => (
        <div key={approval.approvalId} className={styles["question"]}>
          <ApprovalCard approval={approval} hasEpisodeLink />
          <TestLink approval={approval} />
        </div>
      ))}
    </Section>
  );
}

function TestLink({ approval: { operation, caller } }: { readonly approval: Approval }) {
  return (
    <Link
      to="/policy"
      search={{ view: "tester", operation, caller: `${caller.kind}:${caller.id}` }}
      className={styles["link"]}
    >
      {p("approvals.link.test")}
    </Link>
  );
}

function Past() {
  const { answer } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = useInfiniteQuery({
    queryKey: [...keys.approvals, "past", answer],
    queryFn: ({ signal, pageParam }) => policyApi.pastApprovals(answer, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: keepPreviousData,
  });
  const past = pages.data?.pages.flatMap((page) => page.items).filter(({ status }) => status !== "waiting") ?? [];
  return (
    <Section
      title={p("approvals.past.title")}
      tools={
        <Segmented
          label={p("approvals.past.filter")}
          value={answer ?? "all"}
          onChange={(next) => void navigate({ search: policySearch({ view: "approvals", answer: next }) })}
          options={choices.map((value) => ({ value, label: p(`approvals.answer.${value}`) }))}
        />
      }
    >
      <LoadedList
        label={p("approvals.past.title")}
        loading={pages}
        rows={past}
        empty={p(answer === undefined ? "approvals.past.empty" : "approvals.past.none")}
      >
        {(approval) => <PastItem key={approval.approvalId} approval={approval} />}
      </LoadedList>
      <MoreButton pages={pages} label={p("approvals.past.more")} />
    </Section>
  );
}

function PastItem({ approval }: { readonly approval: Approval }) {
  const { summary, operation, caller, corrId } = approval;
  return (
    <li>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{plainLine(summary)}</span>
        <code>{operation}</code>
        <span className={styles["quiet"]}>{p("approvals.past.asked", { caller: `${caller.kind}:${caller.id}` })}</span>
        <span className={styles["source"]}>
          <EpisodeLink id={corrId} />
        </span>
      </div>
      <ApprovalCard approval={approval} />
    </li>
  );
}
