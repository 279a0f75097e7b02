/** What an agent works from. Labels only grow: whoever read a stranger's words may act on them, however many steps later. */
import type { Label } from "../../contract/caller.ts";
import type { Operation } from "../../contract/operation.ts";

type Labelling = Pick<Operation, "needs" | "effect" | "labelsOf">;

/**
 * Whose words an answer may hold. What reads files or the web brings those; anything else that is read may tell what tools or
 * other runs found, and so does what programs print. Only what another change answers is the hub's own.
 */
export function labelOf({ needs, effect, labelsOf: own }: Labelling): Label | null {
  if (own !== undefined) return null;
  if (needs.some((each) => each.startsWith("net:"))) return "web";
  if (needs.includes("fs:read")) return "file";
  return effect === "read" || needs.includes("exec") ? "tool" : null;
}

/** The first of them names the step where there is room for one. */
const strangestFirst: readonly Label[] = ["web", "tool", "file"];

/** What this answer leaves on the run: as the operation says of it, or else as every answer of its kind. Null is a failure. */
export function labelsOf(operation: Labelling, answer: unknown): readonly Label[] {
  const said = operation.labelsOf?.(answer) ?? [labelOf(operation)];
  return strangestFirst.filter((label) => said.includes(label));
}
