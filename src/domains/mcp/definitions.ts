/** What a server says of a tool, made comparable. */
import { digestOf } from "../../base/canonical-json.ts";
import { unifiedDiff } from "../../base/text-diff.ts";
import { definitionLengthMax, type Tool } from "./contract.ts";

/** What a model is shown of a tool, or acts on. `_meta` and pictures come and go, and nobody reads them. */
const lookedAt = ["name", "title", "description", "inputSchema", "outputSchema", "annotations", "execution"] as const;

export interface ReadDefinition {
  readonly digest: string;
  readonly definition: string;
  readonly isReadOnlyHint: boolean;
}

export function readDefinition(given: unknown): ReadDefinition {
  const all = isRecord(given) ? given : {};
  const kept = Object.fromEntries(lookedAt.filter((each) => all[each] !== undefined).map((each) => [each, all[each]]));
  const annotations = all["annotations"];
  return {
    digest: digestOf(kept),
    definition: cut(JSON.stringify(sorted(kept), null, 2)),
    isReadOnlyHint: isRecord(annotations) && annotations["readOnlyHint"] === true,
  };
}

/** The same definition reads the same, in whatever order its fields came; lines show what changed. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key])]),
  );
}

const cut = (text: string): string =>
  text.length <= definitionLengthMax
    ? text
    : `${text.slice(0, definitionLengthMax)}\n… and ${text.length - definitionLengthMax} further characters`;

/** The line breaks of a description become lines: a person reads it as a model does. */
const readable = (definition: string): string => definition.replaceAll("\\n", "\n");

export function diffOf({ server, tool, definition, pending }: Tool): string {
  if (pending === undefined) return "";
  const [before, after] = [readable(definition), readable(pending.definition)];
  return unifiedDiff({ path: `${server}/${tool}`, before, after }).text;
}

/** The first words of the description, on one line. */
export function aboutOf(definition: string): string {
  const found = /^ {2}"description": ("(?:[^"\\]|\\.)*")/mu.exec(definition)?.[1];
  const text = found === undefined ? "" : (JSON.parse(found) as string);
  const line = text.trim().split(/\s*\n/u, 1)[0] ?? "";
  return line.length <= 120 ? line : `${line.slice(0, 119)}…`;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
