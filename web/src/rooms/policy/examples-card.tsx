import { useMutation } from "@tanstack/react-query";
import { CheckIcon, XIcon } from "lucide-react";
import { Button } from "../../parts/button.tsx";
import { ErrorCard } from "../../parts/error-card.tsx";
import marks from "../../parts/marks.module.css";
import { plainLine } from "../../text/plain.ts";
import { type Examples, policyApi } from "./policy-api.ts";
import { p } from "./policy-messages.ts";
import styles from "../../parts/page.module.css";

/** Whether the policies come to what their owner expects of them. */
export function ExamplesCard() {
  const run = useMutation({ mutationFn: () => policyApi.testExamples() });
  return (
    <section className={styles["section"]} aria-labelledby="policy-examples">
      <div className={styles["head"]}>
        <h2 id="policy-examples">{p("tester.examples.title")}</h2>
        <Button disabled={run.isPending} onClick={() => run.mutate()}>
          {p("tester.examples.action")}
        </Button>
      </div>
      <p className={styles["lead"]}>{p("tester.examples.lead")}</p>
      {run.isError ? <ErrorCard error={run.error} /> : null}
      {run.data ? <Result examples={run.data} /> : null}
    </section>
  );
}

function Result({ examples: { passed, failed, examples } }: { readonly examples: Examples }) {
  if (examples.length === 0) return <p role="status">{p("tester.examples.empty")}</p>;
  return (
    <>
      <p role="status">{p("tester.examples.result", { passed, failed })}</p>
      <ul className={styles["list"]} aria-label={p("tester.examples.title")}>
        {examples.map((example) => (
          <ExampleItem key={example.at} example={example} />
        ))}
      </ul>
    </>
  );
}

function ExampleItem({ example }: { readonly example: Examples["examples"][number] }) {
  const { name, isOk, expected, got, rule, at } = example;
  const Icon = isOk ? CheckIcon : XIcon;
  return (
    <li>
      <div className={styles["row"]}>
        <span className={`${marks["mark"]} ${isOk ? marks["ok"] : marks["bad"]}`}>
          <Icon size={14} aria-hidden />
          {p(isOk ? "tester.examples.passed" : "tester.examples.failed")}
        </span>
        <span className={styles["name"]}>{plainLine(name)}</span>
        <span className={styles["source"]}>{plainLine(at)}</span>
      </div>
      <p className={styles["quiet"]}>
        {isOk ? p("tester.examples.fine", { got, rule }) : p("tester.examples.got", { expected, got, rule })}
      </p>
    </li>
  );
}
