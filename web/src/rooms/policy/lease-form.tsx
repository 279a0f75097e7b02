import { useMutation } from "@tanstack/react-query";
import { type SubmitEvent, useId, useState } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { Segmented } from "../../parts/segmented.tsx";
import { SelectField } from "../../parts/select-field.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import {
  type DraftFault,
  draftFaults,
  emptyDraft,
  holderKinds,
  type LeaseDraft,
  leaseOf,
  openingOf,
} from "./lease-draft.ts";
import { useKeys } from "./lease-item.tsx";
import { capabilityText } from "./lease-words.ts";
import { policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

interface LeaseFormProps {
  readonly draft: LeaseDraft;
  readonly onDraft: (draft: LeaseDraft) => void;
}

/** Gives a lease. Nothing but this, an answer to a question or the command line makes one. */
export function LeaseForm({ draft, onDraft }: LeaseFormProps) {
  const { client } = useHub();
  // What is missing is told once somebody tried, and goes as it is filled in.
  const [isTried, setTried] = useState(false);
  const faults = isTried ? draftFaults(draft) : [];
  const grant = useMutation({
    mutationFn: async (given: LeaseDraft): Promise<void> => {
      await (given.sort === "host" ? policyApi.openHost(openingOf(given)) : policyApi.grantLease(leaseOf(given)));
    },
    onSuccess: () => {
      setTried(false);
      onDraft({ ...emptyDraft, sort: draft.sort });
      return client.invalidateQueries({ queryKey: keys.leases });
    },
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    setTried(true);
    if (draftFaults(draft).length === 0) grant.mutate(draft);
  };
  const change = (next: Partial<LeaseDraft>): void => {
    onDraft({ ...draft, ...next });
    if (grant.isError) grant.reset();
  };
  const fields = { draft, faults, change };
  return (
    <form className={styles["card"]} aria-label={p("leases.add.label")} noValidate onSubmit={submit}>
      <div className={styles["head"]}>
        <h2>{p("leases.add.label")}</h2>
        <Segmented
          label={p("leases.add.sort")}
          value={draft.sort}
          onChange={(sort) => (change({ sort }), setTried(false))}
          options={[
            { value: "call", label: p("leases.sort.call") },
            { value: "host", label: p("leases.sort.host") },
          ]}
        />
      </div>
      <p className={styles["lead"]}>{p(`leases.lead.${draft.sort}`)}</p>
      {draft.sort === "call" ? <CallFields {...fields} /> : <HostFields {...fields} />}
      {grant.isError ? <ErrorCard error={grant.error} /> : null}
      <div className={styles["actions"]}>
        <Button type="submit" look="primary" disabled={grant.isPending}>
          {p(`leases.action.${draft.sort}`)}
        </Button>
      </div>
    </form>
  );
}

interface FieldsProps {
  readonly draft: LeaseDraft;
  readonly faults: readonly DraftFault[];
  readonly change: (next: Partial<LeaseDraft>) => void;
}

/** The narrowing fields stay folded until somebody narrows. */
function CallFields({ draft, faults, change }: FieldsProps) {
  const isNarrowed = [draft.folder, draft.path, draft.host, draft.tool, draft.run, draft.uses, draft.budget].some(
    Boolean,
  );
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <div className={styles["fields"]}>
        <CapabilityField draft={draft} faults={faults} change={change} />
        <SelectField
          label={p("leases.field.kind")}
          value={draft.kind}
          options={holderKinds.map((value) => ({ value, label: p(`tester.who.${value}`) }))}
          onChange={(kind) => change({ kind })}
        />
        <TextField name="name" help="leases.help.name" {...{ draft, faults, change }} />
        <TextField name="ttl" help="leases.help.ttl" {...{ draft, faults, change }} />
        <TextField name="reason" help="leases.help.reason" {...{ draft, faults, change }} />
      </div>
      <details
        className={styles["fold"]}
        open={isNarrowed || isOpen || faults.some((fault) => fault === "folder" || fault === "uses")}
        onToggle={(event) => setOpen(event.currentTarget.open)}
      >
        <summary>{p("leases.add.narrow")}</summary>
        <div className={styles["fields"]}>
          <TextField name="folder" help="leases.help.folder" {...{ draft, faults, change }} />
          <TextField name="path" help="leases.help.path" {...{ draft, faults, change }} />
          <TextField name="tool" help="leases.help.tool" {...{ draft, faults, change }} />
          <TextField name="host" help="leases.help.host" {...{ draft, faults, change }} />
          <TextField name="run" help="leases.help.run" {...{ draft, faults, change }} />
          <TextField name="uses" help="leases.help.uses" {...{ draft, faults, change }} />
          <TextField name="budget" help="leases.help.budget" {...{ draft, faults, change }} />
        </div>
      </details>
    </>
  );
}

const HostFields = (fields: FieldsProps) => (
  <div className={styles["fields"]}>
    <TextField name="host" help="leases.help.open" {...fields} />
    <TextField name="name" label="leases.field.agent" help="leases.help.agent" {...fields} />
    <TextField name="ttl" help="leases.help.ttl" {...fields} />
    <TextField name="reason" help="leases.help.reason" {...fields} />
  </div>
);

interface TextFieldProps extends FieldsProps {
  readonly name: Exclude<keyof LeaseDraft, "sort" | "kind" | "capability">;
  readonly label?: Parameters<typeof p>[0];
  readonly help: Parameters<typeof p>[0];
}

function TextField({ name, label, help, draft, faults, change }: TextFieldProps) {
  const fault = faults.find((each) => each === name);
  return (
    <Field
      label={p(label ?? `leases.field.${name}`)}
      help={p(help)}
      value={draft[name]}
      error={fault === undefined ? undefined : p(`leases.fault.${fault}`)}
      onChange={(event) => change({ [name]: event.target.value })}
    />
  );
}

/** Any key may be named, and the beginning of one; what it lets pass is said below as it is typed. */
function CapabilityField({ draft: { capability }, faults, change }: FieldsProps) {
  const listId = useId();
  const known = useKeys();
  const key = capability.trim().replaceAll(".", ":");
  const about = (named: string): string | undefined => known.find((each) => each.key === named)?.about;
  return (
    <div>
      <Field
        label={p("leases.field.capability")}
        data-filter
        list={listId}
        value={capability}
        help={key === "" ? p("leases.help.capability") : plainLine(capabilityText(key, about))}
        error={faults.includes("capability") ? p("leases.fault.capability") : undefined}
        onChange={(event) => change({ capability: event.target.value })}
      />
      <datalist id={listId}>
        {known.map((each) => (
          <option key={each.key} value={each.key}>
            {each.title}
          </option>
        ))}
      </datalist>
    </div>
  );
}
