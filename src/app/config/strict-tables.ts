/** Files that hold tables of one name and nothing else: read strictly, with every fault at once, each with its line. */
import { parse, TomlError } from "smol-toml";
import { checkerOf, type Static, type TObject } from "../../contract/schema.ts";
import { nearestWord } from "../../base/nearest-word.ts";
import { tomlLines } from "./toml-lines.ts";

/** Enough to mend a file in one go; a file of another kind would have thousands. */
const faultsMax = 50;

export interface PlacedTable<T> {
  readonly value: T;
  /** `gating.toml:12`. */
  readonly place: string;
}

export type TablesRead<T> =
  | { readonly kind: "tables"; readonly tables: readonly PlacedTable<T>[] }
  | { readonly kind: "faults"; readonly faults: readonly string[] };

export interface TableForm<S extends TObject> {
  /** How the file is named in faults. */
  readonly path: string;
  /** Name of its tables. */
  readonly table: string;
  /** The table in a sentence: `contract`. */
  readonly word: string;
  readonly schema: S;
  /** What is wrong with a table that fits the schema; null when nothing is. */
  readonly faultOf: (value: Static<S>) => string | null;
  /** Two tables of one identity are a fault. */
  readonly identityOf: (value: Static<S>) => string;
}

interface Written<S extends TObject> extends TableForm<S> {
  /** The line of a dotted path, or of what holds it. */
  readonly lineOf: (...keys: readonly string[]) => number;
}

export function readTables<S extends TObject>(text: string, form: TableForm<S>): TablesRead<Static<S>> {
  const { path, table } = form;
  let document: Readonly<Record<string, unknown>>;
  try {
    document = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const message = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /u, "");
    return { kind: "faults", faults: [`${path}:${error.line}: not valid TOML: ${message}`] };
  }
  const written: Written<S> = { ...form, lineOf: lineFinder(tomlLines(text)) };
  const unknown = Object.keys(document).filter((name) => name !== table);
  const items = document[table] ?? [];
  const faults = unknown.map(
    (name) => `${path}:${written.lineOf(name)}: ${name} is not known. ${meantTable(name, table)}`,
  );
  if (!Array.isArray(items))
    faults.push(`${path}:${written.lineOf(table)}: write [[${table}]] with two brackets, once for each ${form.word}`);
  const read = (Array.isArray(items) ? items : []).map((item, index) => readTable(item, index, written));
  faults.push(...read.flatMap((each) => each.faults), ...twice(read, form));
  if (faults.length > 0) return { kind: "faults", faults: faults.slice(0, faultsMax) };
  return { kind: "tables", tables: read.flatMap((each) => each.placed ?? []) };
}

const meantTable = (name: string, table: string): string =>
  nearestWord(name, [table]) === undefined
    ? `The file holds [[${table}]] tables and nothing else.`
    : `Did you mean [[${table}]]?`;

function lineFinder(lines: ReadonlyMap<string, number>): Written<TObject>["lineOf"] {
  return (...keys) => {
    for (let length = keys.length; length > 0; length -= 1) {
      const line = lines.get(keys.slice(0, length).join("."));
      if (line !== undefined) return line;
    }
    return 1;
  };
}

interface ReadTable<T> {
  readonly placed?: PlacedTable<T>;
  readonly faults: readonly string[];
}

function readTable<S extends TObject>(item: unknown, index: number, written: Written<S>): ReadTable<Static<S>> {
  const { path, lineOf, table, schema, word } = written;
  const at = (...keys: readonly string[]): string => `${path}:${lineOf(table, String(index), ...keys)}`;
  const fieldNames = Object.keys(schema.properties);
  const given = Object(item) as Readonly<Record<string, unknown>>;
  const faults = Object.keys(given)
    .filter((name) => !fieldNames.includes(name))
    .map((name) => `${at(name)}: ${name} is not known. ${meantField(name, fieldNames)}`);
  const known = Object.fromEntries(Object.entries(given).filter(([name]) => fieldNames.includes(name)));
  const checker = checkerOf(schema);
  if (!checker.check(known)) {
    for (const fault of checker.faults(known)) {
      const keys = fault.at.split("/").slice(1);
      faults.push(`${at(...keys)}: ${keys.length === 0 ? `the ${word}` : keys.join(".")} ${fault.message}`);
    }
    return { faults };
  }
  // The check above says that it is one.
  const value = known as Static<S>;
  const fault = written.faultOf(value);
  if (fault !== null) faults.push(`${at()}: ${written.identityOf(value)}: ${fault}`);
  return faults.length > 0 ? { faults } : { placed: { value, place: at() }, faults };
}

function meantField(name: string, fieldNames: readonly string[]): string {
  const meant = nearestWord(name, fieldNames);
  return meant === undefined ? `Known: ${fieldNames.join(", ")}.` : `Did you mean ${meant}?`;
}

function twice<S extends TObject>(
  read: readonly ReadTable<Static<S>>[],
  { identityOf, word }: TableForm<S>,
): readonly string[] {
  const first = new Map<string, string>();
  return read.flatMap(({ placed }) => {
    if (placed === undefined) return [];
    const id = identityOf(placed.value);
    const before = first.get(id);
    if (before === undefined) {
      first.set(id, placed.place);
      return [];
    }
    return [`${placed.place}: the ${word} ${id} is there already, at ${before}`];
  });
}
