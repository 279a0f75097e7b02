/** Reads policies from text: split, parsed, named and held against the schema, each fault with its line and a hint. */
import type { DetailedError, SchemaJson } from "@cedar-policy/cedar-wasm/web";
import { nearestWord } from "../../base/nearest-word.ts";
import { answersOf, type ParsedPolicy } from "./heads.ts";
import type { Cedar } from "./wasm.ts";

export interface PolicyFault {
  /** `policies/home.cedar:12`. */
  readonly at: string;
  readonly message: string;
  readonly hint: string | null;
}

export interface PolicyFile {
  /** As a reader knows it: `default policies`, `policies/home.cedar`. */
  readonly name: string;
  readonly text: string;
}

/** More policies than this nobody reads; the set is refused and none is dropped. */
const policiesMax = 10_000;

/** Policies of all files in their order, or everything that is wrong with them. */
export function readPolicies(
  cedar: Cedar,
  files: readonly PolicyFile[],
  schema: SchemaJson<string>,
): { readonly policies: readonly ParsedPolicy[]; readonly faults: readonly PolicyFault[] } {
  const read = files.map((file) => readFile(cedar, file));
  const policies = read.flatMap((each) => each.policies);
  const faults = [...read.flatMap((each) => each.faults), ...doubles(policies)];
  if (policies.length > policiesMax)
    faults.push({ at: "policies", message: `more than ${policiesMax} policies`, hint: null });
  return { policies, faults: faults.length > 0 ? faults : validate(cedar, policies, schema) };
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;

function readFile(cedar: Cedar, { name, text }: PolicyFile) {
  const faults: PolicyFault[] = [];
  const fault = (error: DetailedError | undefined, from = 0): void => {
    const offset = error?.sourceLocations?.[0]?.start ?? 0;
    const label = error?.sourceLocations?.[0]?.label;
    faults.push({
      at: `${name}:${lineAt(text, from + offset)}`,
      message: `${error?.message ?? "not a policy"}${typeof label === "string" ? `: ${label}` : ""}`,
      hint: error?.help ?? null,
    });
  };
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === "failure") {
    fault(parts.errors[0]);
    return { policies: [], faults };
  }
  if (parts.policy_templates.length > 0)
    faults.push({ at: name, message: "templates with slots are not supported", hint: "Write one policy for each." });
  const policies = placed(text, parts.policies).flatMap(({ part, offset }): ParsedPolicy[] => {
    const parsed = cedar.policyToJson(part);
    if (parsed.type === "failure") {
      fault(parsed.errors[0], offset);
      return [];
    }
    const source = `${name}:${lineAt(text, offset)}`;
    const { effect, annotations } = parsed.json;
    const asks = effect === "permit" && annotations?.["ask"] !== undefined;
    return [
      { id: annotations?.["id"] ?? source, source, text: part, effect: asks ? "ask" : effect, json: parsed.json },
    ];
  });
  return { policies, faults };
}

/** The parts come in the order of made-up ids; the text has them in the order in which they were written. */
function placed(text: string, parts: readonly string[]): { readonly part: string; readonly offset: number }[] {
  const taken = new Map<string, number>();
  const found = parts.map((part) => {
    const offset = Math.max(0, text.indexOf(part, (taken.get(part) ?? -1) + 1));
    taken.set(part, offset);
    return { part, offset };
  });
  return found.toSorted((a, b) => a.offset - b.offset);
}

function doubles(policies: readonly ParsedPolicy[]): PolicyFault[] {
  const known = new Map<string, string>();
  return policies.flatMap(({ id, source }): PolicyFault[] => {
    const other = known.get(id);
    known.set(id, source);
    return other === undefined
      ? []
      : [
          {
            at: source,
            message: `the id ${JSON.stringify(id)} is taken by ${other}`,
            hint: "Give each policy its own @id.",
          },
        ];
  });
}

/** A permit that answers a question names a policy that asks it. `policies` are all that would be in force. */
export function answerFaults(policies: readonly ParsedPolicy[]): readonly PolicyFault[] {
  const asking = policies.filter(({ effect }) => effect === "ask").map(({ id }) => id);
  return policies.flatMap((policy): PolicyFault[] => {
    const { source: at, effect, json } = policy;
    if (json.annotations?.["answers"] === undefined) return [];
    if (effect !== "permit")
      return [{ at, message: "only a permit that asks nothing answers questions", hint: "Leave out @answers." }];
    return answersOf(policy)
      .filter((id) => !asking.includes(id))
      .map((id) => {
        const near = nearestWord(id, asking);
        return {
          at,
          message: `@answers names ${JSON.stringify(id)}, which is no policy that asks`,
          hint: near === undefined ? "`arw policy list` shows those that ask" : `did you mean ${JSON.stringify(near)}?`,
        };
      });
  });
}

function validate(cedar: Cedar, policies: readonly ParsedPolicy[], schema: SchemaJson<string>): readonly PolicyFault[] {
  const staticPolicies = Object.fromEntries(policies.map((each, place) => [String(place), each.text]));
  const answer = cedar.validate({ schema, policies: { staticPolicies }, validationSettings: { mode: "strict" } });
  if (answer.type === "failure")
    return answer.errors.map((error) => ({ at: "policies", message: error.message, hint: error.help }));
  return answer.validationErrors.map(({ policyId, error }) => {
    const policy = policies[Number(policyId)];
    const within = lineAt(policy?.text ?? "", error.sourceLocations?.[0]?.start ?? 0) - 1;
    return {
      at: lineLater(policy?.source ?? "policies", within),
      message: plain(error.message),
      hint: hintOf(error, schema),
    };
  });
}

/** Cedar's own nearest action may be any short word; a mistyped operation is near to one of the table. */
function hintOf({ message, help }: DetailedError, schema: SchemaJson<string>): string | null {
  const unknown = /unrecognized action `Action::"([^"]+)"`/.exec(message)?.[1];
  if (unknown === undefined) return help;
  const known = Object.values(schema).flatMap(({ actions }) => Object.keys(actions));
  const near = nearestWord(unknown, known);
  return near === undefined ? "`arw gate keys` lists the operations" : `did you mean \`Action::"${near}"\`?`;
}

/** Cedar names the policy by the number that it was given here. */
const plain = (message: string): string => message.replace(/^for policy `\d+`, /, "");

const lineLater = (source: string, lines: number): string =>
  source.replace(/:(\d+)$/, (_whole, line: string) => `:${Number(line) + lines}`);
