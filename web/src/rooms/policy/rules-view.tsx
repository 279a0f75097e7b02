import { useMutation, useQuery } from "@tanstack/react-query";
import { RotateCwIcon } from "lucide-react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { LoadedList, Section } from "../../parts/list-section.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { CedarView } from "./cedar-view.tsx";
import { ContractItem } from "./contract-item.tsx";
import { policyApi, type PolicyRow } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import { ProposalsSection } from "./proposals-section.tsx";
import styles from "../../parts/page.module.css";
import { EffectMark } from "./verdict-mark.tsx";

/** Policies that come with the hub stand in no file of the user. */
const isDefault = ({ source }: PolicyRow): boolean => source.startsWith("default ");

export function RulesView() {
  return (
    <>
      <ProposalsSection />
      <Policies />
      <DenyRules />
    </>
  );
}

function Policies() {
  const list = useQuery({ queryKey: [...keys.rules, "policies"], queryFn: ({ signal }) => policyApi.policies(signal) });
  const reload = useReload();
  const own = list.data?.policies.filter((row) => !isDefault(row)) ?? [];
  const shipped = list.data?.policies.filter(isDefault) ?? [];
  return (
    <Section
      title={p("rules.own.title")}
      lead={p("rules.policy.lead")}
      tools={
        <Button
          icon={<RotateCwIcon size={14} aria-hidden />}
          disabled={reload.isPending}
          onClick={() => reload.mutate()}
        >
          {p("rules.reload.action")}
        </Button>
      }
    >
      <ReloadAnswer reload={reload} />
      <LoadedList label={p("rules.own.title")} loading={list} rows={own} empty={<p>{p("rules.own.empty")}</p>}>
        {(row) => <PolicyItem key={row.id} row={row} />}
      </LoadedList>
      {shipped.length > 0 ? (
        <details className={styles["fold"]}>
          <summary>{p("rules.default.title", { count: shipped.length })}</summary>
          <ul className={styles["list"]} aria-label={p("rules.default.title", { count: shipped.length })}>
            {shipped.map((row) => (
              <PolicyItem key={row.id} row={row} />
            ))}
          </ul>
        </details>
      ) : null}
    </Section>
  );
}

function PolicyItem({ row: { id, effect, source, text } }: { readonly row: PolicyRow }) {
  return (
    <li data-thing="policy" data-copy={id} tabIndex={-1}>
      <div className={styles["row"]}>
        <EffectMark effect={effect} />
        <span className={styles["name"]}>{plainLine(id)}</span>
        <span className={styles["source"]}>{plainLine(source)}</span>
      </div>
      <CedarView text={text} />
    </li>
  );
}

/** Both kinds of rules are read anew by one press; a fault in one of them says nothing about the other. */
function useReload() {
  const { client } = useHub();
  return useMutation({
    mutationFn: () => Promise.allSettled([policyApi.reloadPolicies(), policyApi.reloadRules()] as const),
    onSettled: () => client.invalidateQueries({ queryKey: keys.rules }),
  });
}

function ReloadAnswer({ reload }: { readonly reload: ReturnType<typeof useReload> }) {
  if (!reload.data) return null;
  const [policies, rules] = reload.data;
  return (
    <>
      {policies.status === "rejected" ? <ErrorCard title={p("rules.reload.policies")} error={policies.reason} /> : null}
      {rules.status === "rejected" ? <ErrorCard title={p("rules.reload.gate")} error={rules.reason} /> : null}
      {policies.status === "fulfilled" && rules.status === "fulfilled" ? (
        <p role="status">
          {p("rules.reload.done", {
            policies: p("rules.count.policies", { count: policies.value.policies }),
            rules: p("rules.count.rules", { count: rules.value.rules }),
          })}
        </p>
      ) : null}
    </>
  );
}

function DenyRules() {
  const list = useQuery({ queryKey: [...keys.rules, "deny"], queryFn: ({ signal }) => policyApi.contracts(signal) });
  const rows = list.data?.contracts ?? [];
  const unseen = (list.data?.total ?? 0) - rows.length;
  return (
    <Section title={p("rules.deny.title")} lead={p("rules.deny.lead")}>
      <LoadedList
        label={p("rules.deny.title")}
        loading={list}
        rows={rows}
        empty={<p>{p("rules.deny.empty")}</p>}
        bones={2}
      >
        {(row) => <ContractItem key={`${row.source} ${row.id}`} contract={row} />}
      </LoadedList>
      {unseen > 0 ? <p className={styles["quiet"]}>{p("rules.deny.more", { count: unseen })}</p> : null}
    </Section>
  );
}
