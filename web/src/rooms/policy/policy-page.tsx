import { getRouteApi } from "@tanstack/react-router";
import { policySearch, policyViews } from "../../filters.ts";
import { Tabs } from "../../parts/tabs.tsx";
import { RoomHeader } from "../../shell/room-header.tsx";
import { useWaiting } from "../../shell/use-now.ts";
import { AgentsView } from "./agents-view.tsx";
import { ApprovalsView } from "./approvals-view.tsx";
import { BudgetsView } from "./budgets-view.tsx";
import { CapsulesView } from "./capsules-view.tsx";
import { LeasesView } from "./leases-view.tsx";
import { OutsideView } from "./outside-view.tsx";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";
import { ProofsView } from "./proofs-view.tsx";
import { RulesView } from "./rules-view.tsx";
import { TesterView } from "./tester-view.tsx";
import { TokensView } from "./tokens-view.tsx";

const route = getRouteApi("/policy");
const views = ["rules", ...policyViews] as const;

/** What is allowed, and why. */
export function PolicyPage() {
  const { view = "rules" } = route.useSearch();
  const navigate = route.useNavigate();
  const waiting = useWaiting().length;
  return (
    <>
      <RoomHeader title={p("policy.title.text")} />
      <div className={styles["views"]}>
        <Tabs
          label={p("policy.view.label")}
          value={view}
          onChange={(next) => void navigate({ search: policySearch({ view: next }) })}
          tabs={views.map((value) => ({
            value,
            label: p(`policy.view.${value}`),
            ...(value === "approvals" && waiting > 0 ? { count: waiting } : {}),
          }))}
        >
          <div className={styles["page"]}>
            {view === "rules" ? <RulesView /> : null}
            {view === "tester" ? <TesterView /> : null}
            {view === "proofs" ? <ProofsView /> : null}
            {view === "leases" ? <LeasesView /> : null}
            {view === "budgets" ? <BudgetsView /> : null}
            {view === "approvals" ? <ApprovalsView /> : null}
            {view === "agents" ? <AgentsView /> : null}
            {view === "outside" ? <OutsideView /> : null}
            {view === "capsules" ? <CapsulesView /> : null}
            {view === "tokens" ? <TokensView /> : null}
          </div>
        </Tabs>
      </div>
    </>
  );
}
