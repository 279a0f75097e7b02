/** The same for TOML as Codex writes it: one table for each server, command and args on lines of their own. */
import { parse } from "smol-toml";
import { applied, copyOf, type Edit, type Entry, NotEditable, ownFrom, type Prefix, saysTheSame } from "./entries.ts";

type Table = Readonly<Record<string, unknown>>;

const readToml = (text: string): Table => {
  try {
    return parse(text);
  } catch {
    throw new NotEditable("it is no TOML that can be read");
  }
};

export function tomlEntries(text: string): readonly Entry[] {
  const servers = readToml(text)["mcp_servers"];
  if (typeof servers !== "object" || servers === null) return [];
  return Object.entries(servers as Readonly<Record<string, Table>>).map(([name, { command, args, url }]) => {
    const words = [command, ...(Array.isArray(args) ? (args as readonly unknown[]) : [])];
    const isCommand = words.every((word): word is string => typeof word === "string");
    const kind = isCommand ? "command" : typeof url === "string" ? "http" : "odd";
    return { name, place: ["mcp_servers", name], kind, command: isCommand ? words : [] };
  });
}

export const wrapToml = (text: string, entries: readonly Entry[], prefix: Prefix): string =>
  changed(text, entries, ({ name }) => ({ add: prefix(name), gone: 0 }));

export const unwrapToml = (text: string, entries: readonly Entry[]): string =>
  changed(text, entries, ({ command }) => ({ add: [], gone: ownFrom(command) }));

/** Words before the command, or how many of its first words go. */
interface Change {
  readonly add: readonly string[];
  readonly gone: number;
}

function changed(text: string, entries: readonly Entry[], changeOf: (entry: Entry) => Change): string {
  const before = readToml(text);
  const expected = copyOf(before) as { mcp_servers: Record<string, Record<string, unknown>> };
  const edits = entries.flatMap((entry) => {
    const change = changeOf(entry);
    const [command = "", ...args] = [...change.add, ...entry.command.slice(change.gone)];
    Object.assign(expected.mcp_servers[entry.name] ?? {}, { command, args });
    return editsOf(text, entry.name, change);
  });
  const after = applied(text, edits);
  // Whatever the lines looked like: only this outcome is written.
  if (!holds(after, expected)) throw new NotEditable("it is written in a way that a program should not change");
  return after;
}

function holds(text: string, expected: unknown): boolean {
  try {
    return saysTheSame(parse(text), expected);
  } catch {
    return false;
  }
}

const string = `(?:"(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*')`;
const gap = `(?:\\s|#[^\\n]*\\n)*`;
const lines = {
  command: new RegExp(`^[ \\t]*command[ \\t]*=[ \\t]*(${string})`, "mu"),
  args: new RegExp(`^[ \\t]*args[ \\t]*=[ \\t]*(\\[${gap}(?:${string}${gap}(?:,${gap})?)*\\])`, "mu"),
};
const words = new RegExp(`#[^\\n]*|(${string})`, "gu");

/** A piece of the file as it is written, and where it stands. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** As JSON writes it, but for the one character that TOML takes only in other words. */
const quoted = (word: string): string => JSON.stringify(word).replaceAll("\u007f", "\\u007F");

function editsOf(text: string, name: string, change: Change): readonly Edit[] {
  const { from, section } = sectionOf(text, name);
  const place = (form: RegExp): Piece | null => {
    const found = form.exec(section);
    if (found === null) return null;
    const [whole, written = ""] = found;
    const to = from + found.index + whole.length;
    return { from: to - written.length, to, text: written };
  };
  const own = place(lines.command);
  if (own === null) throw new NotEditable(`the command of ${name} stands on no line of its own`);
  const list = place(lines.args);
  return change.gone > 0 ? shorter(text, { own, list, gone: change.gone }) : longer({ own, list, add: change.add });
}

interface Command {
  readonly own: Piece;
  readonly list: Piece | null;
}

/** Words come before the command, which moves into the list as it is written. */
function longer({ own, list, add: [first = "", ...rest] }: Command & Pick<Change, "add">): readonly Edit[] {
  const moved = [...rest.map(quoted), own.text].join(", ");
  const renamed = { ...own, text: quoted(first) };
  if (list === null) return [{ ...renamed, text: `${renamed.text}\nargs = [${moved}]` }];
  const [next] = wordsIn(list);
  const at = next?.from ?? list.from + 1;
  return [renamed, { from: at, to: at, text: next === undefined ? moved : `${moved}, ` }];
}

/** The command comes back out of the list; what stands behind it stays as it is written. */
function shorter(text: string, { own, list, gone }: Command & Pick<Change, "gone">): readonly Edit[] {
  const kept = list === null ? [] : wordsIn(list);
  const [first, moved, next] = [kept[0], kept[gone - 1], kept[gone]];
  if (first === undefined || moved === undefined)
    throw new NotEditable("its list of words is not the one that was written");
  const comma = /^\s*,/u.exec(text.slice(moved.to))?.[0] ?? "";
  return [
    { ...own, text: moved.text },
    { from: first.from, to: next?.from ?? moved.to + comma.length, text: "" },
  ];
}

const wordsIn = (list: Piece): readonly Piece[] =>
  [...list.text.matchAll(words)].flatMap(({ 1: word, index }) =>
    word === undefined ? [] : [{ from: list.from + index, to: list.from + index + word.length, text: word }],
  );

function sectionOf(text: string, name: string): { readonly from: number; readonly section: string } {
  const head = text.matchAll(/^[ \t]*\[[^\n]*$/gmu).find(([line]) => isHeadOf(line, name));
  if (head === undefined) throw new NotEditable(`the server ${name} has no table of its own`);
  const from = head.index + head[0].length;
  const next = /^[ \t]*\[/mu.exec(text.slice(from));
  return { from, section: text.slice(from, next === null ? undefined : from + next.index) };
}

/** Whether the line begins the table of this server, in whatever way its name is quoted. */
function isHeadOf(line: string, name: string): boolean {
  try {
    const servers = parse(line.trim())["mcp_servers"];
    return typeof servers === "object" && saysTheSame(servers, Object.fromEntries([[name, {}]]));
  } catch {
    // A line of some text or list, which the outcome shows.
    return false;
  }
}

/** Lines in tables of variables, and those that hold one, keep their names only. */
export function maskToml(text: string): string {
  let isVariables = false;
  return text
    .split("\n")
    .map((line) => {
      if (/^\s*\[/u.test(line)) isVariables = /\.["']?(env|http_headers|env_http_headers)["']?\s*\]/u.test(line);
      const isHidden = isVariables || /^\s*(env|http_headers|bearer_token)\w*\s*=/u.test(line);
      return isHidden && !/^\s*\[/u.test(line) ? line.replace(/=.*$/u, '= "…"') : line;
    })
    .join("\n");
}
