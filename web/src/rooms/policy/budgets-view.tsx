import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api.ts";
import { useHub } from "../../hub-context.ts";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { LoadedList } from "../../parts/list-section.tsx";
import type { Allowance } from "../../shapes.ts";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { AllowanceForm } from "./allowance-form.tsx";
import { AllowanceItem } from "./allowance-item.tsx";
import { policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import { Prices } from "./prices-section.tsx";

/** Ceilings, how much of each is used, and when it begins anew. */
export function BudgetsView() {
  const list = useQuery({ queryKey: keys.budgets, queryFn: ({ signal }) => api.allowances(signal) });
  const [removing, setRemoving] = useState<Allowance | null>(null);
  const rows = list.data?.allowances ?? [];
  return (
    <>
      <AllowanceForm />
      <LoadedList
        label={p("budgets.list.label")}
        loading={list}
        rows={rows}
        empty={<EmptyState line={p("budgets.empty.title")} why={p("budgets.empty.why")} />}
      >
        {(row) => <AllowanceItem key={row.allowanceId} allowance={row} onRemove={() => setRemoving(row)} />}
      </LoadedList>
      <Prices />
      {removing ? <RemoveDialog allowance={removing} onClose={() => setRemoving(null)} /> : null}
    </>
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
