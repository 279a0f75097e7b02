import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { Skeleton } from "../../parts/skeleton.tsx";
import type { Lease } from "../../shapes.ts";
import { type Reach, useReach } from "../../shell/use-now.ts";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { EgressLedger } from "./egress-ledger.tsx";
import { Left } from "./left.tsx";
import { policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "./policy-page.module.css";

/** What may leave this machine, for how long, and what has left. */
export function OutsideView() {
  const reach = useReach();
  return (
    <>
      {reach ? <Openings reach={reach} /> : <Skeleton rows={4} />}
      <EgressLedger />
    </>
  );
}

function Openings({ reach: { posture, leases } }: { readonly reach: Reach }) {
  const [closing, setClosing] = useState<Lease | null>(null);
  return (
    <>
      <section className={styles["section"]} aria-labelledby="policy-posture">
        <h2 id="policy-posture">{p("outside.posture.title")}</h2>
        <p className={styles["row"]}>
          <span>{p(`outside.posture.${posture.posture}`)}</span>
          {posture.posture === "allowlist"
            ? posture.hosts.map((host) => <code key={host}>{plainLine(host)}</code>)
            : null}
          <span className={styles["quiet"]}>{p("outside.posture.by", { source: plainLine(posture.source) })}</span>
        </p>
      </section>
      <section className={styles["section"]} aria-labelledby="policy-leases">
        <h2 id="policy-leases">{p("outside.leases.title")}</h2>
        {leases.length === 0 ? <p className={styles["quiet"]}>{p("outside.leases.empty")}</p> : null}
        {leases.length > 0 ? (
          <ul className={styles["list"]} aria-label={p("outside.leases.title")}>
            {leases.map((lease) => (
              <LeaseItem key={lease.leaseId} lease={lease} onRevoke={() => setClosing(lease)} />
            ))}
          </ul>
        ) : null}
      </section>
      {closing ? <RevokeDialog lease={closing} onClose={() => setClosing(null)} /> : null}
    </>
  );
}

function LeaseItem({ lease, onRevoke }: { readonly lease: Lease; readonly onRevoke: () => void }) {
  const { leaseId, isPrivate, agent, reason, endsAtMs, grantedBy } = lease;
  const host = plainLine(lease.host);
  return (
    <li data-thing="lease" data-copy={leaseId} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{host}</span>
        {isPrivate ? <span>{p("outside.lease.private")}</span> : null}
        {agent === undefined ? null : <span>{p("outside.lease.agent", { agent: plainLine(agent) })}</span>}
        <span className={styles["quiet"]}>{p("outside.lease.by", { caller: plainLine(grantedBy) })}</span>
        <span className={styles["source"]}>
          <Button look="quiet" aria-label={p("outside.lease.label", { host })} onClick={onRevoke}>
            {p("outside.lease.revoke")}
          </Button>
        </span>
      </div>
      <p className={styles["figures"]}>
        <span>
          {p("outside.lease.left")} <Left untilMs={endsAtMs} />
        </span>
        {reason ? <span>{plainLine(reason)}</span> : null}
      </p>
    </li>
  );
}

/** A lease can be given anew, but what is under way ends: this asks first. */
function RevokeDialog({ lease, onClose }: { readonly lease: Lease; readonly onClose: () => void }) {
  const { client } = useHub();
  const revoke = useMutation({
    mutationFn: () => policyApi.revokeLease(lease.leaseId),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: keys.egress });
    },
  });
  return (
    <ConfirmDialog
      title={p("outside.revoke.title", { host: plainLine(lease.host) })}
      action={p("outside.revoke.action")}
      keep={p("outside.revoke.keep")}
      asking={revoke}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    >
      <p>{p("outside.revoke.body")}</p>
    </ConfirmDialog>
  );
}
