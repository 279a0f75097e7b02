import { CircleSlashIcon, ClockIcon, ShieldIcon } from "lucide-react";
import { useNow } from "../../hub-context.ts";
import marks from "../../parts/marks.module.css";
import { type Reason, Reasons } from "../../parts/why-panel.tsx";
import { formatDuration, formatExact } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import { leftText } from "./left.tsx";
import type { ContractRow } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

const looks = {
  active: { Icon: ShieldIcon, tone: "bad" },
  waiting: { Icon: ClockIcon, tone: "info" },
  ended: { Icon: CircleSlashIcon, tone: "calm" },
} as const;

/** One deny rule: what it closes, for whom, when, and who says so. */
export function ContractItem({ contract }: { readonly contract: ContractRow }) {
  const nowMs = useNow();
  const { Icon, tone } = looks[contract.status];
  return (
    <li data-thing="contract" data-copy={contract.id} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={`${marks["mark"]} ${marks[tone]}`}>
          <Icon size={14} aria-hidden />
          {p(`rules.status.${contract.status}`)}
        </span>
        <span className={styles["name"]}>{plainLine(contract.id)}</span>
        {contract.patterns.map((pattern) => (
          <code key={pattern}>{pattern}</code>
        ))}
      </div>
      <Reasons reasons={factsOf(contract, nowMs)} />
    </li>
  );
}

function factsOf(contract: ContractRow, nowMs: number): readonly Reason[] {
  const { reason, quotaLimit, quotaWindowSecs, source, place } = contract;
  const time = timeText(contract, nowMs);
  const subject = subjectText(contract);
  const quota =
    quotaLimit === undefined || quotaWindowSecs === undefined
      ? undefined
      : p("rules.quota.text", { count: quotaLimit, window: formatDuration(quotaWindowSecs * 1000) });
  return [
    ...fact("rules.fact.reason", reason),
    ...fact("rules.fact.quota", quota),
    ...fact("rules.fact.window", time),
    ...fact("rules.fact.subject", subject),
    ...fact("rules.fact.source", place ?? source),
  ];
}

const fact = (label: Parameters<typeof p>[0], value: string | undefined): readonly Reason[] =>
  value === undefined || value === "" ? [] : [{ label: p(label), value }];

function timeText({ validFromMs, validToMs, endsAtMs, status }: ContractRow, nowMs: number): string {
  const toMs = endsAtMs ?? validToMs;
  const from = validFromMs === undefined ? "" : formatExact(validFromMs);
  const to = toMs === undefined ? "" : formatExact(toMs);
  const left =
    toMs !== undefined && status === "active" ? p("rules.window.left", { left: leftText(toMs - nowMs) }) : "";
  const text = rangeText(from, to);
  return [text, left].filter((part) => part !== "").join(", ");
}

function rangeText(from: string, to: string): string {
  if (from !== "" && to !== "") return p("rules.window.both", { from, to });
  if (from !== "") return p("rules.window.from", { from });
  return to === "" ? "" : p("rules.window.to", { to });
}

function subjectText({ subjectRole, subjectNode, subjectAgent, tagsAny }: ContractRow): string {
  return [
    subjectRole === undefined ? "" : p("rules.subject.role", { role: subjectRole }),
    subjectNode === undefined ? "" : p("rules.subject.node", { node: subjectNode }),
    subjectAgent === undefined ? "" : p("rules.subject.agent", { agent: subjectAgent }),
    tagsAny === undefined ? "" : p("rules.subject.tags", { tags: tagsAny.join(", ") }),
  ]
    .filter((part) => part !== "")
    .join(", ");
}
