/** What the policies would say of a call. They know operations, and nothing of keys that belong to none. */
import type { Policy } from "../../kernel/ports.ts";
import type { ExplainStage, StageAnswer } from "./contract.ts";

const stage = "policy";

/** Said before any policy is asked, and nothing changes it. */
const onlyPersons = (operation: string, key: string): StageAnswer => ({
  stage,
  key,
  verdict: "deny",
  reason: `Only a person may call ${operation}.`,
  rule: "built-in:person",
  source: "built-in",
  next: "let a person make the call",
});

export const explainRulings = (policy: Policy): ExplainStage => ({
  name: stage,
  async explain({ operation, key, caller, scope, corrId }) {
    // The same two that the corridor does not ask about.
    if (operation === null || operation.isPublic || caller.kind === "system") return [];
    const { id, effect, needs } = operation;
    const isForPersons = operation.isForPersons === true;
    if (isForPersons && caller.kind !== "person") return [onlyPersons(id, key)];
    const inRun = corrId === undefined ? {} : { corrId };
    const ruling = await policy.rule({ operation: id, key, caller, scope, effect, needs, isForPersons, ...inRun });
    const { rule, source, reason, next } = ruling;
    const verdict = ruling.effect === "allow" ? "pass" : ruling.effect;
    const answer: StageAnswer = { stage, key, verdict, reason, rule, source };
    return [next === undefined ? answer : { ...answer, next }];
  },
});
