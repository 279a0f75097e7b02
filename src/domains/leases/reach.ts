/** What a lease may speak of: something of this hub, and nothing that whoever gives it could not reach by their token. */
import { needWords } from "../../contract/needs.ts";
import { type Caller, coversPattern, isInReach } from "../../contract/caller.ts";
import { patternFault } from "../../contract/gate-keys.ts";
import { gateKey, type Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { BadLease } from "./contract.ts";
import { permits } from "./coverage.ts";

type Table = KernelParts["kernel"]["table"];

/** The operations of the table that it lets pass. */
const permittedBy = (capability: string, { operations }: Table): readonly Operation[] =>
  [...operations.values()]
    .map(({ operation }) => operation)
    .filter((each) => permits(capability, { key: gateKey(each), needs: each.needs }));

/** A lease that could never let anything pass would look like one that does. */
export function refuseIdle(capability: string, holder: string, table: Table): void {
  const keys = [...table.operations.values()].map(({ operation }) => gateKey(operation));
  const fault = patternFault(capability, [...keys, ...Object.keys(needWords)]);
  if (fault !== null)
    throw new Problem(BadLease, fault, { next: "take a key that `arw gate keys` lists, or a need such as `net:send`" });
  const permitted = permittedBy(capability, table);
  if (holder.startsWith("person:") || permitted.length === 0) return;
  if (permitted.every((each) => each.isForPersons === true))
    throw new Problem(BadLease, `${capability} is for persons alone, and no lease gives it to ${holder}`, {
      next: "name an operation that agents may call; `arw agents` lists what theirs use",
    });
}

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
