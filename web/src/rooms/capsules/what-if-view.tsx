import { useMutation } from "@tanstack/react-query";
import { ErrorCard } from "../../parts/error-card.tsx";
import { capsulesApi, type Shown } from "./capsules-api.ts";
import { WhatIfForm } from "./what-if-form.tsx";
import { WhatIfResult } from "./what-if-result.tsx";

export interface WhatIfViewProps {
  readonly id: string;
  readonly shown: Shown;
}

/** The run under another rule, budget, model or answer: exact up to the first step that changes, recorded answers behind it. */
export function WhatIfView({ id, shown }: WhatIfViewProps) {
  const ask = useMutation({ mutationFn: capsulesApi.whatIf });
  return (
    <>
      <WhatIfForm
        id={id}
        steps={shown.capsule.manifest.counts.steps}
        isBusy={ask.isPending}
        onAsk={(input) => ask.mutate(input)}
      />
      {ask.isError ? <ErrorCard error={ask.error} /> : null}
      {ask.data ? <WhatIfResult answer={ask.data} /> : null}
    </>
  );
}
