/** The path rules of three platforms as pure functions, so that each can be tested on any of them. No disk is asked. */
import { posix, win32 } from "node:path";

export type Platform = "linux" | "darwin" | "win32";

/** NAME_MAX of ext4, APFS and NTFS; bytes on Linux, and never more lenient in bytes than in UTF-16 units. */
const segmentBytesMax = 255;

/** PATH_MAX of Linux. */
const pathBytesMax = 4_096;

/** C0 controls, DEL and C1 controls: legal in a POSIX name, and a forged line in every log and terminal that shows it. */
const controls = /[\u0000-\u001f\u007f-\u009f]/;

/** Device names of Windows, with superscript digits as Windows itself reads them; an extension does not free them. */
const reservedName = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])$/i;

const isWindows = (platform: Platform): boolean => platform === "win32";

/**
 * Why a path may not be used inside a granted folder, as a sentence for the user, or null when it may.
 * Symbolic links are not its business: whoever opens the file must check where it really lies.
 */
export function relativePathProblem(path: string, platform: Platform): string | null {
  if (path === "") return "The path is empty.";
  if (controls.test(path)) return "The path contains a control character.";
  if (!path.isWellFormed()) return "The path is not valid Unicode.";
  if (byteLength(path) > pathBytesMax) return `The path is longer than ${pathBytesMax} bytes.`;
  if (isAbsoluteSomewhere(path, platform)) return "The path is absolute.";
  for (const segment of segmentsOf(path, platform)) {
    const problem = segmentProblem(segment, platform);
    if (problem !== null) return problem;
  }
  return null;
}

/** Any drive letter counts on Windows, `C:file` as well: it is relative to a folder that the caller did not name. */
function isAbsoluteSomewhere(path: string, platform: Platform): boolean {
  if (path.startsWith("/")) return true;
  return isWindows(platform) && (path.startsWith("\\") || /^[a-z]:/i.test(path));
}

function segmentProblem(segment: string, platform: Platform): string | null {
  if (segment === "..") return "The path leaves its folder.";
  if (segment === "" || segment === ".") return null;
  if (byteLength(segment) > segmentBytesMax) return `A name in the path is longer than ${segmentBytesMax} bytes.`;
  return isWindows(platform) ? windowsNameProblem(segment) : null;
}

function windowsNameProblem(name: string): string | null {
  // Windows drops them silently, so `..` and `a.txt` come back as other spellings.
  if (/[. ]$/.test(name)) return "A name in the path ends with a dot or a space.";
  if (name.includes(":")) return "The path names an alternate data stream.";
  if (/[<>"|?*]/.test(name)) return "The path contains a character that Windows reserves.";
  const [stem = ""] = name.split(".", 1);
  if (reservedName.test(stem.trimEnd())) return `${stem.trimEnd()} is a device name on Windows.`;
  return null;
}

/**
 * The path with `/` between its names, without `.` and empty segments; `.` stands for the folder itself.
 * Throws RangeError for a path that `relativePathProblem` refuses.
 */
export function normaliseRelative(path: string, platform: Platform): string {
  const problem = relativePathProblem(path, platform);
  if (problem !== null) throw new RangeError(problem);
  const names = segmentsOf(path, platform).filter((segment) => segment !== "" && segment !== ".");
  return names.length === 0 ? "." : names.join("/");
}

/**
 * Whether two paths name the same file as far as spelling tells: separators, `.` and `..`, and on macOS and Windows
 * letter case. It errs to "same" on a case-sensitive volume there.
 */
export function samePath(a: string, b: string, platform: Platform): boolean {
  return comparable(a, platform) === comparable(b, platform);
}

/** Whether an absolute path is the root or lies under it, by spelling. Relative paths are inside nothing. */
export function isInside(root: string, path: string, platform: Platform): boolean {
  const rules = pathRulesOf(platform);
  if (!rules.isAbsolute(root) || !rules.isAbsolute(path)) return false;
  const outer = comparable(root, platform);
  const inner = comparable(path, platform);
  return inner === outer || inner.startsWith(outer.endsWith("/") ? outer : `${outer}/`);
}

function comparable(path: string, platform: Platform): string {
  const resolved = pathRulesOf(platform).normalize(path);
  const slashed = isWindows(platform) ? resolved.replaceAll("\\", "/") : resolved;
  const trimmed =
    slashed.length > 1 && slashed.endsWith("/") && !/^[a-z]:\/$/i.test(slashed) ? slashed.slice(0, -1) : slashed;
  if (platform === "linux") return trimmed;
  // APFS also takes composed and decomposed letters for the same name; NTFS does not.
  return foldCase(platform === "darwin" ? trimmed.normalize("NFC") : trimmed);
}

/** Upper case first, as both file systems do: it also joins letters with two lower-case forms. */
function foldCase(text: string): string {
  return text.toUpperCase().toLowerCase();
}

export interface StateDirOptions {
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the user's home folder. */
  readonly home: string;
  readonly appName: string;
}

/** Where a program keeps its state by the custom of the platform. A value in `env` that is not absolute is ignored (XDG). */
export function stateDirFor(options: StateDirOptions): string {
  const { platform, env, home, appName } = options;
  const rules = pathRulesOf(platform);
  const fromEnv = (name: string): string | undefined => {
    const value = env[name];
    return value !== undefined && rules.isAbsolute(value) ? value : undefined;
  };
  switch (platform) {
    case "linux":
      return rules.join(fromEnv("XDG_STATE_HOME") ?? rules.join(home, ".local", "state"), appName);
    case "darwin":
      return rules.join(home, "Library", "Application Support", appName);
    case "win32":
      return rules.join(fromEnv("LOCALAPPDATA") ?? rules.join(home, "AppData", "Local"), appName);
    default:
      platform satisfies never;
      throw new RangeError("Unknown platform.");
  }
}

function pathRulesOf(platform: Platform): typeof posix {
  return isWindows(platform) ? win32 : posix;
}

function segmentsOf(path: string, platform: Platform): string[] {
  return path.split(isWindows(platform) ? /[\\/]/ : "/");
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8");
}
