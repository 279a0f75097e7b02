/** What a person would have had different in a run, as typed. Pure. */
import type { WhatIfInput } from "./capsules-api.ts";

export interface WhatIfDraft {
  /** One allowance on each line. */
  readonly budget: string;
  readonly policy: string;
  /** Every policy of one's own is left out. */
  readonly isAlone: boolean;
  readonly model: string;
  readonly hint: string;
  readonly step: string;
  readonly answer: string;
}

export const emptyDraft: WhatIfDraft = {
  budget: "",
  policy: "",
  isAlone: false,
  model: "",
  hint: "",
  step: "",
  answer: "",
};

/** Nothing of it when nothing would be different: the hub says so, too, but a form may say it before. */
export function inputOf(run: string, draft: WhatIfDraft): WhatIfInput | null {
  const budget = draft.budget.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
  const hasPolicy = draft.policy.trim() !== "" || draft.isAlone;
  const changes = {
    ...(hasPolicy ? { policy: draft.policy } : {}),
    ...(draft.isAlone ? { isAlone: true } : {}),
    ...(budget.length > 0 ? { budget } : {}),
    ...(draft.model.trim() === "" ? {} : { model: draft.model.trim() }),
    ...(draft.hint.trim() === "" ? {} : { hint: draft.hint }),
    ...(draft.step.trim() === "" ? {} : { edit: [`${draft.step.trim()}=${draft.answer}`] }),
  };
  return Object.keys(changes).length === 0 ? null : { run, ...changes };
}
