import { useMutation } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { Field } from "../../parts/field.tsx";
import { SelectField } from "../../parts/select-field.tsx";
import { keys } from "../../stream/refresh.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import { meaningOf } from "./allowance-words.ts";
import { meaningText } from "./amount-text.ts";
import { type NewAllowance, policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

/** What the hub takes when nobody says otherwise is not sent. */
const usual = { soft: "80", over: "warn", unknown: "refuse" } as const;
type Terms = { readonly [Name in keyof typeof usual]: string };

const termsOf = ({ soft, over, unknown }: Terms, isMoney: boolean): Omit<NewAllowance, "allowance"> => ({
  ...(soft.trim() === usual.soft || soft.trim() === "" ? {} : { soft: soft.trim() }),
  ...(over === "ask" ? { over } : {}),
  ...(isMoney && unknown === "allow" ? { unknown } : {}),
});

/** A ceiling in the words of the command line; what it means is said while it is typed. */
export function AllowanceForm() {
  const { client } = useHub();
  const [text, setText] = useState("");
  const [terms, setTerms] = useState<Terms>(usual);
  const meaning = meaningOf(text);
  const isMoney = meaning?.unit === "microUsd";
  const add = useMutation({
    mutationFn: () => policyApi.allow({ allowance: [text.trim()], ...termsOf(terms, isMoney) }),
    onSuccess: () => {
      setText("");
      setTerms(usual);
      return client.invalidateQueries({ queryKey: keys.budgets });
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    add.mutate();
  };
  const change = (next: string): void => {
    setText(next);
    if (add.isError) add.reset();
  };
  return (
    <form className={styles["card"]} aria-label={p("budgets.add.label")} onSubmit={submit}>
      <Field
        label={p("budgets.add.field")}
        data-filter
        required
        value={text}
        help={meaning ? meaningText(meaning) : p("budgets.add.help")}
        error={add.isError ? plainLine(add.error.message) || t("error.card.unreachable") : undefined}
        onChange={(event) => change(event.target.value)}
      />
      <details className={styles["fold"]}>
        <summary>{p("budgets.soft.title")}</summary>
        <div className={styles["fields"]}>
          <Field
            label={p("budgets.soft.field")}
            help={p("budgets.soft.help")}
            inputMode="numeric"
            pattern="[1-9][0-9]?%?"
            value={terms.soft}
            onChange={(event) => setTerms({ ...terms, soft: event.target.value })}
          />
          <SelectField
            label={p("budgets.over.field")}
            value={terms.over}
            options={(["warn", "ask"] as const).map((value) => ({ value, label: p(`budgets.over.${value}`) }))}
            onChange={(over) => setTerms({ ...terms, over })}
          />
          {isMoney ? (
            <SelectField
              label={p("budgets.unknown.field")}
              value={terms.unknown}
              options={(["refuse", "allow"] as const).map((value) => ({ value, label: p(`budgets.unknown.${value}`) }))}
              onChange={(unknown) => setTerms({ ...terms, unknown })}
            />
          ) : null}
        </div>
      </details>
      <div className={styles["actions"]}>
        <Button type="submit" look="primary" disabled={add.isPending}>
          {p("budgets.add.action")}
        </Button>
      </div>
    </form>
  );
}
