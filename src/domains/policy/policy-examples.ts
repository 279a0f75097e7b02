/** Holds the policies against what their user expects of them. Nothing is called. */
import { type Caller, callerKinds, type Label, labels as knownLabels } from "../../contract/caller.ts";
import { gateKey, type Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { checkerOf, type Static } from "../../contract/schema.ts";
import type { Table } from "../../kernel/kernel.ts";
import type { Policy, Ruling } from "../../kernel/ports.ts";
import { InvalidPolicies, type TestPolicies } from "./contract.ts";
import type { PolicyExample } from "./engine-port.ts";

interface Asking {
  readonly rulings: Policy;
  readonly table: Table;
}

export async function testPolicies(
  examples: readonly PolicyExample[],
  asking: Asking,
): Promise<Static<typeof TestPolicies.output>> {
  const told = await Promise.all(examples.map((example) => tell(example, asking)));
  const failed = told.filter((each) => !each.isOk).length;
  return { passed: told.length - failed, failed, examples: told };
}

async function tell(example: PolicyExample, { rulings, table }: Asking) {
  const operation = table.operations.get(example.operation)?.operation;
  if (operation === undefined) throw fault(example, `there is no operation ${example.operation}`);
  const key = gateKey(operation);
  const scope = scopeOf(example, operation);
  const { folder } = scope;
  const granted = example.isGranted ? { grants: [{ key, ...(folder === undefined ? {} : { folder }) }] } : {};
  const caller: Caller = { ...callerOf(example), labels: labelsOf(example), ...granted };
  const { effect, needs } = operation;
  const said: Ruling = await rulings.rule({ operation: operation.id, key, caller, scope, effect, needs });
  // Examples are about the policies, whatever is leased at the moment.
  const ruling = said.otherwise ?? said;
  const isRule = example.rule === null || example.rule === ruling.rule;
  return {
    name: example.name,
    isOk: ruling.effect === example.expect && isRule,
    expected: example.rule === null ? example.expect : `${example.expect} by ${example.rule}`,
    got: ruling.effect,
    rule: ruling.rule,
    at: example.at,
  };
}

const fault = ({ at, name }: PolicyExample, message: string): Problem =>
  new Problem(InvalidPolicies, `the example ${JSON.stringify(name)} does not hold:\n${at}: ${message}`, {
    faults: [{ at, message }],
  });

function scopeOf(example: PolicyExample, operation: Operation) {
  const checker = checkerOf(operation.input);
  if (!checker.check(example.input)) {
    const [first] = checker.faults(example.input);
    throw fault(example, `the input does not fit ${operation.id}: ${first?.at ?? ""} ${first?.message ?? ""}`);
  }
  return operation.scope?.(example.input as never) ?? {};
}

function callerOf(example: PolicyExample): Caller {
  const [kind = "", ...id] = example.caller.split(":");
  const known = callerKinds.find((each) => each === kind);
  if (known === undefined || id.length === 0 || id[0] === "")
    throw fault(example, `${JSON.stringify(example.caller)} is no caller; write one as "agent:scout"`);
  return { kind: known, id: id.join(":") };
}

function labelsOf(example: PolicyExample): Label[] {
  return example.labels.map((label) => {
    const known = knownLabels.find((each) => each === label);
    if (known === undefined) throw fault(example, `${label} is no label; take ${knownLabels.join(", ")}`);
    return known;
  });
}
