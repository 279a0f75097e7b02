/** Lets somebody see what programs outside of the hub ask for, and what they get. */
import { Problem } from "../contract/problem.ts";
import { Cancelled } from "../contract/standard-problems.ts";
import { type Call, nobody } from "./call.ts";
import type { Outcome } from "./kernel.ts";
import type { Sighting, Witness } from "./ports.ts";

/** Calls that handlers, agents and workers make belong to what is recorded already. */
export function noticed(call: Call, witness: Witness | undefined): void {
  const { isInline, isNested, isTask, approvalId } = call.request;
  if (witness === undefined || isInline === true || isNested === true || isTask === true || approvalId !== undefined)
    return;
  const { input, corrId, scope, prepared } = call;
  call.sighting = witness.sees({
    operation: prepared.operation,
    input,
    corrId,
    scope,
    caller: call.caller ?? nobody,
  });
}

/** Tells what came of it; a stream is told of when it is over. */
export function told(sighting: Sighting, outcome: Outcome): Outcome {
  switch (outcome.kind) {
    case "answer":
      sighting.answered(outcome.output);
      return outcome;
    case "stream":
      return { kind: "stream", items: watchedItems(outcome.items, sighting) };
    case "held":
      sighting.put(`a person is asked first: ${outcome.approvalId}`);
      return outcome;
    case "accepted":
      sighting.put(`it is queued as the task ${outcome.taskId}`);
      return outcome;
    case "unchanged":
    default:
      sighting.put("nothing changed since its caller asked last");
      return outcome;
  }
}

/** An answer of more items than this is not recorded to its end. */
const itemsMax = 100_000;

async function* watchedItems(items: AsyncIterable<unknown>, sighting: Sighting): AsyncGenerator {
  const seen: unknown[] = [];
  let problem: Problem | null = null;
  try {
    for await (const item of items) {
      if (seen.length < itemsMax) seen.push(item);
      yield item;
    }
  } catch (error) {
    problem = error instanceof Problem ? error : new Problem(Cancelled, "the stream broke off", { cause: error });
    throw error;
  } finally {
    if (problem === null) sighting.streamed(seen);
    else sighting.failed(problem);
  }
}
