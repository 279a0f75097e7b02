/** Deny contracts as a person writes them down: strict, with every fault at once, each with its line. */
import { parse, TomlError } from "smol-toml";
import { checkerOf } from "../../contract/schema.ts";
import { Contract } from "../../domains/gating/contract.ts";
import type { RulesRead } from "../../domains/gating/port.ts";
import { contractFault, type PlacedContract } from "../../domains/gating/rule.ts";
import { roles } from "../../domains/hierarchy/contract.ts";
import { nearestWord } from "../config/nearest-word.ts";
import { tomlLines } from "../config/toml-lines.ts";

const tableName = "contract";
const fieldNames = Object.keys(Contract.properties);
/** Enough to mend a file in one go; a file of another kind would have thousands. */
const faultsMax = 50;

interface Written {
  readonly path: string;
  /** The line of a dotted path, or of what holds it. */
  readonly lineOf: (...keys: readonly string[]) => number;
}

/** `path` is how the file is named in faults and rules. */
export function parseRules(text: string, path: string): RulesRead {
  let document: Readonly<Record<string, unknown>>;
  try {
    document = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const message = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /u, "");
    return { kind: "faults", faults: [`${path}:${error.line}: not valid TOML: ${message}`] };
  }
  const written: Written = { path, lineOf: lineFinder(tomlLines(text)) };
  const unknown = Object.keys(document).filter((name) => name !== tableName);
  const items = document[tableName] ?? [];
  const faults = unknown.map((name) => `${path}:${written.lineOf(name)}: ${name} is not known. ${meantTable(name)}`);
  if (!Array.isArray(items))
    faults.push(
      `${path}:${written.lineOf(tableName)}: write [[${tableName}]] with two brackets, once for each contract`,
    );
  const read = (Array.isArray(items) ? items : []).map((item, index) => readContract(item, index, written));
  faults.push(...read.flatMap((each) => each.faults), ...twice(read));
  if (faults.length > 0) return { kind: "faults", faults: faults.slice(0, faultsMax) };
  return { kind: "rules", placed: read.flatMap((each) => each.placed ?? []) };
}

const meantTable = (name: string): string =>
  nearestWord(name, [tableName]) === undefined
    ? `The file holds [[${tableName}]] tables and nothing else.`
    : `Did you mean [[${tableName}]]?`;

function lineFinder(lines: ReadonlyMap<string, number>): Written["lineOf"] {
  return (...keys) => {
    for (let length = keys.length; length > 0; length -= 1) {
      const line = lines.get(keys.slice(0, length).join("."));
      if (line !== undefined) return line;
    }
    return 1;
  };
}

interface ReadContract {
  readonly placed?: PlacedContract;
  readonly faults: readonly string[];
}

function readContract(item: unknown, index: number, { path, lineOf }: Written): ReadContract {
  const at = (...keys: readonly string[]): string => `${path}:${lineOf(tableName, String(index), ...keys)}`;
  const table = Object(item) as Readonly<Record<string, unknown>>;
  const faults = Object.keys(table)
    .filter((name) => !fieldNames.includes(name))
    .map((name) => `${at(name)}: ${name} is not known. ${meantField(name)}`);
  const known = Object.fromEntries(Object.entries(table).filter(([name]) => fieldNames.includes(name)));
  const checker = checkerOf(Contract);
  if (!checker.check(known)) {
    for (const fault of checker.faults(known)) {
      const keys = fault.at.split("/").slice(1);
      faults.push(`${at(...keys)}: ${keys.length === 0 ? "the contract" : keys.join(".")} ${fault.message}`);
    }
    return { faults };
  }
  // The check above says that it is one.
  const contract = known as Contract;
  const fault = contractFault(contract, roles);
  if (fault !== null) faults.push(`${at()}: ${contract.id}: ${fault}`);
  return faults.length > 0 ? { faults } : { placed: { contract, place: at() }, faults };
}

function meantField(name: string): string {
  const meant = nearestWord(name, fieldNames);
  return meant === undefined ? `Known: ${fieldNames.join(", ")}.` : `Did you mean ${meant}?`;
}

function twice(read: readonly ReadContract[]): readonly string[] {
  const first = new Map<string, string>();
  return read.flatMap(({ placed }) => {
    if (placed === undefined) return [];
    const { id } = placed.contract;
    const before = first.get(id);
    if (before === undefined) {
      first.set(id, placed.place ?? "");
      return [];
    }
    return [`${placed.place}: the contract ${id} is there already, at ${before}`];
  });
}
