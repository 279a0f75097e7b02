import { useInfiniteQuery } from "@tanstack/react-query";
import { EpisodeLink } from "../../parts/approval-card.tsx";
import { LoadedList, MoreButton, Section } from "../../parts/list-section.tsx";
import { When } from "../../parts/when.tsx";
import { type Reason, Reasons } from "../../parts/why-panel.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { type Declassified, policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

/** Who said of which value that it may be acted on, and why; newest first. */
export function DeclassifiedLedger() {
  const pages = useInfiniteQuery({
    queryKey: [...keys.episodes, "declassified"],
    queryFn: ({ signal, pageParam }) => policyApi.declassified(pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor,
  });
  const values = pages.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section title={p("declassified.list.title")} lead={p("declassified.list.lead")}>
      <LoadedList
        label={p("declassified.list.title")}
        loading={pages}
        rows={values}
        empty={p("declassified.list.empty")}
        bones={2}
      >
        {(value) => <ValueItem key={value.seq} value={value} />}
      </LoadedList>
      <MoreButton pages={pages} label={p("approvals.past.more")} />
    </Section>
  );
}

function ValueItem({ value }: { readonly value: Declassified }) {
  const { episode, agent, step, tool, summary, by, atMs } = value;
  return (
    <li data-thing="declassified" data-copy={episode} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{plainLine(summary)}</span>
        <span>{p("declassified.row.step", { step, agent: plainLine(agent) })}</span>
        <code>{plainLine(tool)}</code>
        <span className={styles["source"]}>
          <EpisodeLink id={episode} />
        </span>
      </div>
      <Reasons reasons={factsOf(value)} />
      <p className={styles["terms"]}>
        <span>{p("declassified.row.by", { caller: plainLine(by) })}</span>
        <When timeMs={atMs} />
      </p>
    </li>
  );
}

function factsOf({ folder, path, host, label, reason, digest }: Declassified): readonly Reason[] {
  const from = [folder, path].filter((part) => part !== undefined).join("/") || host;
  return [
    ...(from ? [{ label: p("declassified.fact.from"), value: from, isCode: true }] : []),
    { label: p("declassified.fact.label"), value: p(`tester.label.${label}`) },
    { label: p("declassified.fact.reason"), value: reason },
    { label: p("declassified.fact.digest"), value: digest, isCode: true },
  ];
}
