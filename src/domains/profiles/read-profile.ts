/** From the text of a file to an agent that holds, or to every fault with its line. */
import type { Operation } from "../../contract/operation.ts";
import { checkerOf, type TObject } from "../../contract/schema.ts";
import type { ProfileFault } from "./contract.ts";
import { serverToolPattern } from "./offered-tools.ts";
import type { ProfileText } from "./port.ts";
import { type Profile, ProfileFile, profileOf } from "./profile.ts";

/** Enough to mend a file in one go. */
const faultsMax = 50;

export interface Workshop {
  readonly text: ProfileText;
  /** All that an agent may be given, by id. */
  readonly tools: () => ReadonlyMap<string, Operation>;
}

/** The fields that have their form, so that what they say is looked at beside the faults of others. */
type Part = Partial<ProfileFile>;

export type ProfileRead = (
  | { readonly kind: "profile"; readonly profile: Profile }
  | { readonly kind: "faults"; readonly faults: readonly ProfileFault[] }
) & {
  /** Null where the text cannot be read at all. */
  readonly part: Part | null;
  readonly lineOf: (path: readonly string[]) => number;
};

type Say = (path: readonly string[], message: string, hint?: string) => void;
interface Checking extends Workshop {
  readonly say: Say;
}

export function readProfile(text: string, workshop: Workshop): ProfileRead {
  const read = workshop.text.read(text);
  if (read.kind === "fault") {
    const { line, message } = read;
    return { kind: "faults", faults: [{ line, message }], part: null, lineOf: () => line };
  }
  const { lineOf } = read;
  const faults: ProfileFault[] = [];
  const say: Say = (path, message, hint) => {
    const fault = { line: lineOf(path), message: message.slice(0, 500) };
    if (faults.length < faultsMax) faults.push(hint === undefined ? fault : { ...fault, hint: hint.slice(0, 500) });
  };
  const checking = { ...workshop, say };
  const part = formedPart(knownPart(read.table, checking), checking);
  checkMeaning(part, read.table, checking);
  const base = { part, lineOf };
  if (faults.length === 0) return { ...base, kind: "profile", profile: profileOf(read.table as ProfileFile) };
  return { ...base, kind: "faults", faults: faults.toSorted((one, other) => one.line - other.line) };
}

/** Without fields that nobody knows, which are told, so that the rest is looked at, too. */
function knownPart(table: Readonly<Record<string, unknown>>, checking: Checking): Readonly<Record<string, unknown>> {
  const known = { ...withoutUnknown(table, { schema: ProfileFile, path: [], checking }) };
  for (const name of ["context", "ceilings"] as const) {
    const inner = known[name];
    const schema = ProfileFile.properties[name] as unknown as TObject;
    if (isTable(inner)) known[name] = withoutUnknown(inner, { schema, path: [name], checking });
  }
  return known;
}

/** Without fields whose form is wrong, which are told. */
function formedPart(table: Readonly<Record<string, unknown>>, { say }: Checking): Part {
  const checker = checkerOf(ProfileFile);
  if (checker.check(table)) return table;
  const formless = new Set<string | undefined>();
  for (const { at, message } of checker.faults(table)) {
    const path = at.split("/").slice(1);
    say(path, `${path.join(".") || "the file"} ${message}`);
    formless.add(path[0]);
  }
  return Object.fromEntries(Object.entries(table).filter(([name]) => !formless.has(name)));
}

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

interface Fields {
  readonly schema: TObject;
  readonly path: readonly string[];
  readonly checking: Checking;
}

function withoutUnknown(table: Readonly<Record<string, unknown>>, { schema, path, checking }: Fields) {
  const { say, text } = checking;
  const known = Object.keys(schema.properties);
  for (const name of Object.keys(table).filter((each) => !known.includes(each))) {
    const meant = text.nearest(name, known);
    const hint = meant === undefined ? `known: ${known.join(", ")}` : `did you mean ${meant}?`;
    say([...path, name], `${name} is not known`, hint);
  }
  return Object.fromEntries(Object.entries(table).filter(([name]) => known.includes(name)));
}

function checkMeaning(part: Part, table: Readonly<Record<string, unknown>>, checking: Checking): void {
  const { say, text } = checking;
  const { tools = [], budget = [], context = {} } = part;
  // What is among tools that have no form nobody can say.
  const ask = part.tools === undefined && table["tools"] !== undefined ? [] : (part.ask ?? []);
  for (const id of tools) checkTool(id, "tools", checking);
  for (const id of ask)
    if (!tools.includes(id))
      say(["ask"], `${id} is not among its tools`, "name it in tools, too, or leave it out here");
  for (const line of budget) {
    const fault = text.allowanceFault(line);
    if (fault !== null)
      say(["budget"], `${JSON.stringify(line)}: ${fault}`, 'write "0.50 USD/run" or "20 calls/run web.fetch"');
  }
  const { tokens, answer } = context;
  if (tokens !== undefined && answer !== undefined && answer * 2 > tokens)
    say(["context", "answer"], "the answer may take at most half of the context", `answer = ${Math.floor(tokens / 2)}`);
}

function checkTool(id: string, path: string, { say, text, tools }: Checking): void {
  if (tools().has(id)) return;
  if (serverToolPattern.test(id)) return;
  if (id.startsWith("mcp:")) return say([path], `${id} names no tool of a server`, "write mcp:SERVER/TOOL");
  const meant = text.nearest(id, [...tools().keys()]);
  const known = [...tools().keys()].join(", ");
  say([path], `there is no tool ${id}`, meant === undefined ? `there are ${known}` : `did you mean ${meant}?`);
}
