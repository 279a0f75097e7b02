import { useMutation } from "@tanstack/react-query";
import { ExamplesCard } from "./examples-card.tsx";
import { HistoryCard } from "./history-card.tsx";
import { policyApi, type Question } from "./policy-api.ts";
import { TesterAnswer } from "./tester-answer.tsx";
import { TesterForm } from "./tester-form.tsx";

/** What would happen to a call, asked without making it. */
export function TesterView() {
  // The input may be large; nothing of it is kept once the view is left.
  const explain = useMutation({ mutationFn: (question: Question) => policyApi.explain(question), gcTime: 0 });
  return (
    <>
      <TesterForm explain={explain} />
      {explain.data ? <TesterAnswer answer={explain.data} /> : null}
      <HistoryCard />
      <ExamplesCard />
    </>
  );
}
