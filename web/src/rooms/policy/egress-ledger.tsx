import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { CheckIcon, type LucideIcon, ShieldIcon, XIcon } from "lucide-react";
import { egressOutcomes, policySearch } from "../../filters.ts";
import marks from "../../parts/marks.module.css";
import { LoadedList, MoreButton, Section } from "../../parts/list-section.tsx";
import { Segmented } from "../../parts/segmented.tsx";
import { When } from "../../parts/when.tsx";
import { type Reason, Reasons } from "../../parts/why-panel.tsx";
import { keys } from "../../stream/refresh.ts";
import { formatBytes } from "../../text/formats.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import { type LedgerEntry, policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

const route = getRouteApi("/policy");
const choices = ["all", ...egressOutcomes] as const;

/** Everything that left or wanted to, newest first, with the rule that opened or closed it. */
export function EgressLedger() {
  const { outcome } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = useInfiniteQuery({
    queryKey: [...keys.egress, "ledger", outcome],
    queryFn: ({ signal, pageParam }) => policyApi.ledger(outcome, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: keepPreviousData,
  });
  const entries = pages.data?.pages.flatMap((page) => page.items) ?? [];
  const empty = p(outcome === undefined ? "outside.ledger.empty" : "outside.ledger.none");
  return (
    <Section
      title={p("outside.ledger.title")}
      tools={
        <Segmented
          label={p("outside.ledger.filter")}
          value={outcome ?? "all"}
          onChange={(next) => void navigate({ search: policySearch({ view: "outside", outcome: next }) })}
          options={choices.map((value) => ({ value, label: p(`outside.outcome.${value}`) }))}
        />
      }
    >
      <LoadedList label={p("outside.ledger.title")} loading={pages} rows={entries} empty={empty}>
        {(entry) => <EntryItem key={entry.seq} entry={entry} />}
      </LoadedList>
      <MoreButton pages={pages} label={p("outside.ledger.more")} />
    </Section>
  );
}

const looks: Readonly<Record<LedgerEntry["outcome"], { readonly Icon: LucideIcon; readonly tone: string }>> = {
  sent: { Icon: CheckIcon, tone: "brand" },
  failed: { Icon: XIcon, tone: "bad" },
  refused: { Icon: ShieldIcon, tone: "warn" },
};

function EntryItem({ entry }: { readonly entry: LedgerEntry }) {
  const { outcome, host, port, method, url, operation, caller, episode, atMs } = entry;
  const { Icon, tone } = looks[outcome];
  return (
    <li data-thing="egress" data-copy={episode} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={`${marks["mark"]} ${marks[tone]}`}>
          <Icon size={14} aria-hidden />
          {p(`outside.outcome.${outcome}`)}
        </span>
        <span className={styles["name"]}>{plainLine(port === 0 ? host : `${host}:${port}`)}</span>
        {method === "" ? null : <code>{plainLine(`${method} ${url}`)}</code>}
        <span className={styles["source"]}>
          <When timeMs={atMs} />
        </span>
      </div>
      <p className={styles["row"]}>
        <span>{plainLine(caller)}</span>
        <code>{operation}</code>
        {caller.startsWith("agent:") ? (
          <Link to="/episodes/$id" params={{ id: episode }} className={styles["link"]}>
            {t("approval.action.episode")}
          </Link>
        ) : null}
      </p>
      <Reasons reasons={factsOf(entry)} />
    </li>
  );
}

function factsOf({ rule, source, reason, fault, secrets, bytesOut, bytesIn, outcome }: LedgerEntry): readonly Reason[] {
  const fact = (label: Parameters<typeof p>[0], value: string | null): readonly Reason[] =>
    value === null || value === "" ? [] : [{ label: p(label), value }];
  const bytes = p("outside.bytes.text", { out: formatBytes(bytesOut), in: formatBytes(bytesIn) });
  return [
    ...fact("outside.fact.rule", rule),
    ...fact("outside.fact.source", source),
    ...fact("outside.fact.reason", reason ?? fault),
    ...fact("outside.fact.bytes", outcome === "refused" ? null : bytes),
    ...fact(
      "outside.fact.secrets",
      secrets.length > 0 ? p("outside.secrets.text", { names: secrets.join(", ") }) : null,
    ),
  ];
}
