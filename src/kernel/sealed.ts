/** Keeps handed-over secrets out of what the hub writes down: events are cleaned, and a task that would carry one is refused. */
import type { EventDefinition } from "../contract/event.ts";
import { Problem } from "../contract/problem.ts";
import { checkerOf } from "../contract/schema.ts";
import { InvalidInput } from "../contract/standard-problems.ts";
import type { Journal, Queue } from "./kernel.ts";
import type { Vault } from "./ports.ts";

export const sealedJournal = <J extends Journal>(journal: J, vault: Vault | undefined): J =>
  vault === undefined
    ? journal
    : {
        ...journal,
        // Not `async`: one promise an event, which the commit settles itself.
        emit(definition, data, origin) {
          try {
            return journal.emit(definition, cleaned(definition, data, vault), origin);
          } catch (error) {
            return Promise.reject(error);
          }
        },
      };

/** What no longer fits without the secret, such as a name, was given as one. Throws `InvalidInput`. */
function cleaned({ data: schema }: EventDefinition, data: unknown, vault: Vault): unknown {
  const clean = vault.clean(data);
  if (clean === data || checkerOf(schema).check(clean)) return clean;
  const message = "a name holds the value of a kept secret, which would be written down; give it another one";
  throw new Problem(InvalidInput, message, { faults: [{ at: "", message }] });
}

export const sealedQueue = <Q extends Queue>(queue: Q, vault: Vault | undefined): Q =>
  vault === undefined
    ? queue
    : {
        ...queue,
        async enqueue(request) {
          refuseSecrets(request.payload, vault);
          return await queue.enqueue(request);
        },
      };

/** A cleaned input would make another call than was meant, so nothing is made of it. Throws `InvalidInput`. */
export function refuseSecrets(input: unknown, vault: Vault | undefined): void {
  if (vault === undefined || vault.clean(input) === input) return;
  const message = "holds the value of a kept secret, which would be written down; write `secret:NAME` in its place";
  throw new Problem(InvalidInput, `The input ${message}.`, { faults: [{ at: "", message }] });
}

/** What a caller is told holds no secret either, whatever a handler put into its words. */
export function sealedProblem(problem: Problem, vault: Vault | undefined): Problem {
  if (vault === undefined) return problem;
  const detail = vault.text(problem.message);
  const extra = vault.clean(problem.extra);
  if (detail === problem.message && extra === problem.extra) return problem;
  return new Problem(problem.definition, detail, extra);
}
