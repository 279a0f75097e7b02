import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button } from "../../parts/button.tsx";
import { When } from "../../parts/when.tsx";
import { Reasons } from "../../parts/why-panel.tsx";
import { keys } from "../../stream/refresh.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import { capabilityText, holderText, leftTexts, scopeFacts } from "./lease-words.ts";
import { Left } from "./left.tsx";
import { type Lease, policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

/** What every key is for, by key; the same question as the tester's. */
export function useKeys() {
  const list = useQuery({ queryKey: [...keys.rules, "keys"], queryFn: ({ signal }) => policyApi.keys(signal) });
  return list.data?.keys ?? [];
}

interface LeaseItemProps {
  readonly lease: Lease;
  readonly isEnding: boolean;
  readonly onRevoke: () => void;
}

export function LeaseItem({ lease, isEnding, onRevoke }: LeaseItemProps) {
  const { kind, leaseId, capability, holder, scope, endsAtMs, grantedBy, grantedAtMs, reason, approvalId } = lease;
  const known = useKeys();
  const isHost = kind === "host";
  const name = plainLine(isHost ? (scope.host ?? "") : capability);
  const about = (key: string): string | undefined => known.find((each) => each.key === key)?.about;
  const facts = scopeFacts(lease);
  return (
    <li data-thing="lease" data-copy={leaseId} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{name}</span>
        <span>{p("leases.row.for", { holder: plainLine(holderText(holder)) })}</span>
        <span className={styles["source"]}>
          <Button
            look="quiet"
            disabled={isEnding}
            aria-label={p("leases.row.label", { name, holder: plainLine(holderText(holder)) })}
            onClick={onRevoke}
          >
            {p("leases.row.revoke")}
          </Button>
        </span>
      </div>
      <p>{isHost ? p("leases.row.host") : plainLine(capabilityText(capability, about))}</p>
      {facts.length > 0 ? <Reasons reasons={facts} /> : null}
      <p className={styles["terms"]}>
        <span>
          {p("leases.row.left")} <Left untilMs={endsAtMs} />
        </span>
        {leftTexts(lease).map((text) => (
          <span key={text}>{text}</span>
        ))}
        <span>
          {p("leases.row.by", { caller: plainLine(grantedBy) })} <When timeMs={grantedAtMs} />
        </span>
        {reason ? <span>{plainLine(reason)}</span> : null}
      </p>
      {approvalId === undefined && scope.run === undefined ? null : (
        <p className={styles["row"]}>
          {approvalId === undefined ? null : <span className={styles["quiet"]}>{p("leases.row.answer")}</span>}
          {scope.run === undefined ? null : (
            <Link to="/episodes/$id" params={{ id: scope.run }} className={styles["link"]}>
              {t("approval.action.episode")}
            </Link>
          )}
        </p>
      )}
    </li>
  );
}
