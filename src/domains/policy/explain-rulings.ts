/** What the policies would say of a call. They know operations, and nothing of keys that belong to none. */
import type { Policy } from "../../kernel/ports.ts";
import type { ExplainStage, StageAnswer } from "./contract.ts";

const stage = "policy";

export const explainRulings = (policy: Policy): ExplainStage => ({
  name: stage,
  async explain({ operation, key, caller, scope }) {
    // The same two that the corridor does not ask about.
    if (operation === null || operation.isPublic || caller.kind === "system") return [];
    const { id, effect, needs } = operation;
    const {
      effect: verdict,
      rule,
      source,
      reason,
    } = await policy.rule({ operation: id, key, caller, scope, effect, needs });
    const answer: StageAnswer = { stage, key, verdict: verdict === "allow" ? "pass" : verdict, reason, rule, source };
    return [verdict === "allow" ? answer : { ...answer, next: nextOf[verdict] }];
  },
});

const nextOf = {
  ask: "make the call; a person is asked about it",
  deny: "let a person make the call, or permit it in a policy",
} as const;
