import { useMutation, useQuery } from "@tanstack/react-query";
import { useLayoutEffect, useRef, useState } from "react";
import { useHub, useNow } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { LoadedList } from "../../parts/list-section.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { emptyDraft, type LeaseDraft } from "./lease-draft.ts";
import { LeaseForm } from "./lease-form.tsx";
import { LeaseItem } from "./lease-item.tsx";
import { draftOf } from "./lease-words.ts";
import { type Lease, policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

/** What is permitted for a while: each counted down, taken back by one press, and given by a form. */
export function LeasesView() {
  const list = useQuery({ queryKey: keys.leases, queryFn: ({ signal }) => policyApi.leases(signal) });
  const [draft, setDraft] = useState<LeaseDraft>(emptyDraft);
  const now = useNow();
  const { client } = useHub();
  const revoke = useMutation({
    mutationFn: (lease: Lease) => policyApi.revokeLease(lease.leaseId),
    onSettled: () => client.invalidateQueries({ queryKey: keys.leases }),
  });
  // One that just ran out goes without waiting to be told.
  const leases = list.data?.leases.filter(({ endsAtMs }) => endsAtMs > now) ?? [];
  return (
    <>
      <p className={styles["lead"]}>{p("leases.lead.text")}</p>
      {revoke.isError ? <ErrorCard error={revoke.error} title={p("leases.revoke.failed")} /> : null}
      {revoke.isSuccess ? (
        <Revoked lease={revoke.variables} onAgain={(next) => (setDraft(next), revoke.reset())} />
      ) : null}
      <LoadedList
        label={p("leases.list.label")}
        loading={list}
        rows={leases}
        empty={<EmptyState line={p("leases.empty.title")} why={p("leases.empty.why")} />}
      >
        {(lease) => (
          <LeaseItem
            key={lease.leaseId}
            lease={lease}
            isEnding={revoke.isPending && revoke.variables.leaseId === lease.leaseId}
            onRevoke={() => revoke.mutate(lease)}
          />
        )}
      </LoadedList>
      <LeaseForm draft={draft} onDraft={setDraft} />
    </>
  );
}

/** The row is gone, so the focus goes where the way back is. */
function Revoked({ lease, onAgain }: { readonly lease: Lease; readonly onAgain: (draft: LeaseDraft) => void }) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => place.current?.focus(), []);
  const values = { capability: plainLine(lease.scope.host ?? lease.capability), holder: plainLine(lease.holder) };
  return (
    <div ref={place} className={styles["card"]} role="status" tabIndex={-1}>
      <p>{p(lease.kind === "host" ? "leases.revoked.host" : "leases.revoked.call", values)}</p>
      <div className={styles["actions"]}>
        <Button onClick={() => onAgain(draftOf(lease))}>{p("leases.revoked.again")}</Button>
      </div>
    </div>
  );
}
