import { useMutation, useQuery } from "@tanstack/react-query";
import { RotateCwIcon } from "lucide-react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { CedarView } from "./cedar-view.tsx";
import { ContractItem } from "./contract-item.tsx";
import { policyApi, type PolicyRow } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";
import { EffectMark } from "./verdict-mark.tsx";

/** Policies that come with the hub stand in no file of the user. */
const isDefault = ({ source }: PolicyRow): boolean => source.startsWith("default ");

export function RulesView() {
  return (
    <>
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
    <section className={styles["section"]} aria-labelledby="policy-own">
      <div className={styles["head"]}>
        <h2 id="policy-own">{p("rules.own.title")}</h2>
        <Button
          icon={<RotateCwIcon size={14} aria-hidden />}
          disabled={reload.isPending}
          onClick={() => reload.mutate()}
        >
          {p("rules.reload.action")}
        </Button>
      </div>
      <p className={styles["lead"]}>{p("rules.policy.lead")}</p>
      <ReloadAnswer reload={reload} />
      {list.isError ? <ErrorCard error={list.error} onRetry={() => void list.refetch()} /> : null}
      {list.isPending ? <Skeleton rows={3} /> : null}
      {list.data && own.length === 0 ? <p>{p("rules.own.empty")}</p> : null}
      {own.length > 0 ? <PolicyItems rows={own} label={p("rules.own.title")} /> : null}
      {shipped.length > 0 ? (
        <details className={styles["fold"]}>
          <summary>{p("rules.default.title", { count: shipped.length })}</summary>
          <PolicyItems rows={shipped} label={p("rules.default.title", { count: shipped.length })} />
        </details>
      ) : null}
    </section>
  );
}

function PolicyItems({ rows, label }: { readonly rows: readonly PolicyRow[]; readonly label: string }) {
  return (
    <ul className={styles["list"]} aria-label={label}>
      {rows.map(({ id, effect, source, text }) => (
        <li key={id} data-thing="policy" data-copy={id} tabIndex={-1}>
          <div className={styles["row"]}>
            <EffectMark effect={effect} />
            <span className={styles["name"]}>{plainLine(id)}</span>
            <span className={styles["source"]}>{plainLine(source)}</span>
          </div>
          <CedarView text={text} />
        </li>
      ))}
    </ul>
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
        <p role="status">{p("rules.reload.done", { policies: policies.value.policies, rules: rules.value.rules })}</p>
      ) : null}
    </>
  );
}

function DenyRules() {
  const list = useQuery({ queryKey: [...keys.rules, "deny"], queryFn: ({ signal }) => policyApi.contracts(signal) });
  const rows = list.data?.contracts ?? [];
  const unseen = (list.data?.total ?? 0) - rows.length;
  return (
    <section className={styles["section"]} aria-labelledby="policy-deny">
      <h2 id="policy-deny">{p("rules.deny.title")}</h2>
      <p className={styles["lead"]}>{p("rules.deny.lead")}</p>
      {list.isError ? <ErrorCard error={list.error} onRetry={() => void list.refetch()} /> : null}
      {list.isPending ? <Skeleton rows={2} /> : null}
      {list.data && rows.length === 0 ? <p>{p("rules.deny.empty")}</p> : null}
      {rows.length > 0 ? (
        <ul className={styles["list"]} aria-label={p("rules.deny.title")}>
          {rows.map((row) => (
            <ContractItem key={`${row.source} ${row.id}`} contract={row} />
          ))}
        </ul>
      ) : null}
      {unseen > 0 ? <p className={styles["quiet"]}>{p("rules.deny.more", { count: unseen })}</p> : null}
    </section>
  );
}
