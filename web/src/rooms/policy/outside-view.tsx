import { Link } from "@tanstack/react-router";
import { Skeleton } from "../../parts/skeleton.tsx";
import { type Reach, useReach } from "../../shell/use-now.ts";
import { plainLine } from "../../text/plain.ts";
import { EgressLedger } from "./egress-ledger.tsx";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

/** What may leave this machine, and what has left. */
export function OutsideView() {
  const reach = useReach();
  return (
    <>
      {reach ? <Openness reach={reach} /> : <Skeleton rows={2} />}
      <EgressLedger />
    </>
  );
}

function Openness({ reach: { posture, leases } }: { readonly reach: Reach }) {
  return (
    <section className={styles["section"]} aria-labelledby="policy-posture">
      <h2 id="policy-posture">{p("outside.posture.title")}</h2>
      <p className={styles["row"]}>
        <span>{p(`outside.posture.${posture.posture}`)}</span>
        {posture.posture === "allowlist"
          ? posture.hosts.map((host) => <code key={host}>{plainLine(host)}</code>)
          : null}
        <span className={styles["quiet"]}>{p("outside.posture.by", { source: plainLine(posture.source) })}</span>
      </p>
      <p className={styles["row"]}>
        <span>
          {leases.length === 0 ? p("outside.leases.none") : p("outside.leases.open", { count: leases.length })}
        </span>
        {leases.map(({ leaseId, host }) => (
          <code key={leaseId}>{plainLine(host)}</code>
        ))}
        <Link to="/policy" search={{ view: "leases" }} className={styles["link"]}>
          {p("outside.leases.link")}
        </Link>
      </p>
    </section>
  );
}
