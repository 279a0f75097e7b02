import { AreaField } from "../../parts/area-field.tsx";
import { Field } from "../../parts/field.tsx";
import { Segmented } from "../../parts/segmented.tsx";
import { SelectField } from "../../parts/select-field.tsx";
import { plainLine } from "../../text/plain.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";
import { type Draft, type FormField, readForm } from "./tester-input.ts";

export interface InputFieldsProps {
  readonly fields: readonly FormField[];
  readonly draft: Draft;
  /** The whole input as JSON; null while the form is used. */
  readonly json: string | null;
  readonly faults: Readonly<Record<string, string>>;
  readonly onDraft: (field: string, text: string) => void;
  readonly onJson: (json: string | null) => void;
}

/** The input of the tested call: a field for each property, or the whole as JSON. */
export function InputFields({ fields, draft, json, faults, onDraft, onJson }: InputFieldsProps) {
  const change = (way: "form" | "json"): void => {
    if (way === "form") return onJson(null);
    const read = readForm(fields, draft);
    onJson("input" in read && read.input !== undefined ? JSON.stringify(read.input, null, 2) : "{}");
  };
  if (fields.length === 0) return null;
  return (
    <>
      <div className={styles["head"]}>
        <h2>{p("tester.input.title")}</h2>
        <Segmented
          label={p("tester.field.way")}
          value={json === null ? "form" : "json"}
          onChange={change}
          options={[
            { value: "form", label: p("tester.way.form") },
            { value: "json", label: p("tester.way.json") },
          ]}
        />
      </div>
      <p className={styles["lead"]}>{p("tester.input.lead")}</p>
      {json === null ? (
        <div className={styles["fields"]}>
          {fields.map((field) => (
            <InputField
              key={field.name}
              field={field}
              value={draft[field.name] ?? ""}
              error={faults[field.name]}
              onChange={(text) => onDraft(field.name, text)}
            />
          ))}
        </div>
      ) : (
        <AreaField
          label={p("tester.field.json")}
          value={json}
          error={Object.values(faults)[0]}
          onChange={(event) => onJson(event.target.value)}
        />
      )}
    </>
  );
}

interface InputFieldProps {
  readonly field: FormField;
  readonly value: string;
  readonly error: string | undefined;
  readonly onChange: (text: string) => void;
}

function InputField({ field: { name, help, isRequired, sort, choices }, value, error, onChange }: InputFieldProps) {
  const options = sort === "switch" ? ["true", "false"] : choices;
  if (options.length > 0) {
    return (
      <SelectField
        label={name}
        value={value}
        options={["", ...options].map((each) => ({ value: each, label: each }))}
        onChange={onChange}
      />
    );
  }
  return (
    <Field
      label={name}
      value={value}
      placeholder={isRequired ? undefined : p("tester.field.optional")}
      help={plainLine(help)}
      error={error === undefined ? undefined : plainLine(error)}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
