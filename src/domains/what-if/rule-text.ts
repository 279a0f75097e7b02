/** Writes a proposed rule in Cedar, as narrow as what was seen, and says in words what it opens from now on. */
import type { Label } from "../../contract/caller.ts";
import type { Facts } from "./facts.ts";

/** The one thing that a call reaches, as Cedar names it. */
export interface Place {
  readonly type: "Folder" | "Host" | "Tool" | "Project" | "Model" | "Hub";
  readonly id: string;
}

/** Null where there is more than one, or where the record does not say. */
export function placeOf({ scope, hidden }: Pick<Facts, "scope" | "hidden">): Place | null {
  const { folder, host, tool, project, model, capsule } = scope;
  if (hidden.length > 0 || capsule !== undefined) return null;
  const places: Place[] = [
    ...(folder === undefined ? [] : [{ type: "Folder" as const, id: folder }]),
    ...(host === undefined ? [] : [{ type: "Host" as const, id: host }]),
    ...(tool === undefined ? [] : [{ type: "Tool" as const, id: tool }]),
    ...(project === undefined ? [] : [{ type: "Project" as const, id: project }]),
    ...(model === undefined ? [] : [{ type: "Model" as const, id: model }]),
  ];
  if (places.length > 1) return null;
  return places[0] ?? { type: "Hub", id: "hub" };
}

export interface Terms {
  /** Left out of a permit, whose id is made of its terms. */
  readonly kind?: "forbid";
  readonly agent: string;
  readonly tool: string;
  readonly place: Place;
  /** The rule whose question is answered. */
  readonly answers: string;
  /** Files that were seen; the empty text stands for a call that named none. */
  readonly paths: readonly string[];
  readonly labels: readonly Label[];
}

export interface Draft {
  readonly proposal: string;
  readonly rule: string;
  readonly answers: string;
  readonly about: string;
  readonly text: string;
  readonly opens: readonly string[];
}

interface Seen {
  readonly hash: string;
  /** How often the same was answered. */
  readonly times: number;
  readonly sinceMs: number;
  readonly lastMs: number;
}

const idLength = 12;

export function draftOf(terms: Terms, { hash, times, sinceMs, lastMs }: Seen): Draft {
  const { kind = "permit", agent, tool, place, answers, paths, labels } = terms;
  const id = hash.slice(0, idLength);
  const rule = `adopted-${id}`;
  const conditions = [
    ...(isOfFiles(place) ? [`${listed(paths)}.contains(context.path)`] : []),
    `${listed(labels)}.containsAll(context.labels)`,
  ];
  const resource = place.type === "Hub" ? "resource is Hub" : `resource == ${place.type}::${quoted(place.id)}`;
  const isPermit = kind === "permit";
  const span = `${times} times from ${dayOf(sinceMs)} to ${dayOf(lastMs)}`;
  const text = [
    isPermit ? `// You allowed this ${span}, and never said no.` : `// You said no to this ${span}, and never yes.`,
    `@id(${quoted(rule)})`,
    // A forbid comes before every question, so it has none to name.
    ...(isPermit ? [`@answers(${quoted(answers)})`] : []),
    `${kind} (principal == Agent::${quoted(agent)}, action == Action::${quoted(tool)}, ${resource})`,
    `when { ${conditions.join(" && ")} };`,
  ].join("\n");
  const what = `${tool} by agent ${agent}${placeWords(place, paths)}`;
  const built = `Only while the call is built from ${labels.map((label) => labelWords[label]).join(", ")}.`;
  return {
    proposal: `p-${id}`,
    rule,
    answers,
    about: isPermit ? `Let pass without a question: ${what}.` : `Refuse without a question: ${what}.`,
    text,
    opens: isPermit ? [`Every later ${what}, whatever it says or holds.`, built] : [],
  };
}

const labelWords: Readonly<Record<Label, string>> = {
  user: "your own words",
  file: "files that were read",
  web: "pages of the web",
  tool: "what tools said",
};

const isOfFiles = ({ type }: Place): boolean => type === "Folder";

function placeWords({ type, id }: Place, paths: readonly string[]): string {
  if (type === "Hub") return "";
  if (!isOfFiles({ type, id })) return ` at ${id}`;
  const named = paths.filter((path) => path !== "");
  return named.length === 0 ? ` in ${id}` : ` of ${named.join(", ")} in ${id}`;
}

/** Cedar reads the escapes of JSON that texts of ours can hold, but those of four digits it writes in braces. */
export const quoted = (text: string): string =>
  JSON.stringify(text)
    .replaceAll(/\\u([0-9a-f]{4})/g, "\\u{$1}")
    .replaceAll("\\b", "\\u{8}")
    .replaceAll("\\f", "\\u{c}");

const listed = (texts: readonly string[]): string => `[${texts.map(quoted).join(", ")}]`;

const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
