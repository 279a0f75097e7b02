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
  changed(text, entries, ({ name, command }) => [...prefix(name), ...command]);

export const unwrapToml = (text: string, entries: readonly Entry[]): string =>
  changed(text, entries, ({ command }) => command.slice(ownFrom(command)));

function changed(text: string, entries: readonly Entry[], wordsOf: (entry: Entry) => readonly string[]): string {
  const before = readToml(text);
  const expected = copyOf(before) as { mcp_servers: Record<string, Record<string, unknown>> };
  const edits = entries.flatMap((entry) => {
    const [command = "", ...args] = wordsOf(entry);
    Object.assign(expected.mcp_servers[entry.name] ?? {}, { command, args });
    return editsOf(text, entry.name, { command, args });
  });
  const after = applied(text, edits);
  // Whatever the lines looked like: only this outcome is written.
  if (!saysTheSame(readToml(after), expected))
    throw new NotEditable("it is written in a way that a program should not change");
  return after;
}

const string = `(?:"(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*')`;
const lines = {
  command: new RegExp(`^[ \\t]*command[ \\t]*=[ \\t]*(${string})`, "mu"),
  args: new RegExp(`^[ \\t]*args[ \\t]*=[ \\t]*(\\[(?:\\s*${string}\\s*,?)*\\s*\\])`, "mu"),
};

/** As JSON writes it, but for the one character that TOML takes only in other words. */
const quoted = (word: string): string => JSON.stringify(word).replaceAll("\u007f", "\\u007F");

function editsOf(
  text: string,
  name: string,
  { command, args }: { readonly command: string; readonly args: readonly string[] },
): readonly Edit[] {
  const head = text.matchAll(/^[ \t]*\[[^\n]*$/gmu).find(([line]) => isHeadOf(line, name));
  if (head === undefined) throw new NotEditable(`the server ${name} has no table of its own`);
  const from = head.index + head[0].length;
  const next = /^[ \t]*\[/mu.exec(text.slice(from));
  const section = text.slice(from, next === null ? undefined : from + next.index);
  const place = (form: RegExp, value: string): Edit | null => {
    const found = form.exec(section);
    if (found === null) return null;
    const end = from + found.index + found[0].length;
    return { from: end - (found[1] ?? "").length, to: end, text: value };
  };
  const list = `[${args.map(quoted).join(", ")}]`;
  const own = place(lines.command, quoted(command));
  if (own === null) throw new NotEditable(`the command of ${name} stands on no line of its own`);
  const existing = place(lines.args, list);
  return existing === null ? [{ ...own, text: `${own.text}\nargs = ${list}` }] : [own, existing];
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
