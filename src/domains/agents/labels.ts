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

/** Most operations say nothing of their answers, and each answer of theirs leaves the same. */
const alike = new WeakMap<Labelling, readonly Label[]>();

/** What this answer leaves on the run: as the operation says of it, or else as every answer of its kind. Null is a failure. */
export function labelsOf(operation: Labelling, answer: unknown): readonly Label[] {
  if (operation.labelsOf !== undefined) return inOrder(operation.labelsOf(answer));
  const known = alike.get(operation);
  if (known !== undefined) return known;
  const found = inOrder([labelOf(operation)]);
  alike.set(operation, found);
  return found;
}

const inOrder = (said: readonly (Label | null)[]): readonly Label[] =>
  strangestFirst.filter((label) => said.includes(label));
