/** What nobody hands on who does not hold it. */
import { type Caller, coversPattern, type Grant } from "../../contract/caller.ts";
import { Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";

/**
 * Who is no person hands on only what was granted to them: a lease lets its holder call, and gives nothing to hand on. Throws
 * `Denied`.
 */
export function refuseUnheld(grants: readonly Grant[], { kind, id, grants: held = [] }: Caller): void {
  if (kind === "person" || kind === "system") return;
  const isHeld = (grant: Grant): boolean =>
    held.some(
      (own) =>
        coversPattern(own.key, grant.key) &&
        own.folder === grant.folder &&
        (own.path === undefined || own.path === grant.path) &&
        (own.tool === undefined || own.tool === grant.tool) &&
        own.project === grant.project,
    );
  const unheld = grants.find((grant) => !isHeld(grant));
  if (unheld === undefined) return;
  throw new Problem(Denied, `${kind} ${id} holds no grant of ${unheld.key}, and cannot hand it on.`, {
    rule: "built-in:held-grants",
    source: "built-in",
    next: "a person starts the run, or it is started without grants and asks for what it does",
  });
}
