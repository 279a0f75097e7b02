/** What an event says in one line, and which family it belongs to. Pure. */
import type { MarkFamily } from "../parts/marks.tsx";
import type { HubEvent } from "../shapes.ts";
import { plainLine } from "./plain.ts";

const families: Readonly<Record<string, MarkFamily>> = {
  observations: "observation",
  beliefs: "belief",
  intents: "intent",
  actions: "action",
  approvals: "approval",
  agents: "run",
};

const errorFacts = new Set(["failed", "refused", "gap"]);

export const isErrorKind = (kind: string): boolean => errorFacts.has(kind.slice(kind.lastIndexOf(".") + 1));

export function familyOf(kind: string): MarkFamily {
  if (kind.endsWith(".refused")) return "refusal";
  return isErrorKind(kind) ? "error" : (families[kind.slice(0, kind.indexOf("."))] ?? "other");
}

/** The fields that say most, in the order of what they say. */
const tellingFields = [
  "summary",
  "statement",
  "title",
  "outcome",
  "error",
  "detail",
  "reason",
  "operation",
  "phase",
  "path",
  "address",
];

/** A long line is cut: the whole stands in the event's JSON. */
const gistLengthMax = 240;

export function gistOf(data: unknown): string {
  if (typeof data !== "object" || data === null) return "";
  const fields = data as Readonly<Record<string, unknown>>;
  for (const name of tellingFields) {
    const value = fields[name];
    if (typeof value === "string" && value !== "") return plainLine(value).slice(0, gistLengthMax);
  }
  const [first] = Object.entries(fields);
  return first ? plainLine(`${first[0]} ${JSON.stringify(first[1])}`).slice(0, gistLengthMax) : "";
}

export interface StreamFilter {
  readonly prefix?: string | undefined;
  readonly errorsOnly?: boolean | undefined;
}

/** Prefixes match in any case and may be several, with commas between. */
export function matcherOf(filter: StreamFilter): (event: HubEvent) => boolean {
  const prefixes = (filter.prefix ?? "")
    .toLowerCase()
    .split(",")
    .map((prefix) => prefix.trim())
    .filter((prefix) => prefix !== "");
  return (event) => {
    if (event.kind === "bus.gap") return true;
    if (filter.errorsOnly && !isErrorKind(event.kind)) return false;
    return prefixes.length === 0 || prefixes.some((prefix) => event.kind.toLowerCase().startsWith(prefix));
  };
}
