/** Where the platform keeps configuration and state. */
import { posix, win32 } from "node:path";
import type { Platform } from "../../base/path-rules.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Place {
  readonly platform: Platform;
  readonly env: Environment;
  /** Home folder of the user. */
  readonly home: string;
}

/** Paths of the platform asked about, which in tests is not always the one that runs. */
export const pathsOf = (platform: Platform): typeof posix => (platform === "win32" ? win32 : posix);

/** Other Unixes keep to the customs of Linux. */
export const platformOf = (name: NodeJS.Platform): Platform => (name === "win32" || name === "darwin" ? name : "linux");

/** `<config home>/arw/config.toml`. A relative XDG path is ignored, as its specification says. */
export function configFileFor({ platform, env, home }: Place): string {
  const paths = pathsOf(platform);
  return paths.join(configHome({ platform, env, home }), "arw", "config.toml");
}

function configHome({ platform, env, home }: Place): string {
  const paths = pathsOf(platform);
  const named = env["XDG_CONFIG_HOME"];
  if (named !== undefined && paths.isAbsolute(named)) return named;
  if (platform === "win32") return env["APPDATA"] || paths.join(home, "AppData", "Roaming");
  if (platform === "darwin") return paths.join(home, "Library", "Application Support");
  return paths.join(home, ".config");
}

/** Replaces a leading `~` by the home folder, and nothing else: no variables, no other users' homes. */
export function expandHome(path: string, { platform, home }: Place): string {
  const isHome = path === "~" || path.startsWith("~/") || (platform === "win32" && path.startsWith("~\\"));
  return isHome ? pathsOf(platform).join(home, path.slice(1)) : path;
}

/** True for addresses that only this machine reaches. */
export function isLoopback(address: string): boolean {
  const bare = address.replace(/^\[(.*)\]$/u, "$1").toLowerCase();
  return bare === "localhost" || bare === "::1" || /^127(\.\d{1,3}){3}$/u.test(bare);
}
