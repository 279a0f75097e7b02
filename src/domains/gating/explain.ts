/** What the gate would say of a call, for each of the keys that the corridor asks about. */
import { egressKey, emitKey, ingressKey, taskKey } from "../../contract/gate-keys.ts";
import type { ExplainStage, Question, StageAnswer } from "../policy/contract.ts";
import type { OwnedGate } from "./gate.ts";

const stage = "gate";

export const explainGate = (gate: Pick<OwnedGate, "foresee">): ExplainStage => ({
  name: stage,
  explain({ key, operation, caller, tags, atMs }) {
    const said = keysOf({ key, operation }).map((each): StageAnswer => {
      const denial = gate.foresee(each, { caller, tags, atMs });
      if (denial === null) return { stage, key: each, verdict: "pass", reason: "no rule denies it" };
      const { rule, source, reason, next, retryAfterMs } = denial;
      return {
        stage,
        key: each,
        verdict: "deny",
        reason,
        rule,
        source,
        ...(next === undefined ? {} : { next }),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      };
    });
    // Keys that nothing denies are told once, by the first of them.
    return said.filter((each, index) => index === 0 || each.verdict === "deny");
  },
});

function keysOf({ key, operation }: Pick<Question, "key" | "operation">): readonly string[] {
  if (operation === null) return [key];
  const queued = operation.mode === "job" ? [taskKey(key), ingressKey(taskKey(key)), egressKey(taskKey(key))] : [];
  const emits = operation.emits.filter(({ isDurable }) => isDurable).map(({ kind }) => emitKey(kind));
  return [key, ingressKey(key), ...queued, egressKey(key), ...emits];
}
