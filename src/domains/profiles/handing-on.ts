/**
 * Work that an agent hands to another one. The child works within the run of its parent: the same hands and grants, the same
 * allowances and ceilings, and of its own tools only those that the parent has.
 */
import { isProblem } from "../../contract/problem.ts";
import { Delegate } from "../agents/contract.ts";
import type { Calling } from "./calling.ts";
import { endsRun, refusalText } from "./refusals.ts";
import { readRun } from "./run-input.ts";
import { childrenOf, type Working } from "./working.ts";

export type HandedOn =
  | { readonly kind: "answer"; readonly source: string; readonly answer: string }
  | { readonly kind: "faults"; readonly faults: readonly string[] };

export async function handOn(said: Readonly<Record<string, unknown>>, calling: Calling): Promise<HandedOn> {
  const { working, notDone, work } = calling;
  const { agent, task } = said;
  const children = childrenOf(working);
  if (typeof agent !== "string" || !children.includes(agent))
    return { kind: "faults", faults: [`agent must be one of ${children.join(", ")}`] };
  if (typeof task !== "string" || task.trim() === "") return { kind: "faults", faults: ["task must be a text"] };
  const source = `Answer of the agent ${agent}:`;
  await working.ceilings.pass({ tool: Delegate.id, input: { agent, task } });
  const { project } = working.placed;
  try {
    const name = `${agent}@${project}`;
    const { given } = await working.tools.call(Delegate, { agent: name, task }, `hand a task to ${agent}`);
    const worked = await work(childOf(working, given));
    notDone.push(...worked.notDone.map((each) => `${agent}: ${each}`.slice(0, 500)));
    const end = worked.stopped === null ? "" : `\n(It stopped: ${worked.stopped})`;
    return { kind: "answer", source, answer: `${worked.text}${end}` };
  } catch (error) {
    if (!isProblem(error) || endsRun(error)) throw error;
    notDone.push(`${agent}: ${error.message}`.slice(0, 500));
    return { kind: "answer", source, answer: refusalText(error) };
  }
}

/** Never more than the parent: what the parent may not call, its child may not either. */
export function childOf(parent: Working, given: unknown): Working {
  const { placed, turn } = readRun(given);
  const own = new Set(placed.profile.tools);
  const operations = new Map([...parent.operations].filter(([id]) => own.has(id)));
  // The place is the parent's as well: a project that moved meanwhile gives no other folder.
  const { folder, project } = parent.placed;
  return { ...parent, placed: { ...placed, folder, project }, turn, operations, known: [], depth: parent.depth + 1 };
}
