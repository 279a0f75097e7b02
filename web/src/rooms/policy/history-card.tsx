import { useMutation } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { AreaField } from "../../parts/area-field.tsx";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import styles from "../../parts/page.module.css";
import { plainLine } from "../../text/plain.ts";
import { PastCalls } from "./past-calls.tsx";
import { type PolicyEffect, policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";

/** What a policy would have changed of all that was ever decided here. */
export function HistoryCard() {
  const [policy, setPolicy] = useState("");
  const [decisions, setDecisions] = useState(0);
  const ask = useMutation({ mutationFn: () => policyApi.whatIfPolicy(policy, setDecisions) });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setDecisions(0);
    ask.mutate();
  };
  return (
    <form className={styles["card"]} aria-label={p("history.form.title")} noValidate onSubmit={submit}>
      <h2>{p("history.form.title")}</h2>
      <p className={styles["lead"]}>{p("history.form.lead")}</p>
      <AreaField
        label={p("history.form.field")}
        rows={4}
        value={policy}
        placeholder={p("history.form.example")}
        onChange={(event) => setPolicy(event.target.value)}
      />
      {ask.isError ? <ErrorCard error={ask.error} /> : null}
      <div className={styles["actions"]}>
        <Button type="submit" disabled={ask.isPending || policy.trim() === ""}>
          {p("history.form.action")}
        </Button>
        {ask.isPending && decisions > 0 ? <span>{p("history.form.progress", { count: decisions })}</span> : null}
      </div>
      <div aria-live="polite">{ask.data ? <Effect effect={ask.data} /> : null}</div>
    </form>
  );
}

function Effect({ effect }: { readonly effect: PolicyEffect }) {
  const { words, answered, blocked, asked, opened, unchanged, unknown, unknowns, rules } = effect;
  return (
    <div className={styles["section"]} role="group" aria-label={p("history.told.label")}>
      <p className={styles["name"]}>{plainLine(words)}</p>
      <p className={styles["terms"]}>
        <span>{p("history.sum.answered", { count: answered })}</span>
        <span>{p("history.sum.blocked", { count: blocked })}</span>
        <span>{p("history.sum.asked", { count: asked })}</span>
        <span>{p("history.sum.opened", { count: opened })}</span>
        <span>{p("history.sum.same", { count: unchanged })}</span>
        <span>{p("history.sum.unknown", { count: unknown })}</span>
      </p>
      {unknowns.map(({ why, decisions }) => (
        <p key={why}>{p("history.unknown.row", { count: decisions, why: plainLine(why) })}</p>
      ))}
      {rules.length > 0 ? (
        <details className={styles["fold"]}>
          <summary>{p("history.rules.more")}</summary>
          {rules.map(({ rule, source, examples }) => (
            <div key={`${source} ${rule}`}>
              <p className={styles["row"]}>
                <code>{plainLine(rule)}</code> <span className={styles["quiet"]}>{plainLine(source)}</span>
              </p>
              <PastCalls examples={examples} />
            </div>
          ))}
        </details>
      ) : null}
    </div>
  );
}
