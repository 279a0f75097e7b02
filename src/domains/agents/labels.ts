/** What an agent works from. Labels only grow: whoever read a stranger's words may act on them, however many steps later. */
import type { Label } from "../../contract/caller.ts";
import type { Operation } from "../../contract/operation.ts";

/**
 * Whose words an answer may hold. What reads files or the web brings those; anything else that is read may tell what tools or
 * other runs found, and so does what programs print. Only what another change answers is the hub's own.
 */
export function labelOf({ needs, effect }: Pick<Operation, "needs" | "effect">): Label | null {
  if (needs.some((each) => each.startsWith("net:"))) return "web";
  if (needs.includes("fs:read")) return "file";
  return effect === "read" || needs.includes("exec") ? "tool" : null;
}
