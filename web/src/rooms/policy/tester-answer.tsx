import { Link } from "@tanstack/react-router";
import { CopyButton } from "../../parts/copy-button.tsx";
import { type Reason, Reasons } from "../../parts/why-panel.tsx";
import { commandOf } from "../../text/command-of.ts";
import { formatDuration } from "../../text/formats.ts";
import { plainLine } from "../../text/plain.ts";
import type { Explained, StageAnswer } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";
import { VerdictMark } from "./verdict-mark.tsx";

/** The verdict, the rule that decides, and what every stage said on the way. */
export function TesterAnswer({ answer }: { readonly answer: Explained }) {
  const { verdict, key, caller, decidedBy, stages } = answer;
  return (
    <section className={styles["card"]} aria-label={p("tester.answer.label")}>
      <p className={styles["row"]} role="status">
        <VerdictMark verdict={verdict} />
        <strong className={styles["name"]}>
          {p(`tester.answer.${verdict}`, { key: plainLine(key), caller: plainLine(caller) })}
        </strong>
      </p>
      {decidedBy ? <Decision decidedBy={decidedBy} /> : <p>{p("tester.answer.open")}</p>}
      {stages.some(isLeased) ? <Covered /> : null}
      <h2>{p("tester.stages.title")}</h2>
      {stages.length === 0 ? <p className={styles["quiet"]}>{p("tester.stages.none")}</p> : null}
      <ol className={styles["list"]} aria-label={p("tester.stages.title")}>
        {stages.map((stage) => (
          <StageItem key={`${stage.stage} ${stage.key}`} stage={stage} />
        ))}
      </ol>
    </section>
  );
}

/** What decided, and the nearest change, ready to be copied where it is a command. */
function Decision({ decidedBy }: { readonly decidedBy: StageAnswer }) {
  const command = commandOf(decidedBy.next ?? "");
  return (
    <>
      <Reasons reasons={factsOf(decidedBy)} />
      {command === undefined ? null : (
        <div className={styles["actions"]}>
          <CopyButton label={p("tester.next.copy")} text={command} />
        </div>
      )}
    </>
  );
}

const isLeased = ({ rule, verdict }: StageAnswer): boolean => verdict === "pass" && rule?.startsWith("lease:") === true;

const Covered = () => (
  <p className={styles["row"]}>
    <span>{p("tester.lease.covers")}</span>
    <Link to="/policy" search={{ view: "leases" }} className={styles["link"]}>
      {p("tester.lease.link")}
    </Link>
  </p>
);

function StageItem({ stage: { stage, key, verdict, reason, rule, source } }: { readonly stage: StageAnswer }) {
  return (
    <li>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{stage}</span>
        <VerdictMark verdict={verdict} />
        <code>{plainLine(key)}</code>
        {source ? <span className={styles["source"]}>{plainLine(source)}</span> : null}
      </div>
      <p>
        {rule ? <code>{plainLine(rule)}</code> : null} {plainLine(reason)}
      </p>
    </li>
  );
}

function factsOf({ stage, rule, source, reason, next, retryAfterMs }: StageAnswer): readonly Reason[] {
  const fact = (label: Parameters<typeof p>[0], value: string | undefined, isCode = false): readonly Reason[] =>
    value === undefined || value === "" ? [] : [{ label: p(label), value, isCode }];
  const wait = retryAfterMs === undefined ? undefined : p("tester.fact.after", { wait: formatDuration(retryAfterMs) });
  return [
    ...fact("tester.fact.rule", rule, true),
    ...fact("tester.fact.source", source),
    ...fact("tester.fact.stage", stage),
    ...fact("tester.fact.reason", reason),
    ...fact("tester.fact.next", next, commandOf(next ?? "") === next),
    ...fact("tester.fact.retry", wait),
  ];
}
