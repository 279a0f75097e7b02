/** Reads policies from text: split, parsed, named and held against the schema, each fault with its line and a hint. */
import type { DetailedError, SchemaJson } from "@cedar-policy/cedar-wasm/web";
import { nearestWord } from "../../base/nearest-word.ts";
import { answersOf, type ParsedPolicy } from "./heads.ts";
import type { Cedar } from "./wasm.ts";

export interface PolicyFault {
  /** `policies/home.cedar:12:5`: file, line and column, as far as they are known. */
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
  const columns = new Map(read.flatMap((each) => each.columns));
  return { policies, faults: faults.length > 0 ? faults : validate(cedar, { policies, columns }, schema) };
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;
const columnAt = (text: string, offset: number): number => offset - text.lastIndexOf("\n", offset - 1);

function readFile(cedar: Cedar, { name, text }: PolicyFile) {
  const faults: PolicyFault[] = [];
  const columns: [policy: ParsedPolicy, column: number][] = [];
  const fault = (error: DetailedError | undefined, from = 0): void => {
    const offset = from + (error?.sourceLocations?.[0]?.start ?? 0);
    const label = error?.sourceLocations?.[0]?.label;
    faults.push({
      at: `${name}:${lineAt(text, offset)}:${columnAt(text, offset)}`,
      message: `${error?.message ?? "not a policy"}${typeof label === "string" ? `: ${label}` : ""}`,
      hint: error?.help ?? null,
    });
  };
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === "failure") {
    fault(parts.errors[0]);
    return { policies: [], columns, faults };
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
    const id = annotations?.["id"] ?? source;
    const policy: ParsedPolicy = { id, source, text: part, effect: asks ? "ask" : effect, json: parsed.json };
    columns.push([policy, columnAt(text, offset)]);
    return [policy];
  });
  return { policies, columns, faults };
}

/**
 * The parts come in the order of made-up ids; the text has them in the order in which they were written. Longer ones find their
 * place first, as the words of a short one may stand in a longer one as well.
 */
function placed(text: string, parts: readonly string[]): { readonly part: string; readonly offset: number }[] {
  const isTaken = new Uint8Array(text.length);
  const searchedTo = new Map<string, number>();
  const offsetOf = (part: string): number => {
    let offset = text.indexOf(part, searchedTo.get(part) ?? 0);
    while (offset >= 0 && isTaken[offset] === 1) offset = text.indexOf(part, offset + 1);
    if (offset < 0) return 0;
    isTaken.fill(1, offset, offset + part.length);
    searchedTo.set(part, offset + part.length);
    return offset;
  };
  const found = parts.toSorted((a, b) => b.length - a.length).map((part) => ({ part, offset: offsetOf(part) }));
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

interface Placed {
  readonly policies: readonly ParsedPolicy[];
  /** Where each begins in its line. */
  readonly columns: ReadonlyMap<ParsedPolicy, number>;
}

function validate(cedar: Cedar, { policies, columns }: Placed, schema: SchemaJson<string>): readonly PolicyFault[] {
  const staticPolicies = Object.fromEntries(policies.map((each, place) => [String(place), each.text]));
  const answer = cedar.validate({ schema, policies: { staticPolicies }, validationSettings: { mode: "strict" } });
  if (answer.type === "failure")
    return answer.errors.map((error) => ({ at: "policies", message: error.message, hint: error.help }));
  return answer.validationErrors.map(({ policyId, error }) => {
    const policy = policies[Number(policyId)];
    return {
      at:
        policy === undefined
          ? "policies"
          : placeIn(policy, columns.get(policy) ?? 1, error.sourceLocations?.[0]?.start ?? 0),
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

/** In its file, of what lies so far behind the beginning of a policy. */
function placeIn({ source, text }: ParsedPolicy, column: number, offset: number): string {
  const lines = lineAt(text, offset) - 1;
  const inLine = columnAt(text, offset) + (lines === 0 ? column - 1 : 0);
  return `${source.replace(/:(\d+)$/, (_whole, line: string) => `:${Number(line) + lines}`)}:${inLine}`;
}
