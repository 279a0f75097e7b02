/** Paths of the folder port: safe by the rules of the platform, and in the one spelling that names each file once. */
import type { Platform } from "../../base/path-rules.ts";
import { normaliseRelative, relativePathProblem } from "../../base/path-rules.ts";
import { FolderFault } from "../../domains/fs/port.ts";

/** The rule set for names: other Unixes have the rules of Linux. */
export function pathPlatform(): Platform {
  return process.platform === "darwin" || process.platform === "win32" ? process.platform : "linux";
}

/** Why the port takes no such path, or null. */
export function pathProblem(path: string, platform: Platform): string | null {
  const problem = relativePathProblem(path, platform);
  if (problem !== null) return problem;
  // Two spellings of one file would pass for two files wherever paths are compared.
  const isNormal = path !== "." && normaliseRelative(path, platform) === path;
  return isNormal ? null : "The path has an empty or a dotted step, or a foreign separator.";
}

/** The names of a path, or `outside-folder`. */
export function stepsOf(path: string, platform: Platform): { readonly folders: string[]; readonly name: string } {
  const problem = pathProblem(path, platform);
  if (problem !== null) throw new FolderFault("outside-folder", `${JSON.stringify(path)}: ${problem}`);
  const steps = path.split("/");
  return { folders: steps.slice(0, -1), name: steps.at(-1) ?? "" };
}
