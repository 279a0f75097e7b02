/**
 * `npm run bench [-- NAME…] [--quick] [--long] [--json] [--write]`: runs the benchmarks, each in a process of its own, and
 * prints ratios against named peers of the same run. `--write` keeps the table in RESULTS.md.
 */
import { execFile, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { setTimeout as wait } from "node:timers/promises";
import { findNpm } from "./harness/npm.ts";
import { markdownReport, tableText } from "./harness/report.ts";
import type { Row } from "./harness/rows.ts";
import { benches } from "./list.ts";

const run = promisify(execFile);
const here = import.meta.dirname;
const root = join(here, "..");
/** A benchmark that takes longer hangs, or is no benchmark that anybody will run. */
const benchMsMax = 120_000;
const longBenchMsMax = 30 * 60_000;
const roundsDefault = 5;

interface Choice {
  readonly isQuick: boolean;
  readonly isLong: boolean;
}

/** The peers are installed when somebody measures, and never with the hub. Without them their rows say so. */
async function installPeers(): Promise<void> {
  if (existsSync(join(here, "node_modules"))) return;
  const npm = findNpm();
  if (npm === null) return void process.stderr.write("npm was not found; peers that are packages are skipped\n");
  process.stderr.write("Installing the peers…\n");
  try {
    // Not `ci`: a registry that lacks an optional package of another platform would make it refuse the whole lock file.
    const flags = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run(process.execPath, [npm, "install", ...flags], { cwd: here });
  } catch (error) {
    process.stderr.write(`The peers could not be installed and are skipped: ${String(error).slice(0, 300)}\n`);
  }
}

/** Runs one benchmark in its own process, which is stopped when it takes too long. */
async function runOne(name: string, { isQuick, isLong }: Choice): Promise<readonly Row[]> {
  const flags = [
    `Load average at the end ${loadavg()
      .map((each) => each.toFixed(1))
      .join(", ")}: above the number of cores, other work took its share`,
    ...(isQuick ? ["--quick", "--rounds", "2"] : ["--rounds", String(roundsDefault)]),
    ...(isLong ? ["--long"] : []),
  ];
  const given = ["--disable-warning=ExperimentalWarning", "--expose-gc", join(here, "one.ts"), name, ...flags];
  const child = spawn(process.execPath, given, { stdio: ["ignore", "pipe", "inherit"], cwd: root });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const timer = new AbortController();
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const limitMs = isLong ? longBenchMsMax : benchMsMax;
  const outcome = await Promise.race([ended, wait(limitMs, "late" as const, { signal: timer.signal })]);
  timer.abort();
  if (outcome === "late") {
    // Asked first, so that it takes its servers down.
    child.kill("SIGTERM");
    await Promise.race([ended, wait(5_000)]);
    child.kill("SIGKILL");
  }
  const rows = output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);
  if (outcome === 0) return rows;
  const why = outcome === "late" ? `took over ${limitMs / 1000} s` : `failed with exit code ${String(outcome)}`;
  return [...rows, { ...failedRow, what: name, skipped: why }];
}

const failedRow: Row = {
  path: "-",
  what: "",
  peer: "",
  value: null,
  min: null,
  max: null,
  rounds: 0,
  unit: "x",
  target: {},
  isMet: false,
};

async function main(given: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...given],
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      long: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(benches);
  const unknown = names.find((name) => !Object.hasOwn(benches, name));
  if (unknown !== undefined) {
    process.stderr.write(`There is no benchmark "${unknown}". Known: ${Object.keys(benches).join(", ")}.\n`);
    return 2;
  }
  await installPeers();
  const rows: Row[] = [];
  for (const name of names) {
    process.stderr.write(`${name}…\n`);
    const all = await runOne(name, { isQuick: values.quick, isLong: values.long });
    // Amounts this small prove that a benchmark runs and say nothing about a target.
    const found = values.quick ? all.map((row) => ({ ...row, target: null, isMet: null })) : all;
    rows.push(...found);
    if (values.json) for (const row of found) process.stdout.write(`${JSON.stringify(row)}\n`);
  }
  if (!values.json) process.stdout.write(`${tableText(rows)}\n`);
  if (values.write) writeFileSync(join(here, "RESULTS.md"), markdownReport(rows, await facts(values.quick)));
  // A missed target is a finding; a benchmark that could not finish is a failure.
  return rows.some((row) => row.path === failedRow.path) ? 1 : 0;
}

async function facts(isQuick: boolean): Promise<readonly string[]> {
  const { stdout } = await run("git", ["rev-parse", "--short", "HEAD"], { cwd: root }).catch(() => ({
    stdout: "unknown",
  }));
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const all = cpus();
  return [
    `ARW ${version}, commit ${stdout.trim()}, ${new Date().toISOString().slice(0, 10)}`,
    `Node ${process.version}, ${process.platform} ${process.arch}, ${all.length} cores (${all[0]?.model.trim() ?? "unknown"})`,
    `Load average at the end ${loadavg()
      .map((each) => each.toFixed(1))
      .join(", ")}: above the number of cores, other work took its share`,
    ...(isQuick ? ["A quick run: too small to judge by."] : []),
  ];
}

process.exitCode = await main(process.argv.slice(2));
