/** Runs the public suites of one revision against an address, and reads what they found. */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findNpm } from "../../bench/harness/npm.ts";

export type Revision = "2025-11-25" | "2026-07-28";

const here = import.meta.dirname;
const run = promisify(execFile);
/** A suite takes two seconds; one that needs longer hangs. */
const suiteMsMax = 60_000;
/** Some fifty megabytes, over a slow line. */
const installMsMax = 240_000;

/** The older program knows its own revision alone; the newer one takes what a revision requires. */
const choiceOf: Readonly<Record<Revision, readonly string[]>> = {
  "2025-11-25": ["--suite", "all"],
  "2026-07-28": ["--requirements", "2026-07-28"],
};

/** Nobody's install brings the suites; they come when they are first run. Rejects where no registry answers. */
export async function installSuites(): Promise<void> {
  if (existsSync(join(here, "node_modules", ".package-lock.json"))) return;
  const npm = findNpm();
  if (npm === null) throw new RangeError("npm was not found");
  // Not `ci`: a registry that lacks an optional package of another platform would make it refuse the whole lock file.
  const flags = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run(process.execPath, [npm, "install", ...flags], { cwd: here, timeout: installMsMax });
}

/** `SCENARIO/CHECK` of each check, and whether all of that name passed. What was skipped is not there. */
export async function checksOf(revision: Revision, url: string): Promise<ReadonlyMap<string, boolean>> {
  const folder = await mkdtemp(join(tmpdir(), "arw-conformance-"));
  try {
    const program = join(here, "node_modules", `conformance-${revision}`, "dist", "index.js");
    await ended([program, "server", "--url", url, ...choiceOf[revision], "-o", folder]);
    const found = new Map<string, boolean>();
    for (const { key, isPassed } of await readResults(folder)) found.set(key, (found.get(key) ?? true) && isPassed);
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Result {
  readonly key: string;
  readonly isPassed: boolean;
}

async function readResults(folder: string): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const name of await readdir(folder)) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(name)?.[1] ?? name;
    const checks = JSON.parse(await readFile(join(folder, name, "checks.json"), "utf8")) as readonly Check[];
    const counted = checks.filter(({ status }) => status === "SUCCESS" || status === "FAILURE");
    results.push(...counted.map(({ id, status }) => ({ key: `${scenario}/${id}`, isPassed: status === "SUCCESS" })));
  }
  return results;
}

interface Check {
  readonly id: string;
  readonly status: string;
}

/** Its exit code says whether everything passed, which the checks say better. */
function ended(given: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, given, { stdio: "ignore", timeout: suiteMsMax, killSignal: "SIGKILL" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => resolve());
  });
}
