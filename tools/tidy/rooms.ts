/** Who may import whom: the rooms of `src`, the satellites, built-in modules and packages. */
import { type Fault, faultAt, type Import, type Source } from "./source.ts";

/** A room may import itself and these. Doors into a room are listed below. */
const floors: Readonly<Record<string, readonly string[]>> = {
  base: [],
  contract: ["base"],
  kernel: ["base", "contract"],
  domains: ["base", "contract"],
  adapters: ["base", "contract"],
  surfaces: ["base", "contract"],
  app: ["base", "contract", "kernel", "domains", "adapters", "surfaces"],
};

/** Single files of another room that a room may import, as patterns. */
const doors: Readonly<Record<string, readonly RegExp[]>> = {
  adapters: [/^src\/kernel\/ports\.ts$/, /^src\/domains\/[^/]+\/([a-z]+-)?port\.ts$/],
  surfaces: [/^src\/kernel\/(kernel|ports)\.ts$/],
};

/** Built-in modules that only compute; everything else belongs to `app` and `adapters`. */
const pureBuiltins = new Set(
  [
    "assert",
    "assert/strict",
    "async_hooks",
    "buffer",
    "crypto",
    "events",
    "path",
    "path/posix",
    "path/win32",
    "querystring",
    "stream",
    "stream/promises",
    "string_decoder",
    "url",
    "util",
    "zlib",
  ].map((name) => `node:${name}`),
);

/** The one place, or the few, that may name a package. What is not here may not be imported inside `src`. */
const packageHomes: Readonly<Record<string, readonly string[]>> = {
  typebox: ["src/contract/"],
  "@cedar-policy/cedar-wasm": ["src/adapters/cedar/"],
  canonicalize: ["src/base/"],
  diff: ["src/base/"],
  ignore: ["src/adapters/"],
  pino: ["src/adapters/"],
  "prom-client": ["src/adapters/"],
  commander: ["src/surfaces/cli/"],
  "smol-toml": ["src/app/"],
  "jsonc-parser": ["src/app/connect/"],
};

export function roomFaults(source: Source): Fault[] {
  if (source.isTest) return [];
  return source.imports.flatMap((entry) => {
    const message = entry.target === null ? outsideFault(source, entry) : insideFault(source, entry, entry.target);
    return message === null ? [] : [faultAt(source, entry.at, ["rooms", message])];
  });
}

function insideFault(source: Source, entry: Import, target: string): string | null {
  // What lies in web/dev helps to build the interface and is no part of it.
  if (source.area === "web" && !source.file.startsWith("web/dev/"))
    return /^(web|client)\//.test(target) ? null : "web imports the client and nothing else of ours";
  if (source.area === "client") return clientFault(source, target);
  if (source.area !== "src") return null;
  const [area = "", room = "", part = ""] = target.split("/");
  if (area !== "src") return `src imports nothing outside src, not ${target}`;
  if (isTestFile(target)) return "only tests import tests";
  if (!(source.room in floors)) return `there is no room src/${source.room}`;
  return room === source.room ? sameRoomFault(source, target, part) : otherRoomFault(source, entry, { target, room });
}

/** The client runs in browsers: it knows the hub by its wire only. Its generator is a tool. */
function clientFault(source: Source, target: string): string | null {
  return target.startsWith("client/") || source.file === "client/generate.ts"
    ? null
    : "client imports nothing else of ours";
}

function sameRoomFault(source: Source, target: string, part: string): string | null {
  if (part === source.part || target.split("/").length <= 3) return null;
  if (source.room === "domains" && !target.endsWith("/contract.ts"))
    return `a domain imports of ${part} its contract.ts only`;
  if (source.room === "surfaces" && part !== "spec") return `surface ${source.part} may not import surface ${part}`;
  return null;
}

function otherRoomFault(
  source: Source,
  entry: Import,
  to: { readonly target: string; readonly room: string },
): string | null {
  if (floors[source.room]?.includes(to.room)) return null;
  if (doors[source.room]?.some((door) => door.test(to.target))) return null;
  if (source.room === "domains" && to.room === "kernel") {
    return entry.isTypeOnly ? null : "a domain imports types of the kernel and nothing else of it";
  }
  return `${source.room} may not import ${to.target.slice("src/".length)}`;
}

function outsideFault(source: Source, entry: Import): string | null {
  if (source.area !== "src") return null;
  if (entry.specifier.startsWith("node:")) return builtinFault(source, entry);
  const name = packageName(entry.specifier);
  const homes = packageHomes[name];
  if (homes === undefined) return `${name} has no home: give it one in tools/tidy/rooms.ts, with a decision record`;
  return homes.some((home) => source.file.startsWith(home)) ? null : `${name} is imported in ${homes.join(", ")} only`;
}

function builtinFault(source: Source, entry: Import): string | null {
  if (source.room === "app" || source.room === "adapters" || entry.isTypeOnly) return null;
  return pureBuiltins.has(entry.specifier) ? null : `${entry.specifier} belongs to app and adapters`;
}

const isTestFile = (file: string): boolean => /\.test\.tsx?$/.test(file);

export function packageName(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}
