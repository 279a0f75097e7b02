/** The stage that looks at the input: does it fit the schema, and what does it reach? */
import { Problem } from "../contract/problem.ts";
import { InvalidInput } from "../contract/standard-problems.ts";
import type { Call } from "./call.ts";

export function decode(call: Call): void {
  const { input, operation } = call.prepared;
  if (!input.check(call.input)) {
    const faults = input.faults(call.input);
    const first = faults[0];
    const where = first === undefined ? "" : `: ${first.at === "" ? "the input" : first.at} ${first.message}`;
    throw new Problem(InvalidInput, `${operation.id}${where}`, { faults });
  }
  if (operation.scope !== undefined) call.scope = operation.scope(call.input as never);
}
