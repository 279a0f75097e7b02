import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { answers, policySearch } from "../../filters.ts";
import { ApprovalCard, EpisodeLink } from "../../parts/approval-card.tsx";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Segmented } from "../../parts/segmented.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
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
    <section className={styles["section"]} aria-labelledby="policy-waiting">
      <h2 id="policy-waiting">{p("approvals.waiting.title")}</h2>
      {waiting.length === 0 ? <p className={styles["quiet"]}>{p("approvals.waiting.empty")}</p> : null}
      {waiting.map((approval) => (
        <div key={approval.approvalId} className={styles["question"]}>
          <ApprovalCard approval={approval} hasEpisodeLink />
          <TestLink approval={approval} />
        </div>
      ))}
    </section>
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
    <section className={styles["section"]} aria-labelledby="policy-past">
      <div className={styles["head"]}>
        <h2 id="policy-past">{p("approvals.past.title")}</h2>
        <Segmented
          label={p("approvals.past.filter")}
          value={answer ?? "all"}
          onChange={(next) => void navigate({ search: policySearch({ view: "approvals", answer: next }) })}
          options={choices.map((value) => ({ value, label: p(`approvals.answer.${value}`) }))}
        />
      </div>
      {pages.isError ? <ErrorCard error={pages.error} onRetry={() => void pages.refetch()} /> : null}
      {pages.isPending ? <Skeleton rows={3} /> : null}
      {pages.data && past.length === 0 ? (
        <p className={styles["quiet"]}>{p(answer === undefined ? "approvals.past.empty" : "approvals.past.none")}</p>
      ) : null}
      {past.length > 0 ? (
        <ul className={styles["list"]} aria-label={p("approvals.past.title")}>
          {past.map((approval) => (
            <li key={approval.approvalId}>
              <div className={styles["row"]}>
                <span className={styles["name"]}>{plainLine(approval.summary)}</span>
                <code>{approval.operation}</code>
                <span className={styles["quiet"]}>
                  {p("approvals.past.asked", { caller: `${approval.caller.kind}:${approval.caller.id}` })}
                </span>
                <span className={styles["source"]}>
                  <EpisodeLink id={approval.corrId} />
                </span>
              </div>
              <ApprovalCard approval={approval} />
            </li>
          ))}
        </ul>
      ) : null}
      {pages.hasNextPage ? (
        <Button disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          {p("approvals.past.more")}
        </Button>
      ) : null}
    </section>
  );
}
