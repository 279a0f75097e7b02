import { type SubmitEvent, useState } from "react";
import { AreaField } from "../../parts/area-field.tsx";
import { Button } from "../../parts/button.tsx";
import { Field } from "../../parts/field.tsx";
import styles from "../../parts/page.module.css";
import type { WhatIfInput } from "./capsules-api.ts";
import { k } from "./capsules-messages.ts";
import { emptyDraft, inputOf, type WhatIfDraft } from "./what-if-draft.ts";

export interface WhatIfFormProps {
  readonly id: string;
  readonly steps: number;
  readonly isBusy: boolean;
  readonly onAsk: (input: WhatIfInput) => void;
}

export function WhatIfForm({ id, steps, isBusy, onAsk }: WhatIfFormProps) {
  const [draft, setDraft] = useState<WhatIfDraft>(emptyDraft);
  const [fault, setFault] = useState("");
  const change = (next: Partial<WhatIfDraft>): void => setDraft({ ...draft, ...next });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = inputOf(id, draft);
    setFault(input === null ? k("whatif.form.same") : "");
    if (input) onAsk(input);
  };
  return (
    <form className={styles["card"]} aria-label={k("whatif.form.label")} noValidate onSubmit={submit}>
      <h2>{k("whatif.form.title")}</h2>
      <p className={styles["lead"]}>{k("whatif.form.lead")}</p>
      <RuleFields draft={draft} onChange={change} />
      <RunFields draft={draft} steps={steps} onChange={change} />
      {fault === "" ? null : <p role="alert">{fault}</p>}
      <div className={styles["actions"]}>
        <Button type="submit" look="primary" disabled={isBusy}>
          {k("whatif.form.action")}
        </Button>
      </div>
    </form>
  );
}

interface FieldsProps {
  readonly draft: WhatIfDraft;
  readonly onChange: (next: Partial<WhatIfDraft>) => void;
}

function RuleFields({ draft, onChange }: FieldsProps) {
  return (
    <>
      <div className={styles["fields"]}>
        <AreaField
          label={k("whatif.field.policy")}
          rows={4}
          value={draft.policy}
          placeholder={k("whatif.field.cedar")}
          onChange={(event) => onChange({ policy: event.target.value })}
        />
        <AreaField
          label={k("whatif.field.budget")}
          rows={4}
          value={draft.budget}
          placeholder={k("whatif.field.allowance")}
          onChange={(event) => onChange({ budget: event.target.value })}
        />
      </div>
      <div className={styles["checks"]}>
        <label>
          <input
            type="checkbox"
            checked={draft.isAlone}
            onChange={(event) => onChange({ isAlone: event.target.checked })}
          />
          {k("whatif.field.alone")}
        </label>
      </div>
    </>
  );
}

/** What fewer people change: the words, the model, one answer. */
function RunFields({ draft, steps, onChange }: FieldsProps & { readonly steps: number }) {
  return (
    <details className={styles["fold"]}>
      <summary>{k("whatif.form.more")}</summary>
      <div className={styles["fields"]}>
        <Field
          label={k("whatif.field.model")}
          value={draft.model}
          onChange={(event) => onChange({ model: event.target.value })}
        />
        <Field
          label={k("whatif.field.hint")}
          value={draft.hint}
          onChange={(event) => onChange({ hint: event.target.value })}
        />
        <Field
          label={k("whatif.field.step")}
          help={k("whatif.field.steps", { count: steps })}
          inputMode="numeric"
          value={draft.step}
          onChange={(event) => onChange({ step: event.target.value })}
        />
        <AreaField
          label={k("whatif.field.answer")}
          rows={3}
          value={draft.answer}
          onChange={(event) => onChange({ answer: event.target.value })}
        />
      </div>
    </details>
  );
}
