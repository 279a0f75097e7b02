/** Makes the configuration in force: defaults, then the file, then the environment, then the flags. */
import { isIP } from "node:net";
import { stateDirFor } from "../../base/path-rules.ts";
import { type ConfigFault, invalidConfig } from "./faults.ts";
import { configKeys } from "./keys.ts";
import {
  type ConfigSource,
  defaultLayer,
  environmentLayer,
  fileLayer,
  type Flags,
  flagLayer,
  type Layer,
  merge,
  type Setting,
} from "./layers.ts";
import { configFileFor, expandHome, isLoopback, pathsOf, type Place } from "./places.ts";
import type { ConfigValues } from "./schema.ts";

export interface LoadOptions extends Place {
  readonly flags: Flags;
  /** Folder that relative paths of flags and environment are meant from. */
  readonly workDir: string;
  /** Folder of the program; holds `.arw/state` when the state is portable. */
  readonly programDir: string;
  /** Text of a file, or null when there is none. */
  readonly readFile: (path: string) => string | null;
}

/** A deny rule with the place it was written in. */
export interface DenyRule {
  readonly pattern: string;
  /** `config:gate.deny`, `env:ARW_GATING_DENY`, `flag:--deny`. */
  readonly source: string;
}

export interface LoadedConfig {
  readonly values: ConfigValues;
  /** One row per key, in the order of the schema. */
  readonly sources: readonly Setting[];
  readonly denyRules: readonly DenyRule[];
  /** The file that was read, if there was one. */
  readonly file: string | null;
  /** Where the next start looks for one. */
  readonly fileAt: string | null;
}

/** Throws the `InvalidConfig` problem with every fault in it. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const file = fileOf(options);
  const layers = merge([defaultLayer(), file.layer, environmentLayer(options.env), flagLayer(options.flags)]);
  const chosen = new Map(configKeys.map(({ key }) => [key, choose(key, layers.settings)]));
  const state = stateSetting(chosen, options, file.path);
  chosen.set("state.dir", state);
  const faults = [...layers.faults, ...bindFaults(chosen, options), ...rangeFaults(chosen)];
  if (faults.length > 0) throw invalidConfig(faults);
  const sources = configKeys.flatMap(({ key }) => chosen.get(key) ?? []);
  return {
    values: valuesOf(sources),
    sources,
    denyRules: denyRules(layers.settings),
    file: file.path,
    fileAt: file.at,
  };
}

/** Denials of every layer hold: a later layer must not lift a rule that an earlier one set. Elsewhere the last layer wins. */
const addsUp = (key: string): boolean => key === "gate.deny";

function choose(key: string, settings: readonly Setting[]): Setting | undefined {
  const own = settings.filter((setting) => setting.key === key);
  const last = own.at(-1);
  if (last === undefined || !addsUp(key) || own.length < 3) return last;
  const given = own.slice(1);
  return {
    ...last,
    value: [...new Set(given.flatMap((setting) => setting.value as readonly string[]))],
    from: given.map((setting) => setting.from).join(", "),
  };
}

interface ConfigFile {
  readonly layer: Layer;
  readonly path: string | null;
  readonly at: string | null;
}

function fileOf(options: LoadOptions): ConfigFile {
  const { env, flags, readFile } = options;
  const asked = [
    { path: flags["config"], from: "--config" },
    { path: env["ARW_CONFIG"], from: "ARW_CONFIG" },
  ].find(({ path }) => path !== undefined && path !== "");
  if (asked === undefined) {
    const path = configFileFor(options);
    const text = readFile(path);
    return text === null
      ? { layer: merge([]), path: null, at: path }
      : { layer: fileLayer(text, path), path, at: path };
  }
  if (typeof asked.path !== "string")
    return missing({ from: asked.from, key: "", message: "needs the path of a file." });
  const path = absolute(asked.path, options.workDir, options);
  const text = readFile(path);
  if (text !== null) return { layer: fileLayer(text, path), path, at: path };
  return missing({ from: asked.from, key: "", message: `names ${path}, which does not exist or cannot be read.` });
}

const missing = (fault: ConfigFault): ConfigFile => ({
  layer: { settings: [], faults: [fault] },
  path: null,
  at: null,
});

function absolute(path: string, base: string, place: Place): string {
  return pathsOf(place.platform).resolve(base, expandHome(path, place));
}

const layerRank: Readonly<Record<ConfigSource, number>> = { default: 0, file: 1, environment: 2, flag: 3 };

/** `portable` against `dir`: the later layer wins, and `dir` within one layer, for it says more. */
function stateSetting(chosen: Chosen, options: LoadOptions, file: string | null): Setting {
  const dir = chosen.get("state.dir");
  const portable = chosen.get("state.portable");
  const isPortable = portable?.value === true;
  if (dir !== undefined && !(isPortable && layerRank[portable.source] > layerRank[dir.source])) {
    const base = dir.source === "file" && file !== null ? pathsOf(options.platform).dirname(file) : options.workDir;
    return { ...dir, value: absolute(String(dir.value), base, options) };
  }
  if (isPortable) {
    const value = pathsOf(options.platform).join(options.programDir, ".arw", "state");
    return { ...portable, key: "state.dir", value };
  }
  return { key: "state.dir", value: stateDirFor({ ...options, appName: "arw" }), source: "default", from: "built in" };
}

type Chosen = ReadonlyMap<string, Setting | undefined>;

/** Below this a token of letters and digits can be found by trying, even at the rate that is let through. */
const tokenLengthMin = 16;

/** Whoever opens the hub to a network chose the secret that guards it; one that ARW made up lies in a file nobody read. */
function bindFaults(chosen: Chosen, { env }: LoadOptions): readonly ConfigFault[] {
  const bind = chosen.get("server.bind");
  const token = (env["ARW_ADMIN_TOKEN"] ?? "").trim();
  if (bind === undefined || isLoopback(String(bind.value)) || token.length >= tokenLengthMin) return [];
  const message =
    token !== ""
      ? `is ${JSON.stringify(bind.value)}, which other machines can reach, and ARW_ADMIN_TOKEN has fewer than ${tokenLengthMin} characters, which can be guessed. Make it a long random text and start again, or leave the address at 127.0.0.1.`
      : `is ${JSON.stringify(bind.value)}, which other machines can reach, and no token of your own guards it. Set ARW_ADMIN_TOKEN to a long random text and start again, or leave the address at 127.0.0.1.`;
  return [{ from: bind.from, key: bind.key, message }];
}

const rangeKeys = ["server.trustedProxies", "server.allowAddresses"] as const;

/** A range that means nothing would let nobody in, or believe nobody: better told now. */
function rangeFaults(chosen: Chosen): readonly ConfigFault[] {
  return rangeKeys.flatMap((key) => {
    const setting = chosen.get(key);
    const wrong = ((setting?.value ?? []) as readonly string[]).find((range) => !isAddressRange(range));
    if (setting === undefined || wrong === undefined) return [];
    const message = `has ${JSON.stringify(wrong)}. Allowed: an address such as 192.0.2.7, or a range such as 10.0.0.0/8 or fd00::/8.`;
    return [{ from: setting.from, key, message }];
  });
}

function isAddressRange(text: string): boolean {
  const [address = "", bits = "0"] = text.split("/");
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 6 ? 128 : 32);
}

function valuesOf(sources: readonly Setting[]): ConfigValues {
  const values: Record<string, Record<string, unknown>> = {};
  for (const { key, value } of sources) {
    const [table = "", leaf = ""] = key.split(".");
    (values[table] ??= {})[leaf] = value;
  }
  // Every key has a default or was checked against its schema, and `state.dir` was set above.
  return values as unknown as ConfigValues;
}

const ruleSource: Readonly<Record<ConfigSource, (from: string) => string>> = {
  default: () => "built in",
  file: () => "config:gate.deny",
  environment: (from) => `env:${from}`,
  flag: (from) => `flag:${from}`,
};

function denyRules(settings: readonly Setting[]): readonly DenyRule[] {
  return settings
    .filter((setting) => setting.key === "gate.deny")
    .flatMap(({ value, source, from }) =>
      (value as readonly string[]).map((pattern) => ({ pattern, source: ruleSource[source](from) })),
    );
}
