/** What whoever came by a token may give: nobody gives by a lease what their token could not do. */
import { type Caller, coversPattern, isInReach } from "../../contract/caller.ts";
import { gateKey, type Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { permits } from "./coverage.ts";

type Table = KernelParts["kernel"]["table"];

/** The operations of the table that it lets pass. */
export const permittedBy = (capability: string, { operations }: Table): readonly Operation[] =>
  [...operations.values()]
    .map(({ operation }) => operation)
    .filter((each) => permits(capability, { key: gateKey(each), needs: each.needs }));

/** A word may be a key and a need of other operations, too: the token reaches the word, and each operation behind it. */
export function refuseBeyondReach(capability: string, { reach }: Caller, table: Table): void {
  if (reach === undefined) return;
  const isReached = reach.keys.some((own) => coversPattern(own, capability));
  const beyond = isReached
    ? permittedBy(capability, table).find((each) => !isInReach(reach, gateKey(each), each.effect))
    : undefined;
  if (isReached && beyond === undefined) return;
  const what = beyond === undefined ? capability : `${gateKey(beyond)}, which ${capability} permits`;
  throw new Problem(Denied, `The token ${reach.token} does not reach ${what}, and cannot give it.`, {
    key: capability,
    rule: `access.token:${reach.token}`,
    source: "token",
    next: `name what the token reaches, or let a person give it whose token reaches ${capability}`,
  });
}
