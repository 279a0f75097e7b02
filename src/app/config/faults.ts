/** What is wrong with a configuration, and how it is told. */
import { Problem, problem } from "../../contract/problem.ts";
import { checkerOf } from "../../contract/schema.ts";
import { allowedText, type ConfigKey, configKeys, configTables } from "./keys.ts";
import { nearestWord } from "../../base/nearest-word.ts";

export const InvalidConfig = problem({
  code: "config.invalid",
  status: 422,
  title: "The configuration is not valid",
  about:
    "The hub does not start with a configuration that it does not understand. Each fault names where it is and what is allowed there.",
});

export interface ConfigFault {
  /** File and line, variable, or flag. */
  readonly from: string;
  readonly key: string;
  readonly message: string;
}

export function invalidConfig(faults: readonly ConfigFault[]): Problem {
  const lines = faults.map((fault) => `${fault.from}: ${fault.key === "" ? "" : `${fault.key} `}${fault.message}`);
  return new Problem(InvalidConfig, lines.join("\n"), { faults });
}

/** Why the value cannot be the key's, or null when it can. */
export function valueFault(key: ConfigKey, value: unknown): string | null {
  const checker = checkerOf(key.schema);
  if (checker.check(value)) return null;
  const shown = JSON.stringify(value);
  if (key.schema["x-backend"] === true) {
    return `is ${shown}, but this backend is not present. Present: ${allowedText(key.schema)}.`;
  }
  const meant = typeof value === "string" ? nearestWord(value, (key.schema.enum ?? []).map(String)) : undefined;
  const hint = meant === undefined ? "" : ` Did you mean ${JSON.stringify(meant)}?`;
  return `is ${shown}. Allowed: ${allowedText(key.schema)}.${hint}`;
}

/** For a key that does not exist: the one that was meant, or those there are. */
export function unknownKeyText(key: string): string {
  const [table = "", leaf] = key.split(".");
  const keys = configKeys.map((known) => known.key);
  const known = configTables.find((candidate) => candidate.name === table);
  if (known === undefined && leaf === undefined) {
    const tables = configTables.map((candidate) => candidate.name);
    const meant = nearestWord(table, tables) ?? keys.find((candidate) => candidate.endsWith(`.${table}`));
    return `is not known. ${meant === undefined ? `Known tables: ${tables.join(", ")}.` : `Did you mean ${meant}?`}`;
  }
  const meant = nearestWord(key, keys) ?? keys.find((candidate) => candidate.split(".")[1] === leaf);
  if (meant !== undefined) return `is not known. Did you mean ${meant}?`;
  const allowed = known?.keys.map((candidate) => candidate.key) ?? configTables.map((candidate) => candidate.name);
  return `is not known. Allowed: ${allowed.join(", ")}.`;
}
