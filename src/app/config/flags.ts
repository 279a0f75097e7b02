/** The flags of the hub, read from the schema: strict, with every fault at once. */
import { parseArgs } from "node:util";
import { type ConfigFault, invalidConfig } from "./faults.ts";
import { type ConfigKey, configKeys } from "./keys.ts";
import { type Flags, flagName } from "./layers.ts";
import { nearestWord } from "../../base/nearest-word.ts";

const flagged = configKeys.flatMap((key) => (key.flag === undefined ? [] : [{ ...key, flag: key.flag }]));
const names = ["--config", ...flagged.map((key) => key.flag)];
const isSwitch = (key: ConfigKey | undefined): boolean => key?.schema.type === "boolean";
const isList = (key: ConfigKey | undefined): boolean => key?.schema.type === "array";

/** `["--port", "8091", "--portable"]` as flags for `loadConfig`. Throws the `InvalidConfig` problem. */
export function hubFlags(given: readonly string[]): Flags {
  const { tokens } = parseArgs({
    args: [...given],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      names.map((name) => [
        name.slice(2),
        { type: isSwitch(flagged.find((key) => key.flag === name)) ? ("boolean" as const) : ("string" as const) },
      ]),
    ),
  });
  const flags: Record<string, string | boolean | readonly string[]> = {};
  const faults: ConfigFault[] = [];
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    const raw = token.kind === "option" ? token.rawName : token.value;
    const key = flagged.find((candidate) => candidate.flag === raw);
    if (token.kind !== "option" || !names.includes(raw)) {
      faults.push({ from: raw, key: "", message: unknownFlagText(raw, faults.length === 0) });
    } else if (token.value === undefined && !isSwitch(key)) {
      faults.push({ from: raw, key: "", message: "needs a value." });
    } else if (isList(key)) {
      const before = flags[flagName(raw)];
      flags[flagName(raw)] = [...(Array.isArray(before) ? before : []), ...(token.value ?? "").split(",")];
    } else {
      flags[flagName(raw)] = token.value ?? true;
    }
  }
  if (faults.length > 0) throw invalidConfig(faults);
  return flags;
}

/** All flags are told once, with the first word. */
function unknownFlagText(raw: string, isFirst: boolean): string {
  const meant = raw.startsWith("-") ? nearestWord(raw, names) : undefined;
  const next = meant === undefined ? ` Flags: ${names.join(", ")}.` : ` Did you mean ${meant}?`;
  return `is not a flag of the hub.${isFirst || meant !== undefined ? next : ""}`;
}

export interface FlagHelp {
  /** `--port <value>`. */
  readonly usage: string;
  readonly description: string;
}

export const hubFlagHelp = (): readonly FlagHelp[] => [
  { usage: "--config <file>", description: "Configuration file; it must exist." },
  ...flagged.map((key) => ({
    usage: isSwitch(key) ? key.flag : `${key.flag} <value>`,
    description: key.schema.description ?? "",
  })),
];
