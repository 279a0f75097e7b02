/**
 * What a person edits as files, read anew at one signal. Each part goes through the corridor by itself, as a call of whoever
 * owns the hub: nobody else can signal its process. A part that does not hold stays as it was.
 */
import { isProblem } from "../contract/problem.ts";
import { ReloadPrices } from "../domains/budgets/contract.ts";
import { Reload as ReloadRules } from "../domains/gating/contract.ts";
import { ReloadPolicies } from "../domains/policy/contract.ts";
import { ReloadIssuers } from "../domains/provenance/contract.ts";
import type { Dispatcher } from "../kernel/kernel.ts";
import type { Log } from "../kernel/ports.ts";

const parts = [
  { part: "rules", operation: ReloadRules },
  { part: "policies", operation: ReloadPolicies },
  { part: "prices", operation: ReloadPrices },
  { part: "issuers", operation: ReloadIssuers },
];

/** Writes one line for each part, and never rejects; one after the other when it is asked twice. */
export function createReload(dispatcher: Dispatcher, log: Pick<Log, "info" | "error">): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => reloadAll(dispatcher, log));
    return last;
  };
}

async function reloadAll(dispatcher: Dispatcher, log: Pick<Log, "info" | "error">): Promise<void> {
  for (const { part, operation } of parts) {
    try {
      const { outcome } = await dispatcher.dispatch({
        operationId: operation.id,
        input: {},
        credentials: { kind: "caller", caller: { kind: "person", id: "admin" } },
      });
      if (outcome.kind === "answer") log.info("read anew at a signal", { part, found: outcome.output });
      else log.error("not read anew at a signal: a person is asked first", { part });
    } catch (error) {
      const fault = isProblem(error) ? error.message : String(error);
      log.error("not read anew at a signal; it stays as it was", { part, fault });
    }
  }
}
