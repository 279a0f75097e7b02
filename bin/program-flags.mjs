import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * How the program's process is set up. Agents read much text in passing, and two defaults that suit busy servers would make
 * the hub larger for it by half (measured on 20,000 files, 1 GB): a young generation of up to 96 MB, an old one that may grow
 * fourfold between collections because the ceiling is far, and one heap of the C library per thread, each keeping its holes.
 * And what a call makes dies with the call: put into old memory on the guess that it will live, as V8 comes to do after some
 * thousand calls, it takes along whatever it names (measured over HTTP: 1.6 KB a request, a tenfold of time to collect).
 */
export const programFlags = [
  "--disable-warning=ExperimentalWarning",
  "--max-semi-space-size=8",
  "--max-old-space-size=1024",
  "--no-allocation-site-pretenuring",
];

/**
 * Compiled code is kept between starts, which takes a start from sources to under half. It lies in the clone, or in the
 * user's own cache folder: code that others could write must not be run.
 * @param {string} root @param {NodeJS.ProcessEnv} env
 */
function compileCache(root, env) {
  if (existsSync(join(root, "tools", "bootstrap"))) return join(root, ".arw", "compile-cache");
  const caches = process.platform === "win32" ? env.LOCALAPPDATA : env.XDG_CACHE_HOME;
  const fallback = process.platform === "darwin" ? join(homedir(), "Library", "Caches") : join(homedir(), ".cache");
  return join(caches !== undefined && isAbsolute(caches) ? caches : fallback, "arw", "compile-cache");
}

/**
 * What was set by hand stays.
 * @param {NodeJS.ProcessEnv} env @param {string} root folder of the program
 * @returns {NodeJS.ProcessEnv}
 */
export const programEnvironment = (env, root) => ({
  MALLOC_ARENA_MAX: "2",
  NODE_COMPILE_CACHE: compileCache(root, env),
  ...env,
});
