import { useMutation, useQuery } from "@tanstack/react-query";
import { CheckIcon, CircleHelpIcon, type LucideIcon, TriangleAlertIcon } from "lucide-react";
import { type SubmitEvent, useId, useState } from "react";
import { AreaField } from "../../parts/area-field.tsx";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import { Field } from "../../parts/field.tsx";
import { LoadedList } from "../../parts/list-section.tsx";
import { type Tone, ToneMark } from "../../parts/marks.tsx";
import styles from "../../parts/page.module.css";
import { type Reason, Reasons } from "../../parts/why-panel.tsx";
import { keys } from "../../stream/refresh.ts";
import { plainLine } from "../../text/plain.ts";
import { policyApi, type Proof, type ProofQuestion, type ProofQuestions } from "./policy-api.ts";
import { p } from "./policy-messages.ts";

/** Fixed questions about the rules in force, each answered for every call there could be. */
export function ProofsView() {
  const list = useQuery({
    queryKey: [...keys.rules, "questions"],
    queryFn: ({ signal }) => policyApi.proofQuestions(signal),
  });
  return (
    <>
      <p className={styles["lead"]}>{p("proofs.list.lead")}</p>
      {list.data ? <SolverLine solver={list.data.solver} /> : null}
      <LoadedList label={p("policy.view.proofs")} loading={list} rows={list.data?.questions ?? []}>
        {(question) => <QuestionItem key={question.name} question={question} />}
      </LoadedList>
    </>
  );
}

function SolverLine({ solver: { name, version, isInstalled, next } }: { readonly solver: ProofQuestions["solver"] }) {
  return (
    <p className={styles["quiet"]}>
      {p(isInstalled ? "proofs.solver.both" : "proofs.solver.inside", { name, version })}{" "}
      {next ? plainLine(next) : null}
    </p>
  );
}

type FieldName = "agent" | "inFolder" | "rule" | "first" | "second";

const fieldsOf: Readonly<Record<ProofQuestion["name"], readonly FieldName[]>> = {
  network: ["agent"],
  "writes-outside": ["agent", "inFolder"],
  child: ["agent"],
  reachable: ["rule"],
  stricter: ["first", "second"],
  changed: ["first", "second"],
};
const labels = {
  agent: p("proofs.field.agent"),
  inFolder: p("proofs.field.folder"),
  rule: p("proofs.field.rule"),
  first: p("proofs.field.first"),
  second: p("proofs.field.second"),
} as const;
const needed: ReadonlySet<FieldName> = new Set(["rule", "first", "second"]);

type Draft = Readonly<Partial<Record<FieldName, string>>>;

function QuestionItem({ question: { name, asks, claim } }: { readonly question: ProofQuestion }) {
  const [draft, setDraft] = useState<Draft>({ first: "default", second: "now" });
  const prove = useMutation({ mutationFn: (input: object) => policyApi.prove(name, input) });
  const fields = fieldsOf[name];
  const isReady = fields.every((field) => !needed.has(field) || (draft[field] ?? "").trim() !== "");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const given = fields.map((field) => [field, (draft[field] ?? "").trim()] as const);
    prove.mutate(Object.fromEntries(given.filter(([, text]) => text !== "")));
  };
  return (
    <li data-thing="question" data-question={name} tabIndex={-1}>
      <p className={styles["name"]}>{plainLine(asks)}</p>
      <p className={styles["quiet"]}>{p("proofs.claim.text", { claim: plainLine(claim) })}</p>
      <form className={styles["question"]} aria-label={plainLine(asks)} onSubmit={submit}>
        <div className={styles["fields"]}>
          {fields.map((field) => (
            <ProofField
              key={field}
              field={field}
              value={draft[field] ?? ""}
              onChange={(text) => setDraft({ ...draft, [field]: text })}
            />
          ))}
        </div>
        {fields.includes("first") ? <p className={styles["quiet"]}>{p("proofs.field.sets")}</p> : null}
        <div className={styles["actions"]}>
          <Button
            type="submit"
            disabled={prove.isPending || !isReady}
            aria-label={p("proofs.ask.label", { claim: plainLine(claim) })}
          >
            {p("proofs.ask.action")}
          </Button>
        </div>
      </form>
      {prove.isError ? <ErrorCard error={prove.error} /> : null}
      <div aria-live="polite">{prove.data ? <Answer proof={prove.data} /> : null}</div>
    </li>
  );
}

interface ProofFieldProps {
  readonly field: FieldName;
  readonly value: string;
  readonly onChange: (text: string) => void;
}

function ProofField({ field, value, onChange }: ProofFieldProps) {
  const change = (event: { readonly target: { readonly value: string } }): void => onChange(event.target.value);
  if (field === "first" || field === "second")
    return <AreaField label={labels[field]} rows={3} value={value} onChange={change} />;
  if (field === "rule") return <RuleField value={value} onChange={change} />;
  return <Field label={labels[field]} help={p("proofs.field.optional")} value={value} onChange={change} />;
}

/** Ids of rules are long; those in force are offered. */
function RuleField({ value, onChange }: RuleFieldProps) {
  const listId = useId();
  const policies = useQuery({
    queryKey: [...keys.rules, "policies"],
    queryFn: ({ signal }) => policyApi.policies(signal),
  });
  return (
    <>
      <Field label={labels.rule} list={listId} value={value} onChange={onChange} />
      <datalist id={listId}>
        {policies.data?.policies.map(({ id }) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </datalist>
    </>
  );
}

interface RuleFieldProps {
  readonly value: string;
  readonly onChange: (event: { readonly target: { readonly value: string } }) => void;
}

const looks: Readonly<Record<Proof["answer"], { readonly Icon: LucideIcon; readonly tone: Tone }>> = {
  proved: { Icon: CheckIcon, tone: "ok" },
  counterexample: { Icon: TriangleAlertIcon, tone: "warn" },
  unknown: { Icon: CircleHelpIcon, tone: "warn" },
};

function Answer({ proof }: { readonly proof: Proof }) {
  const { answer, text, examples, isComplete, checkedBy, notModelled, next } = proof;
  return (
    <div className={styles["question"]} data-answer={answer}>
      <p className={styles["row"]}>
        <ToneMark {...looks[answer]}>{p(`proofs.answer.${answer}`)}</ToneMark>
        <span>{plainLine(text)}</span>
      </p>
      {examples.map((example) => (
        <Example key={JSON.stringify(example.call)} example={example} />
      ))}
      {examples.length > 0 && !isComplete ? <p className={styles["quiet"]}>{p("proofs.call.more")}</p> : null}
      {next ? <p>{plainLine(next)}</p> : null}
      {checkedBy.length > 0 ? (
        <p className={styles["quiet"]}>{p("proofs.checked.by", { names: listText(checkedBy) })}</p>
      ) : null}
      {notModelled.length > 0 ? (
        <details className={styles["fold"]}>
          <summary>{p("proofs.outside.title")}</summary>
          <ul>
            {notModelled.map((each) => (
              <li key={each}>{plainLine(each)}</li>
            ))}
          </ul>
        </details>
      ) : null}
    </div>
  );
}

const listText = (parts: readonly string[]): string => new Intl.ListFormat("en").format(parts);

/** A call that refutes the claim, as the real engine was asked about it. */
function Example({ example: { text, call, said } }: { readonly example: Proof["examples"][number] }) {
  return (
    <div className={styles["card"]} role="group" aria-label={p("proofs.call.title")}>
      <p>{plainLine(text)}</p>
      <Reasons reasons={factsOf(call)} />
      <ul>
        {said.map(({ of, effect, rule }) => (
          <li key={of}>
            {p(rule === "" ? "proofs.said.plain" : "proofs.said.of", {
              of: plainLine(of),
              effect: p(`proposals.effect.${effect}`),
              rule: plainLine(rule),
            })}
          </li>
        ))}
      </ul>
    </div>
  );
}

function factsOf({ caller, operation, reached, path, labels: built, isGranted }: Call): readonly Reason[] {
  return [
    { label: p("proofs.call.caller"), value: caller },
    { label: p("proofs.call.operation"), value: operation, isCode: true },
    {
      label: p("proofs.call.reached"),
      value: [reached.id, path].filter((part) => part !== "").join(" "),
      isCode: true,
    },
    ...(built.length > 0
      ? [{ label: p("proofs.call.labels"), value: listText(built.map((label) => p(`tester.label.${label}`))) }]
      : []),
    { label: p("proofs.call.granted"), value: p(isGranted ? "proofs.call.yes" : "proofs.call.no") },
  ];
}

type Call = Proof["examples"][number]["call"];
