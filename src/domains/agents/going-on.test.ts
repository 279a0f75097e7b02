import assert from "node:assert/strict";
import { test } from "vitest";
import type { Caller } from "../../contract/caller.ts";
import { isProblem } from "../../contract/problem.ts";
import type { AgentFinder } from "./contract.ts";
import { delegated } from "./going-on.ts";

test("an agent is told of agents of its own project alone", async () => {
  const asked: string[] = [];
  // Only who is looked for counts here; nobody is there.
  const finder = {
    find: (agent: string) => {
      asked.push(agent);
      return Promise.resolve(null);
    },
  } as Partial<AgentFinder> as AgentFinder;
  const { signal } = new AbortController();
  const ruleOf = async (caller: Caller, agent: string): Promise<unknown> => {
    const refused = await delegated({ agent, task: "x" }, finder, { caller, signal }).catch((error: unknown) => error);
    return isProblem(refused) ? (refused.extra["rule"] ?? refused.definition.code) : refused;
  };
  const cook: Caller = { kind: "agent", id: "cook@garden" };
  for (const [caller, agent] of [
    [{ kind: "agent", id: "walker" }, "helper@garden"],
    [{ kind: "agent", id: "walker" }, "helper"],
    [{ kind: "node", id: "edge" }, "helper@garden"],
    [cook, "helper@taxes"],
    [cook, "helper@big-garden"],
  ] as const)
    assert.equal(await ruleOf(caller, agent), "built-in:own-project", `${caller.id} ${agent}`);
  assert.deepEqual(asked, []);
  assert.equal(await ruleOf(cook, "helper"), "agents.unknown-agent");
  assert.equal(await ruleOf(cook, "helper@garden"), "agents.unknown-agent");
  assert.deepEqual(asked, ["helper@garden", "helper@garden"]);
});
