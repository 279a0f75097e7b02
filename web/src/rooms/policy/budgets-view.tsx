import { useMutation, useQuery } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { Meter } from "../../parts/meter.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import { keys } from "../../stream/refresh.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import { meaningOf } from "./allowance-words.ts";
import { amountText, meaningText } from "./amount-text.ts";
import { Left } from "./left.tsx";
import { type Allowance, policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "./policy-page.module.css";

/** Ceilings, how much of each is used, and when it begins anew. */
export function BudgetsView() {
  const list = useQuery({ queryKey: keys.budgets, queryFn: ({ signal }) => policyApi.allowances(signal) });
  const [removing, setRemoving] = useState<Allowance | null>(null);
  const rows = list.data?.allowances ?? [];
  return (
    <>
      <AddForm />
      {list.isError ? <ErrorCard error={list.error} onRetry={() => void list.refetch()} /> : null}
      {list.isPending ? <Skeleton rows={3} /> : null}
      {list.data && rows.length === 0 ? (
        <EmptyState line={p("budgets.empty.title")} why={p("budgets.empty.why")} />
      ) : null}
      {rows.length > 0 ? (
        <ul className={styles["list"]} aria-label={p("budgets.list.label")}>
          {rows.map((row) => (
            <AllowanceItem key={row.allowanceId} allowance={row} onRemove={() => setRemoving(row)} />
          ))}
        </ul>
      ) : null}
      {removing ? <RemoveDialog allowance={removing} onClose={() => setRemoving(null)} /> : null}
    </>
  );
}

function AddForm() {
  const { client } = useHub();
  const [text, setText] = useState("");
  const add = useMutation({
    mutationFn: (words: string) => policyApi.allow(words),
    onSuccess: () => {
      setText("");
      return client.invalidateQueries({ queryKey: keys.budgets });
    },
  });
  const meaning = meaningOf(text);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    add.mutate(text.trim());
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
      <div className={styles["actions"]}>
        <Button type="submit" look="primary" disabled={add.isPending}>
          {p("budgets.add.action")}
        </Button>
      </div>
    </form>
  );
}

function AllowanceItem({ allowance, onRemove }: { readonly allowance: Allowance; readonly onRemove: () => void }) {
  const { allowanceId, text, unit, limit, used, left, resetsAtMs, createdBy, window } = allowance;
  const name = plainLine(text);
  const amount = (value: number): string => amountText(unit, value);
  return (
    <li data-thing="allowance" data-copy={allowanceId} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{name}</span>
        <span className={styles["quiet"]}>{p("budgets.row.by", { caller: plainLine(createdBy) })}</span>
        <span className={styles["source"]}>
          <Button look="quiet" aria-label={p("budgets.row.label", { text: name })} onClick={onRemove}>
            {p("budgets.row.remove")}
          </Button>
        </span>
      </div>
      {window === "run" ? (
        <p className={styles["figures"]}>{p("budgets.row.run", { limit: amount(limit) })}</p>
      ) : (
        <>
          <Meter value={used} max={limit} label={p("budgets.row.used", { used: amount(used), limit: amount(limit) })} />
          <p className={styles["figures"]}>
            <span>{p("budgets.row.used", { used: amount(used), limit: amount(limit) })}</span>
            <span>{p("budgets.row.left", { left: amount(left) })}</span>
            {resetsAtMs === null ? null : (
              <span>
                {p("budgets.row.resets")} <Left untilMs={resetsAtMs} />
              </span>
            )}
          </p>
        </>
      )}
    </li>
  );
}

/** There is no undo, so this asks first. */
function RemoveDialog({ allowance, onClose }: { readonly allowance: Allowance; readonly onClose: () => void }) {
  const { client } = useHub();
  const remove = useMutation({
    mutationFn: () => policyApi.disallow(allowance.allowanceId),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: keys.budgets });
    },
  });
  return (
    <ConfirmDialog
      title={p("budgets.remove.title", { text: plainLine(allowance.text) })}
      action={p("budgets.remove.action")}
      keep={p("budgets.remove.keep")}
      asking={remove}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>{p("budgets.remove.body")}</p>
    </ConfirmDialog>
  );
}
