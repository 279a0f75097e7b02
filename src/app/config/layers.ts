/** The layers a configuration is made of. Each answers with the values it sets and with everything wrong in it. */
import { parse, TomlError } from "smol-toml";
import { type ConfigFault, unknownKeyText, valueFault } from "./faults.ts";
import { type ConfigKey, configKeys, configTables } from "./keys.ts";
import type { Environment } from "./places.ts";
import { tomlLines } from "./toml-lines.ts";

export type ConfigSource = "default" | "file" | "environment" | "flag";

export interface Setting {
  readonly key: string;
  readonly value: unknown;
  readonly source: ConfigSource;
  /** File and line, variable, or flag. */
  readonly from: string;
}

export interface Layer {
  readonly settings: readonly Setting[];
  readonly faults: readonly ConfigFault[];
}

export const defaultLayer = (): Layer => ({
  settings: configKeys
    .filter((key) => key.schema.default !== undefined)
    .map((key) => ({ key: key.key, value: key.schema.default, source: "default", from: "built in" })),
  faults: [],
});

export function fileLayer(text: string, file: string): Layer {
  let tables: Readonly<Record<string, unknown>>;
  try {
    tables = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const message = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /u, "");
    return {
      settings: [],
      faults: [{ from: `${file}:${error.line}`, key: "", message: `not valid TOML: ${message}` }],
    };
  }
  const lines = tomlLines(text);
  const from = (key: string): string => `${file}:${lines.get(key) ?? 1}`;
  return merge(Object.entries(tables).map(([name, table]) => tableLayer({ name, table, from })));
}

interface TableText {
  readonly name: string;
  readonly table: unknown;
  readonly from: (key: string) => string;
}

function tableLayer({ name, table, from }: TableText): Layer {
  const known = configTables.find((candidate) => candidate.name === name);
  if (known === undefined) return fault(from(name), name, unknownKeyText(name));
  if (!isTable(table)) {
    return fault(from(name), name, `must be a table: write [${name}] and its keys below it.`);
  }
  return merge(
    Object.entries(table).map(([leaf, value]) => {
      const path = `${name}.${leaf}`;
      const key = known.keys.find((candidate) => candidate.key === path);
      if (key === undefined) return fault(from(path), path, unknownKeyText(path));
      return checked(key, { key: path, value, source: "file", from: from(path) });
    }),
  );
}

/** Prototype tells tables from dates, which the parser gives as objects, too. */
function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** A variable that is set to nothing counts as not set: that is how compose files leave one out. */
export function environmentLayer(env: Environment): Layer {
  return merge(
    configKeys.map((key) => {
      const name = [key.environment, key.standardEnvironment].find((each) => (env[each ?? ""] ?? "") !== "");
      const text = name === undefined ? undefined : env[name];
      if (name === undefined || text === undefined) return merge([]);
      return checkedVariable(key, { name, value: fromText(key, text) });
    }),
  );
}

/** A variable may count in a larger unit than its key, and is told its range in that. */
function checkedVariable(key: ConfigKey, { name, value }: { readonly name: string; readonly value: unknown }): Layer {
  const factor = key.schema["x-environment-factor"];
  if (factor === undefined) return checked(key, { key: key.key, value, source: "environment", from: name });
  const scaled = typeof value === "number" ? value * factor : value;
  if (valueFault(key, scaled) === null)
    return { settings: [{ key: key.key, value: scaled, source: "environment", from: name }], faults: [] };
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = key.schema;
  const [from, to] = [Math.ceil(minimum / factor), Math.floor(maximum / factor)];
  const message = `is ${JSON.stringify(value)}. Allowed: whole number from ${from} to ${to}, in ${key.schema["x-environment-unit"] ?? `units of ${factor}`}.`;
  return fault(name, key.key, message);
}

/** What the command line gave: by the flag's name in camelCase; text, a list of texts, or `true` for a bare flag. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export function flagLayer(flags: Flags): Layer {
  return merge(
    configKeys.map((key) => {
      const given = key.flag === undefined ? undefined : flags[flagName(key.flag)];
      if (given === undefined) return merge([]);
      const value = typeof given === "string" ? fromText(key, given) : given;
      return checked(key, { key: key.key, value, source: "flag", from: key.flag ?? "" });
    }),
  );
}

/** `--state-dir` is `stateDir` among the flags. */
export const flagName = (flag: string): string =>
  flag.replace(/^--/u, "").replace(/-(.)/gu, (_dash, letter: string) => letter.toUpperCase());

const booleans: Readonly<Record<string, boolean>> = { true: true, "1": true, false: false, "0": false };

/** Reads text strictly; what does not fit stays text, and the schema refuses it. */
function fromText(key: ConfigKey, text: string): unknown {
  switch (key.schema.type ?? "string") {
    case "integer":
      return /^-?\d{1,16}$/u.test(text) ? Number(text) : text;
    case "boolean":
      return Object.hasOwn(booleans, text) ? booleans[text] : text;
    case "array":
      return text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "");
    default:
      return text;
  }
}

function checked(key: ConfigKey, setting: Setting): Layer {
  const message = valueFault(key, setting.value);
  return message === null ? { settings: [setting], faults: [] } : fault(setting.from, key.key, message);
}

const fault = (from: string, key: string, message: string): Layer => ({
  settings: [],
  faults: [{ from, key, message }],
});

export const merge = (layers: readonly Layer[]): Layer => ({
  settings: layers.flatMap((layer) => layer.settings),
  faults: layers.flatMap((layer) => layer.faults),
});
