import { useMutation, useQuery } from "@tanstack/react-query";
import { useLayoutEffect, useRef } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { LoadedList, Section } from "../../parts/list-section.tsx";
import styles from "../../parts/page.module.css";
import { When } from "../../parts/when.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { CedarView } from "./cedar-view.tsx";
import { PastCalls } from "./past-calls.tsx";
import { type Adopted, policyApi, type Proposal } from "./policy-api.ts";
import { p } from "./policy-messages.ts";

/** Rules that past answers suggest, each with its exact effect; one press makes one a rule, and one takes it back. */
export function ProposalsSection() {
  const { client } = useHub();
  const list = useQuery({
    queryKey: [...keys.rules, "proposals"],
    queryFn: ({ signal }) => policyApi.proposals(signal),
  });
  const adopt = useMutation({
    mutationFn: (proposal: Proposal) => policyApi.adopt(proposal.proposal),
    onSettled: () => client.invalidateQueries({ queryKey: keys.rules }),
  });
  const { proposals = [], skipped = [] } = list.data ?? {};
  const passed = skipped.reduce((sum, { questions }) => sum + questions, 0);
  return (
    <Section title={p("proposals.list.title")} lead={p("proposals.list.lead")}>
      {adopt.isError ? <ErrorCard error={adopt.error} /> : null}
      {adopt.data ? <Made key={adopt.data.rule} adopted={adopt.data} /> : null}
      <LoadedList
        label={p("proposals.list.title")}
        loading={list}
        rows={proposals}
        empty={p("proposals.list.empty")}
        bones={1}
      >
        {(proposal) => (
          <ProposalItem
            key={proposal.proposal}
            proposal={proposal}
            isBusy={adopt.isPending}
            onAdopt={() => adopt.mutate(proposal)}
          />
        )}
      </LoadedList>
      {passed > 0 ? (
        <details className={styles["fold"]}>
          <summary>{p("proposals.skipped.title", { count: passed })}</summary>
          <ul>
            {skipped.map(({ why, questions }) => (
              <li key={why}>
                {questions} {plainLine(why)}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
    </Section>
  );
}

interface ItemProps {
  readonly proposal: Proposal;
  readonly isBusy: boolean;
  readonly onAdopt: () => void;
}

function ProposalItem({ proposal, isBusy, onAdopt }: ItemProps) {
  const { about, kind, allowed, denied, lastMs, effect, opens, text } = proposal;
  const examples = effect.rules.flatMap((rule) => rule.examples);
  return (
    <li data-thing="proposal" data-copy={proposal.proposal} tabIndex={-1}>
      <div className={styles["row"]}>
        <span className={styles["name"]}>{plainLine(about)}</span>
        <span className={styles["source"]}>
          <Button
            disabled={isBusy}
            aria-label={p("proposals.adopt.label", { about: plainLine(about) })}
            onClick={onAdopt}
          >
            {p("proposals.adopt.action")}
          </Button>
        </span>
      </div>
      <p>{plainLine(effect.words)}</p>
      <p className={styles["terms"]}>
        <span>
          {kind === "permit"
            ? p("proposals.row.allowed", { count: allowed })
            : p("proposals.row.denied", { count: denied })}
        </span>
        <span>
          {p("proposals.row.last")} <When timeMs={lastMs} />
        </span>
      </p>
      {opens.length > 0 ? (
        <div>
          <p>{p("proposals.row.opens")}</p>
          <ul>
            {opens.map((each) => (
              <li key={each}>{plainLine(each)}</li>
            ))}
          </ul>
        </div>
      ) : null}
      <CedarView text={text} />
      {examples.length > 0 ? (
        <details className={styles["fold"]}>
          <summary>{p("proposals.row.past")}</summary>
          <PastCalls examples={examples} />
        </details>
      ) : null}
    </li>
  );
}

/** The proposal is gone from the list, so the focus goes where the way back is. */
function Made({ adopted: { rule, place, effect } }: { readonly adopted: Adopted }) {
  const { client } = useHub();
  const card = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => card.current?.focus(), []);
  const back = useMutation({
    mutationFn: () => policyApi.withdraw(rule),
    onSettled: () => client.invalidateQueries({ queryKey: keys.rules }),
  });
  return (
    <div ref={card} className={styles["card"]} role="status" tabIndex={-1}>
      <p>{back.isSuccess ? p("proposals.adopt.undone") : p("proposals.adopt.done", { place: plainLine(place) })}</p>
      {back.isSuccess ? null : <p className={styles["quiet"]}>{plainLine(effect)}</p>}
      {back.isError ? <ErrorCard error={back.error} /> : null}
      {back.isSuccess ? null : (
        <div className={styles["actions"]}>
          <Button disabled={back.isPending} onClick={() => back.mutate()}>
            {p("proposals.adopt.undo")}
          </Button>
        </div>
      )}
    </div>
  );
}
