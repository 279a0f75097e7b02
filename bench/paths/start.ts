/** P15: from the command to the first answer, and what a hub costs while nobody asks anything. P18: what an install weighs. */
import { strict as assert } from "node:assert";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { get } from "node:http";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import type { Bench, BenchOptions } from "../harness/bench.ts";
import { findNpm } from "../harness/npm.ts";
import { freePort, stopChild } from "../harness/peers.ts";
import { figure, type Row, skippedRow } from "../harness/rows.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const pollMs = 2;
const readyMsMax = 20_000;
const settleMs = 3_000;

interface Candidate {
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  command(port: number): readonly string[];
}

/** The installable package, unpacked beside the dependencies of this clone; null when it cannot be made here. */
async function unpackPackage(scratch: string): Promise<string | null> {
  try {
    const { stdout } = await run(process.execPath, [join(root, "tools/package.ts"), "--out", scratch]);
    const file = stdout.trim().split("\n").at(-1) ?? "";
    await run("tar", ["-xzf", file, "-C", scratch]);
    const home = join(scratch, "package");
    symlinkSync(join(root, "node_modules"), join(home, "node_modules"));
    return home;
  } catch (error) {
    process.stderr.write(`no package: ${String(error).slice(0, 200)}\n`);
    return null;
  }
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ port, host: "127.0.0.1", path: "/", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode !== 503);
    });
    request.on("error", () => resolve(false));
  });
}

async function start(candidate: Candidate, scratch: string): Promise<{ child: ChildProcess; readyMs: number }> {
  const port = await freePort();
  const startedMs = performance.now();
  const child = spawn(process.execPath, candidate.command(port), {
    stdio: ["ignore", "ignore", "inherit"],
    cwd: scratch,
    env: candidate.env,
  });
  while (!(await answers(port))) {
    const isOver = child.exitCode !== null || performance.now() - startedMs > readyMsMax;
    if (isOver) await stopChild(child);
    assert.ok(!isOver, `${candidate.name} did not start`);
    await wait(pollMs);
  }
  return { child, readyMs: performance.now() - startedMs };
}

interface Cost {
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly wakeUps: number;
}

const ticksPerSecond = 100;
const pageBytes = 4096;

/** What Linux says of a process and all of its threads. */
function costOf(pid: number): Cost {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const wakeUps = readdirSync(`/proc/${pid}/task`).map((task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, "utf8");
    return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
  });
  return {
    cpuMs: (((fields[11] ?? 0) + (fields[12] ?? 0)) * 1000) / ticksPerSecond,
    rssBytes: (fields[21] ?? 0) * pageBytes,
    wakeUps: wakeUps.reduce((sum, each) => sum + each, 0),
  };
}

interface Idle {
  readonly cpuShare: number;
  readonly rssBytes: number;
  readonly wakeUpsPerSecond: number;
}

async function idleOf(child: ChildProcess, forMs: number): Promise<Idle> {
  await wait(settleMs);
  const before = costOf(child.pid ?? 0);
  const startedMs = performance.now();
  await wait(forMs);
  const after = costOf(child.pid ?? 0);
  const durationMs = performance.now() - startedMs;
  return {
    cpuShare: (100 * (after.cpuMs - before.cpuMs)) / durationMs,
    rssBytes: after.rssBytes,
    wakeUpsPerSecond: (1000 * (after.wakeUps - before.wakeUps)) / durationMs,
  };
}

/** How the `arw` command sets up the hub's process. */
interface ProgramSetting {
  readonly programFlags: readonly string[];
  programEnvironment(env: NodeJS.ProcessEnv, root: string): NodeJS.ProcessEnv;
}

async function candidates({ scratch }: BenchOptions): Promise<{ bare: Candidate; hub: Candidate }> {
  const home = await unpackPackage(scratch);
  const entry = home === null ? join(root, "src/app/main.ts") : join(home, "dist/app/main.js");
  const set = (await import(new URL("../../bin/program-flags.mjs", import.meta.url).href)) as ProgramSetting;
  let starts = 0;
  const script = 'require("http").createServer((q,r)=>r.end("ok")).listen(+process.argv[1],"127.0.0.1")';
  return {
    bare: { name: "bare node:http", env: process.env, command: (port) => ["-e", script, String(port)] },
    hub: {
      name: home === null ? "hub from its sources" : "packaged hub",
      env: set.programEnvironment({ ...process.env, XDG_CACHE_HOME: join(scratch, "cache") }, home ?? root),
      command: (port) => [
        ...set.programFlags,
        entry,
        "--port",
        String(port),
        "--state-dir",
        join(scratch, `state-${(starts += 1)}`),
      ],
    },
  };
}

export const benchStart: Bench = async (options) => {
  const { bare, hub } = await candidates(options);
  const ratios: number[] = [];
  const times: [number, number][] = [];
  // The first pair warms the compile cache of the files and is not counted.
  for (let round = -1; round < options.rounds; round += 1) {
    const order = round % 2 === 0 ? [bare, hub] : [hub, bare];
    const readyMs = new Map<Candidate, number>();
    for (const each of order) {
      const { child, readyMs: mine } = await start(each, options.scratch);
      readyMs.set(each, mine);
      // In good order: Node keeps its compiled code when it ends, not when it is killed.
      await stopChild(child, "SIGTERM");
    }
    const pair: [number, number] = [readyMs.get(bare) ?? Number.NaN, readyMs.get(hub) ?? Number.NaN];
    if (round >= 0) times.push(pair);
    if (round >= 0) ratios.push(pair[1] / pair[0]);
  }
  const note = `${hub.name}: ${(times.at(-1)?.[1] ?? 0).toFixed(0)} ms against ${(times.at(-1)?.[0] ?? 0).toFixed(0)} ms`;
  const ready = figure({
    path: "P15",
    what: "start to first answer",
    peer: bare.name,
    values: ratios,
    unit: "x",
    target: { atMost: 4 },
    note,
  });
  return [ready, ...(await idleRows({ bare, hub }, options))];
};

async function idleRows({ bare, hub }: { bare: Candidate; hub: Candidate }, options: BenchOptions): Promise<Row[]> {
  const path = "P15";
  if (!existsSync("/proc/self/stat")) {
    return [skippedRow({ path, what: "idle", peer: bare.name }, "needs the figures of Linux' /proc")];
  }
  const forMs = options.isQuick ? 2_000 : 20_000;
  const both = [await start(bare, options.scratch), await start(hub, options.scratch)] as const;
  const [base, ours] = await Promise.all(both.map(({ child }) => idleOf(child, forMs)));
  for (const { child } of both) await stopChild(child);
  assert.ok(base !== undefined && ours !== undefined);
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  const rss = ours.rssBytes / base.rssBytes;
  return [
    figure({
      path,
      what: "idle: resident memory",
      peer: bare.name,
      values: [rss],
      unit: "x",
      target: { atMost: 2 },
      note: `${megabytes(ours.rssBytes)} against ${megabytes(base.rssBytes)}`,
    }),
    figure({
      path,
      what: "idle: processor time",
      values: [ours.cpuShare],
      unit: "%",
      target: { atMost: 0.05 },
      note: `bare ${base.cpuShare.toFixed(3)} %`,
    }),
    figure({
      path,
      what: "idle: wake-ups of all threads",
      values: [ours.wakeUpsPerSecond],
      unit: "/s",
      target: { atMost: 1 },
      note: `bare ${base.wakeUpsPerSecond.toFixed(2)} /s`,
    }),
  ];
}

async function sizeBytesOf(folder: string): Promise<number> {
  let sizeBytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    sizeBytes += entry.isDirectory() ? await sizeBytesOf(path) : (await lstat(path)).size;
  }
  return sizeBytes;
}

/** Packages that would run something while they are installed, or that need a compiler. */
function scriptsIn(lockPath: string): readonly string[] {
  const lock = JSON.parse(readFileSync(lockPath, "utf8")) as {
    packages: Record<string, { hasInstallScript?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([, each]) => each.hasInstallScript === true)
    .map(([name]) => name);
}

async function installPackage(scratch: string): Promise<string> {
  const { stdout } = await run(process.execPath, [join(root, "tools/package.ts"), "--out", scratch]);
  const file = stdout.trim().split("\n").at(-1) ?? "";
  const home = join(scratch, "install");
  mkdirSync(home);
  writeFileSync(join(home, "package.json"), '{ "private": true }\n');
  if (existsSync(join(root, ".npmrc"))) cpSync(join(root, ".npmrc"), join(home, ".npmrc"));
  const npm = findNpm();
  assert.ok(npm !== null, "npm was not found");
  await run(process.execPath, [npm, "install", "--omit=dev", "--prefer-offline", file], { cwd: home });
  return home;
}

export const benchInstall: Bench = async ({ scratch }) => {
  const path = "P18";
  const what = "default install on the disk";
  const target = { atMost: 60 };
  let home: string;
  try {
    home = await installPackage(scratch);
  } catch (error) {
    return [skippedRow({ path, what, peer: "" }, String(error).split("\n")[0]?.slice(0, 160) ?? "no install", target)];
  }
  const scripts = scriptsIn(join(home, "package-lock.json"));
  const sizeBytes = await sizeBytesOf(join(home, "node_modules"));
  return [
    figure({ path, what, values: [sizeBytes / 1e6], unit: "MB", target }),
    figure({
      path,
      what: "packages with an install script",
      values: [scripts.length],
      unit: "packages",
      target: { atMost: 0 },
      note: scripts.join(", "),
    }),
  ];
};
