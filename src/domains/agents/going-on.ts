/** What stands between a run and its end: the question whether it goes on, and others that it hands work to. */
import { formatDurationMs, formatMicroUsd } from "../../base/units.ts";
import { type Context, gateKey, type Preview } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied } from "../../contract/standard-problems.ts";
import { foundOf } from "./asked.ts";
import { type AgentFinder, Delegate, type GoOn } from "./contract.ts";

export function goOnPreview({ agent, reached, taken }: Static<typeof GoOn.input>): Preview {
  const { steps, tokens, microUsd, durationMs } = taken;
  const parts = [
    `${steps} steps`,
    formatDurationMs(durationMs),
    tokens === null ? "tokens that nobody counted" : `${tokens} tokens`,
    microUsd === null ? "at a price that nobody knows" : formatMicroUsd(microUsd),
  ];
  return {
    summary: `Let ${agent} go on? It reached ${reached}, and took ${parts.join(", ")} so far.`.slice(0, 500),
    canUndo: true,
  };
}

/** An agent hands work to agents of its own project; what those of others are told is not for it to know. */
export async function delegated(
  { agent, task }: Static<typeof Delegate.input>,
  finder: AgentFinder,
  { caller, signal }: Pick<Context, "caller" | "signal">,
): Promise<Static<typeof Delegate.output>> {
  const [, project] = caller.id.split("@");
  const name = agent.includes("@") || project === undefined ? agent : `${agent}@${project}`;
  if (caller.kind !== "person" && (project === undefined || !name.endsWith(`@${project}`)))
    throw new Problem(Denied, `${caller.id} hands work to agents of its own project alone.`, {
      key: gateKey(Delegate),
      rule: "built-in:own-project",
      source: "built-in",
      next: "let a person run that agent",
    });
  const found = await foundOf(name, { finder }, signal);
  return { agent: name, given: found.given({ task }) };
}
