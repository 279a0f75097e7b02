/** The default policies as they are read, as they were parsed, and the schema they are held against. */
import { createRequire } from "node:module";
import { cedarSchemaOf } from "../../src/adapters/cedar/schema.ts";
import { defaultPolicies, defaultPoliciesName } from "../../src/adapters/cedar/default-policies.ts";
import { readPolicies } from "../../src/adapters/cedar/read-policies.ts";
import type { Cedar } from "../../src/adapters/cedar/wasm.ts";
import type { Operation } from "../../src/contract/operation.ts";
import type { Table } from "../../src/kernel/kernel.ts";
import { generatedMark } from "../tidy/source.ts";

export const parsedPoliciesFile = "src/adapters/cedar/default-policies.generated.ts";

export const operationsOf = (table: Table): readonly Operation[] =>
  [...table.operations.values()].map((each) => each.operation);

/** A hub with the default policies alone loads no parser for them. */
export function parsedPolicies(table: Table): string {
  const cedar = createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs") as Cedar;
  const file = { name: defaultPoliciesName, text: defaultPolicies };
  const { policies, faults } = readPolicies(cedar, [file], cedarSchemaOf(operationsOf(table)));
  if (faults.length > 0) throw new TypeError(`the default policies do not hold: ${JSON.stringify(faults, null, 2)}`);
  return `// ${generatedMark}; never edited by hand.
import type { ParsedPolicy } from "./heads.ts";

export const parsedDefaultPolicies: readonly ParsedPolicy[] = ${JSON.stringify(policies, null, 2)};
`;
}

/** The text as it stands in the sources, with the mark that the generator looks for. */
export const policiesText = (): string => `// ${generatedMark}; never edited by hand.\n${defaultPolicies}`;
