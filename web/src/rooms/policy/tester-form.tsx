import { type UseMutationResult, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type SubmitEvent, useId, useState } from "react";
import { ApiFault } from "../../api.ts";
import { policySearch } from "../../filters.ts";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { SelectField } from "../../parts/select-field.tsx";
import { keys } from "../../stream/refresh.ts";
import { type Explained, policyApi, type Question } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";
import { InputFields } from "./tester-fields.tsx";
import { type Draft, formFields, type InputRead, readForm, readJson } from "./tester-input.ts";

const route = getRouteApi("/policy");
const callerKinds = ["me", "person", "agent", "plugin", "node"] as const;
const labels = ["user", "file", "web", "tool"] as const;
type CallerKind = (typeof callerKinds)[number];
type Label = (typeof labels)[number];
/** As the hub reads names. */
const callerName = /^[A-Za-z0-9._:@-]{1,120}$/u;

export interface TesterFormProps {
  readonly explain: UseMutationResult<Explained, Error, Question>;
}

interface Faults {
  readonly operation?: string;
  readonly name?: string;
  /** By field; the empty name is the whole input. */
  readonly input?: Readonly<Record<string, string>>;
}

export function TesterForm({ explain }: TesterFormProps) {
  const [call, setCall] = useState(useCallOfAddress());
  const [draft, setDraft] = useState<Draft>({});
  const [json, setJson] = useState<string | null>(null);
  const [faults, setFaults] = useState<Faults>({});
  const remember = useRemember();
  const operations = useOperations();
  const id = operations.find((each) => each === call.operation.trim().replaceAll(":", "."));
  const fields = useFormFields(id);
  const fromHub = json === null ? fieldFaults(explain.error) : {};

  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const asked = { ...call, operation: call.operation.trim(), name: call.name.trim() };
    const read: InputRead = json === null ? readForm(fields, draft) : readJson(json);
    const found = faultsOf(asked, read);
    setFaults(found);
    if (Object.keys(found).length > 0 || !("input" in read)) return;
    remember(asked);
    explain.mutate(questionOf(asked, read.input));
  };
  return (
    <form className={styles["card"]} aria-label={p("tester.form.label")} noValidate onSubmit={submit}>
      <p className={styles["lead"]}>{p("tester.form.lead")}</p>
      <CallFields call={call} operations={operations} faults={faults} onChange={setCall} />
      {id === undefined ? null : (
        <InputFields
          fields={fields}
          draft={draft}
          json={json}
          faults={{ ...faults.input, ...fromHub }}
          onDraft={(field, text) => setDraft({ ...draft, [field]: text })}
          onJson={setJson}
        />
      )}
      {explain.isError && !isToldAtFields(explain.error, fromHub) ? <ErrorCard error={explain.error} /> : null}
      <div className={styles["actions"]}>
        <Button type="submit" look="primary" disabled={explain.isPending}>
          {p("tester.action.test")}
        </Button>
      </div>
    </form>
  );
}

interface Call {
  readonly operation: string;
  readonly kind: CallerKind;
  readonly name: string;
  readonly chosen: readonly Label[];
}

interface CallFieldsProps {
  readonly call: Call;
  readonly operations: readonly string[];
  readonly faults: Faults;
  readonly onChange: (call: Call) => void;
}

/** What is called, by whom, and what the call is built from. */
function CallFields({ call, operations, faults, onChange }: CallFieldsProps) {
  const listId = useId();
  const isMe = call.kind === "me";
  return (
    <>
      <div className={styles["fields"]}>
        <Field
          label={p("tester.field.operation")}
          data-filter
          list={listId}
          value={call.operation}
          placeholder={p("tester.field.placeholder")}
          error={faults.operation}
          onChange={(event) => onChange({ ...call, operation: event.target.value })}
        />
        <datalist id={listId}>
          {operations.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </datalist>
        <SelectField
          label={p("tester.field.who")}
          value={call.kind}
          options={callerKinds.map((value) => ({ value, label: p(`tester.who.${value}`) }))}
          onChange={(kind) => onChange({ ...call, kind })}
        />
        {isMe ? null : (
          <Field
            label={p("tester.field.name")}
            value={call.name}
            error={faults.name}
            onChange={(event) => onChange({ ...call, name: event.target.value })}
          />
        )}
      </div>
      {isMe ? null : <Labels chosen={call.chosen} onChange={(chosen) => onChange({ ...call, chosen })} />}
    </>
  );
}

/** A link may say what is to be tested. */
function useCallOfAddress(): Call {
  const { operation = "", caller = "", labels: given } = route.useSearch();
  return { operation, kind: kindOf(caller), name: caller.slice(caller.indexOf(":") + 1), chosen: labelsOf(given) };
}

function useRemember(): (call: Call) => void {
  const navigate = route.useNavigate();
  return ({ operation, kind, name, chosen }) =>
    void navigate({
      search: policySearch({
        view: "tester",
        operation,
        caller: kind === "me" ? undefined : `${kind}:${name}`,
        labels: chosen.join(","),
      }),
      replace: true,
    });
}

function Labels({
  chosen,
  onChange,
}: {
  readonly chosen: readonly Label[];
  readonly onChange: (labels: readonly Label[]) => void;
}) {
  return (
    <fieldset className={styles["checks"]}>
      <legend>{p("tester.field.labels")}</legend>
      {labels.map((label) => (
        <label key={label}>
          <input
            type="checkbox"
            checked={chosen.includes(label)}
            onChange={(event) =>
              onChange(labels.filter((each) => (each === label ? event.target.checked : chosen.includes(each))))
            }
          />
          {p(`tester.label.${label}`)}
        </label>
      ))}
    </fieldset>
  );
}

/** Ids of operations, as people write them. */
function useOperations(): readonly string[] {
  const list = useQuery({ queryKey: [...keys.rules, "keys"], queryFn: ({ signal }) => policyApi.keys(signal) });
  return list.data?.keys.map(({ key }) => key.replaceAll(":", ".")) ?? [];
}

const noFields: readonly never[] = [];

function useFormFields(operation: string | undefined) {
  const schema = useQuery({
    queryKey: ["schema", operation],
    queryFn: async ({ signal }) => formFields(await policyApi.inputSchema(operation ?? "", signal)),
    enabled: operation !== undefined,
  });
  return schema.data ?? noFields;
}

function faultsOf({ operation, kind, name }: Call, read: InputRead): Faults {
  return {
    ...(operation === "" ? { operation: p("tester.fault.operation") } : {}),
    ...(kind !== "me" && !callerName.test(name) ? { name: p("tester.fault.name") } : {}),
    ...("input" in read ? {} : { input: { [read.faultAt]: p(`tester.fault.${read.sort}`, { reason: read.reason }) } }),
  };
}

/** Keys have colons, and every key may be asked about; a name without one must be an operation's. */
function questionOf({ operation, kind, name, chosen }: Call, input: unknown): Question {
  return {
    ...(/[:*]/u.test(operation) ? { key: operation } : { operation }),
    ...(kind === "me" ? {} : { caller: { kind, id: name, ...(chosen.length > 0 ? { labels: chosen } : {}) } }),
    ...(input === undefined ? {} : { input }),
  };
}

/** What the hub finds wrong with one field of the input: `/input/path`. */
const atField = /^\/input\/([^/]+)$/u;

function fieldFaults(error: Error | null): Readonly<Record<string, string>> {
  const faults = error instanceof ApiFault ? error.faults : [];
  return Object.fromEntries(
    faults.flatMap(({ at, message }) => {
      const field = atField.exec(at)?.[1];
      return field === undefined ? [] : [[field, message]];
    }),
  );
}

const isToldAtFields = (error: Error, told: Readonly<Record<string, string>>): boolean =>
  error instanceof ApiFault &&
  error.faults.length > 0 &&
  error.faults.every(({ at }) => (atField.exec(at)?.[1] ?? "") in told);

const kindOf = (caller = ""): CallerKind =>
  callerKinds.find((kind) => kind !== "me" && caller.startsWith(`${kind}:`)) ?? "me";

const labelsOf = (text = ""): readonly Label[] => labels.filter((label) => text.split(",").includes(label));
