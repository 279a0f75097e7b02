import { type SubmitEvent, useMemo, useState } from "react";
import { plain, plainLine } from "../../text/plain.ts";
import { unifiedDiff } from "../../text/unified-diff.ts";
import { AreaField } from "../area-field.tsx";
import { Button } from "../button.tsx";
import { Diff } from "../diff.tsx";
import { Field } from "../field.tsx";
import { a } from "./answer-messages.ts";
import type { AnswerPanelProps } from "./answer-panel.tsx";
import styles from "./answer-panel.module.css";
import { type EditField, editFields, readEdit } from "./edit-draft.ts";

/** A field for each argument, and the change as it would be made, before it is sent. */
export function EditForm({ approval, decide }: Pick<AnswerPanelProps, "approval" | "decide">) {
  const fields = useMemo(() => editFields(approval.input, approval.diff), [approval.input, approval.diff]);
  const [drafts, setDrafts] = useState<Readonly<Record<string, string>>>({});
  const { changes, faults } = readEdit(fields, drafts);
  const changed = fields.filter(({ name }) => Object.hasOwn(changes, name));
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    decide.mutate({ decision: "allow", input: changes });
  };
  return (
    <form className={styles["form"]} onSubmit={submit}>
      <p className={styles["quiet"]}>{a("answer.edit.lead")}</p>
      {fields.map((field) => (
        <ArgumentField
          key={field.name}
          field={field}
          value={drafts[field.name] ?? field.before}
          fault={faults[field.name]}
          onChange={(text) => setDrafts({ ...drafts, [field.name]: text })}
        />
      ))}
      <section aria-label={a("answer.edit.changes")} className={styles["form"]}>
        <p className={styles["part"]}>{a("answer.edit.changes")}</p>
        {changed.length === 0 ? <p className={styles["quiet"]}>{a("answer.edit.same")}</p> : null}
        {changed.map(({ name, before }) => (
          <div key={name}>
            <p>{plainLine(name)}</p>
            <Diff diff={unifiedDiff(before, drafts[name] ?? before)} />
          </div>
        ))}
      </section>
      <div>
        <Button
          type="submit"
          look="primary"
          disabled={decide.isPending || changed.length === 0 || Object.keys(faults).length > 0}
        >
          {a("answer.edit.action")}
        </Button>
      </div>
    </form>
  );
}

interface ArgumentFieldProps {
  readonly field: EditField;
  readonly value: string;
  readonly fault: string | undefined;
  readonly onChange: (text: string) => void;
}

/** Text of a call is data: controls in it are kept as they are and shown as marks only around the field. */
function ArgumentField({ field: { name, sort, before, isWhole }, value, fault, onChange }: ArgumentFieldProps) {
  const label = sort === "json" ? a("answer.edit.json", { name: plainLine(name) }) : plainLine(name);
  const error = fault === undefined ? undefined : a("answer.edit.fault", { reason: plain(fault) });
  const isLong = !isWhole || before.includes("\n") || before.length > 100;
  return (
    <>
      {isLong ? (
        <AreaField
          label={label}
          value={value}
          error={error}
          rows={8}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <Field label={label} value={value} error={error} onChange={(event) => onChange(event.target.value)} />
      )}
      {isWhole ? null : <p className={styles["quiet"]}>{a("answer.edit.part")}</p>}
    </>
  );
}
