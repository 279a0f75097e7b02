import { useMutation, useQuery } from "@tanstack/react-query";
import { CheckIcon, CircleSlashIcon, type LucideIcon, RotateCwIcon, ShieldIcon } from "lucide-react";
import { useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { ListSection, Section } from "../../parts/list-section.tsx";
import marks from "../../parts/marks.module.css";
import { When } from "../../parts/when.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { useRefreshWhileSeen } from "../events/use-stats.ts";
import { Left } from "./left.tsx";
import { type AdoptionLedger, type Capsule, policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

/** Rules of others that are in force here, and what became of every capsule that was presented. */
export function CapsulesView() {
  const status = useQuery({
    queryKey: [...keys.capsules, "held"],
    queryFn: ({ signal }) => policyApi.capsules(signal),
  });
  const [ending, setEnding] = useState<Capsule | null>(null);
  const { adopted = [], former = [] } = status.data ?? {};
  return (
    <>
      <ListSection
        title={p("capsules.held.title")}
        lead={p("capsules.held.lead")}
        loading={status}
        rows={adopted}
        empty={p("capsules.held.empty")}
        bones={2}
      >
        {(capsule) => <CapsuleItem key={capsule.digest} capsule={capsule} onEnd={() => setEnding(capsule)} />}
      </ListSection>
      {former.length > 0 ? (
        <Section title={p("capsules.former.title")} lead={p("capsules.former.lead")}>
          <ul className={styles["list"]} aria-label={p("capsules.former.title")}>
            {former.map((capsule) => (
              <CapsuleItem key={capsule.digest} capsule={capsule} />
            ))}
          </ul>
        </Section>
      ) : null}
      <Ledger />
      {ending ? <EndDialog capsule={ending} onClose={() => setEnding(null)} /> : null}
    </>
  );
}

function CapsuleItem({ capsule, onEnd }: { readonly capsule: Capsule; readonly onEnd?: () => void }) {
  const { id, issuer, rules, hopsLeft, untilMs, by, digest } = capsule;
  return (
    <li data-thing="capsule" data-copy={digest} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>
          {p("capsules.row.name", { id: plainLine(id), issuer: plainLine(issuer) })}
        </span>
        <span>{p("capsules.row.rules", { count: rules })}</span>
        <span className={styles["quiet"]}>{p("capsules.row.by", { caller: plainLine(by) })}</span>
        {onEnd ? (
          <span className={styles["source"]}>
            <Button look="quiet" aria-label={p("capsules.row.label", { id: plainLine(id) })} onClick={onEnd}>
              {p("capsules.row.end")}
            </Button>
          </span>
        ) : null}
      </div>
      <p className={styles["figures"]}>
        <span>
          {p("capsules.row.left")} <Left untilMs={untilMs} />
        </span>
        <span>{p("capsules.row.hops", { count: hopsLeft })}</span>
      </p>
    </li>
  );
}

function EndDialog({ capsule, onClose }: { readonly capsule: Capsule; readonly onClose: () => void }) {
  const { client } = useHub();
  const end = useMutation({
    mutationFn: () => policyApi.endCapsule(capsule),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: keys.capsules });
    },
  });
  return (
    <ConfirmDialog
      title={p("capsules.end.title", { id: plainLine(capsule.id) })}
      action={p("capsules.end.action")}
      keep={p("capsules.end.keep")}
      asking={end}
      onConfirm={() => end.mutate()}
      onClose={onClose}
    >
      <p>{p("capsules.end.body")}</p>
    </ConfirmDialog>
  );
}

type AdoptionRow = AdoptionLedger["rows"][number];

const looks: Readonly<Record<AdoptionRow["what"], { readonly Icon: LucideIcon; readonly tone: string }>> = {
  adopted: { Icon: CheckIcon, tone: "ok" },
  presented: { Icon: RotateCwIcon, tone: "info" },
  refused: { Icon: ShieldIcon, tone: "bad" },
  ended: { Icon: CircleSlashIcon, tone: "calm" },
};

function Ledger() {
  const refresh = useRefreshWhileSeen();
  const ledger = useQuery({
    queryKey: [...keys.capsules, "ledger"],
    queryFn: ({ signal }) => policyApi.adoptions(signal),
    // A refusal is written nowhere by default, so no event tells of it.
    ...refresh,
  });
  const rows = ledger.data?.rows ?? [];
  return (
    <ListSection
      title={p("capsules.ledger.title")}
      {...(ledger.data?.isKept === false ? { lead: p("capsules.ledger.passing") } : {})}
      loading={ledger}
      rows={rows}
      empty={p("capsules.ledger.empty")}
      bones={2}
    >
      {(row) => <AdoptionItem key={`${row.timeMs} ${row.corrId} ${row.what} ${row.issuer} ${row.id}`} row={row} />}
    </ListSection>
  );
}

function AdoptionItem({ row: { what, issuer, id, reason, by, timeMs } }: { readonly row: AdoptionRow }) {
  const { Icon, tone } = looks[what];
  const unknown = p("capsules.ledger.unknown");
  return (
    <li>
      <div className={styles["row"]}>
        <span className={`${marks["mark"]} ${marks[tone]}`}>
          <Icon size={14} aria-hidden />
          {p(`capsules.what.${what}`)}
        </span>
        <span className={styles["name"]}>
          {p("capsules.row.name", { id: plainLine(id ?? unknown), issuer: plainLine(issuer ?? unknown) })}
        </span>
        {reason === undefined ? null : <code>{reason}</code>}
        <span className={styles["quiet"]}>{p("capsules.row.by", { caller: plainLine(by) })}</span>
        <span className={styles["source"]}>
          <When timeMs={timeMs} />
        </span>
      </div>
    </li>
  );
}
