/** One set-up at a time in a clone: a second start waits for the first, and takes over from one that died. */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetUpProblem } from "./problem.mjs";

const heartbeatMs = 2_000;
// Process numbers are reused (always, in a container), so the holder must also be seen to live. Fifteen missed beats.
const silenceMsMax = 30_000;
const pollMs = 250;
// A slow line needs minutes for the first install; beyond this something is stuck, and a person should look.
const waitMsMax = 15 * 60_000;

/**
 * Runs `work` while holding the lock file.
 * @template T
 * @param {{ path: string, onWait: (holder: string) => void, waitMs?: number }} options @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(options, work) {
  await acquire(options);
  const { path } = options;
  const heartbeat = setInterval(() => touch(path), heartbeatMs);
  const release = () => rmSync(path, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    process.removeListener("exit", release);
    release();
  }
}

async function acquire({ path, onWait, waitMs = waitMsMax }) {
  mkdirSync(dirname(path), { recursive: true });
  const untilMs = performance.now() + waitMs;
  for (let tries = 0; !tryCreate(path); tries += 1) {
    const holder = readHolder(path);
    if (holder !== undefined && isAbandoned(path, holder)) takeAway(path, holder);
    else {
      if (tries === 0 && holder !== undefined) onWait(holder);
      if (performance.now() > untilMs) throw new SetUpProblem(stuckText(path, holder));
      await sleep(pollMs);
    }
  }
}

function stuckText(path, holder) {
  return `Another set-up of this clone (process ${holder ?? "unknown"}) has not ended. If it no longer runs, delete ${path} and run the same command again.`;
}

function tryCreate(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST" || error.code === "EPERM") return false;
    throw error;
  }
}

function readHolder(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function isAbandoned(path, holder) {
  return !isAlive(Number(holder)) || silenceMs(path) > silenceMsMax;
}

function isAlive(pid) {
  // The file exists a moment before its content does.
  if (!Number.isInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function silenceMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

/** Moves the dead holder's file aside. Two waiters may try at once; one that took a living lock puts it back. */
function takeAway(path, holder) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (readHolder(aside) === holder) rmSync(aside, { force: true });
  else renameSync(aside, path);
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // The file is gone: a person deleted it. The work goes on.
  }
}
