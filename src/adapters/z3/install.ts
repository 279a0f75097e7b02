/** Brings the solver into a folder of its own, by npm, as one pinned version whose sums are known. */
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { makeFolder } from "../files/make-folder.ts";
import { pinnedLock, pinnedPackage } from "./pinned.ts";

/** Thirty-six megabytes, over a slow line. */
const installMsMax = 600_000;

export interface InstallOptions {
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Each line that npm says. */
  readonly told: (line: string) => void;
}

/** Rejects where npm is not found, or does not succeed; what was there before stays then. */
export async function installZ3({ folder, signal, told }: InstallOptions): Promise<void> {
  const npm = findNpm();
  if (npm === null)
    throw new RangeError("npm was not found beside Node; install Node with npm, or put npm on the PATH");
  const fresh = `${folder}.new`;
  await rm(fresh, { recursive: true, force: true });
  await makeFolder(fresh, { mode: 0o700 });
  try {
    await writeFile(join(fresh, "package.json"), `${JSON.stringify(pinnedPackage, null, 2)}\n`);
    await writeFile(join(fresh, "package-lock.json"), `${JSON.stringify(pinnedLock, null, 2)}\n`);
    const flags = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"];
    await run([npm, ...flags], { cwd: fresh, signal, told });
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

function run(
  words: readonly string[],
  { cwd, signal, told }: { readonly cwd: string; readonly signal: AbortSignal; readonly told: (line: string) => void },
): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(installMsMax)]);
  const child = spawn(process.execPath, words, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    signal: limit,
    killSignal: "SIGKILL",
  });
  let last = "";
  const hear = (text: string): void => {
    for (const line of text.split("\n")) {
      if (line.trim() === "") continue;
      last = line.slice(0, 300);
      told(last);
    }
  };
  child.stdout.setEncoding("utf8").on("data", hear);
  child.stderr.setEncoding("utf8").on("data", hear);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new RangeError(`npm ended with ${code}: ${last}`));
    });
  });
}

/** As the npm that called us says, or beside a Node on the PATH. */
function findNpm(): string | null {
  const given = process.env["npm_execpath"];
  if (given !== undefined && /npm-cli\.[cm]?js$/.test(given)) return given;
  const folders = [dirname(process.execPath), ...(process.env["PATH"] ?? "").split(delimiter)].filter(
    (each) => each !== "",
  );
  for (const folder of folders) {
    const link = join(folder, "npm");
    if (existsSync(link) && realpathSync(link).endsWith("npm-cli.js")) return realpathSync(link);
    const beside = [join(folder, "..", "lib", "node_modules"), join(folder, "node_modules")];
    const found = beside.map((modules) => join(modules, "npm", "bin", "npm-cli.js")).find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  return null;
}
