/** A name for a server that nobody named: what it is called in its command. */

const launchers = new Set([
  "npx",
  "bunx",
  "uvx",
  "node",
  "deno",
  "bun",
  "python",
  "python3",
  "uv",
  "pipx",
  "docker",
  "cmd",
]);
const launcherWords = new Set(["run", "exec", "tool", "x", "-m", "/c", "dlx"]);

export function serverNameOf([command, ...args]: readonly [string, ...string[]]): string {
  const program = bare(command);
  const named = launchers.has(program.toLowerCase())
    ? args.find((word) => !word.startsWith("-") && !launcherWords.has(word) && !launchers.has(word))
    : program;
  return asName(bare(named ?? program));
}

/** `@scope/server-files@1.2.3` and `/opt/bin/files.js` are called `server-files` and `files`. */
const bare = (text: string): string =>
  (text.split(/[\\/]/u).at(-1) ?? "").replace(/(?<=.)@.*$/u, "").replace(/\.(?:exe|cmd|bat|m?js|c?ts|py)$/iu, "");

export function asName(text: string): string {
  const kept = text.replaceAll(/[^A-Za-z0-9._-]+/gu, "-").replace(/^[^A-Za-z0-9]+/u, "");
  return kept.slice(0, 64) || "server";
}
