/** The command line against a real hub: what it prints, what it exits with, and what it does when there is no hub. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import {
  cleanEnvironment,
  type Exit,
  launchProcess,
  programRoot,
  type RunningHub,
  startHub,
} from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { beginBrief, briefToEnd, episodeEnded, episodeWaits } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

const cliMain = join(programRoot, "src", "app", "cli.ts");
const cliMsMax = 60_000;

let room: Room;
let hub: RunningHub;
beforeAll(async () => {
  room = await createRoom();
  hub = await startHub({ stateDir: room.stateDir });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

/** Runs `arw` as a person with a shell of their own would; ends it when it does not end. */
async function arw(
  words: readonly string[],
  options: { readonly stateDir?: string; readonly stopAfterLines?: number } = {},
): Promise<Exit> {
  const child = launchProcess([cliMain, ...words], {
    env: { ARW_STATE_DIR: options.stateDir ?? room.stateDir },
    cwd: room.path,
  });
  let isStopped = false;
  try {
    return await until(
      `arw ${words.join(" ")}`,
      () => {
        const lines = child.stdout().split("\n").length - 1;
        if (!isStopped && lines >= (options.stopAfterLines ?? Number.POSITIVE_INFINITY)) {
          isStopped = true;
          child.process.kill("SIGINT");
        }
        return child.ended() ?? undefined;
      },
      cliMsMax,
    );
  } finally {
    if (child.ended() === null) child.process.kill("SIGKILL");
  }
}

test("brief --yes writes the brief, tells the story and ends with 0", async () => {
  const folder = await room.sample("brief-me");
  const { code, stdout, stderr } = await arw(["brief", folder, "--yes"]);
  assert.equal(code, 0, stdout + stderr);
  assert.ok(existsSync(join(folder, "brief.md")));
  assert.match(stdout + stderr, /brief\.md/);
});

test("episodes, episodes show and tasks list what happened, in JSON as well", async () => {
  const folder = await room.sample("listed");
  const row = await briefToEnd(hub, { folder, allowWrite: true });
  const episodes = await arw(["episodes", "--json"]);
  assert.equal(episodes.code, 0, episodes.stderr);
  assert.ok(episodes.stdout.includes(row.id), episodes.stdout);
  const shown = await arw(["episodes", "show", row.id]);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /brief\.md/);
  const tasks = await arw(["tasks", "list", "--json"]);
  assert.equal(tasks.code, 0, tasks.stderr);
  assert.match(tasks.stdout, /scout\.brief/);
});

test("stop ends a run and answers with its state; again is an error", async () => {
  const folder = await room.sample("stop-me");
  const { episode } = await beginBrief(hub, { folder });
  await episodeWaits(hub, episode);
  const stopped = await arw(["stop", episode, "--json"]);
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.match(stopped.stdout, /cancelled/);
  assert.equal((await episodeEnded(hub, episode)).status, "cancelled");
  const again = await arw(["stop", episode]);
  assert.notEqual(again.code, 0);
  assert.match(again.stderr, /not running|cancelled/i);
  assert.equal(again.stdout, "");
});

test("approvals decide answers a question", async () => {
  const folder = await room.sample("decide");
  const { episode } = await beginBrief(hub, { folder });
  const { approvalId } = await episodeWaits(hub, episode);
  const decided = await arw(["approvals", "decide", approvalId, "allow"]);
  assert.equal(decided.code, 0, decided.stderr);
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  assert.ok(existsSync(join(folder, "brief.md")));
});

test("events watch prints one JSON event per line, until it is interrupted", async () => {
  const { stdout, stderr, code } = await arw(["events", "watch", "--replay", "5", "--json"], { stopAfterLines: 5 });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.ok(
    lines.every((each) => typeof each.kind === "string"),
    stderr,
  );
  assert.ok(lines.filter((each) => each.seq > 0).length >= 4);
  assert.ok(code === 0 || code === 130, `exit code ${code}`);
});

test.runIf(process.platform !== "win32")("events watch ends quietly when its reader ends first", async () => {
  const folder = await room.sample("piped");
  await briefToEnd(hub, { folder, allowWrite: true });
  const pipe = `"${process.execPath}" "${cliMain}" events watch --replay 500 --json | head -n 3`;
  const child = spawn("/bin/sh", ["-c", pipe], {
    env: cleanEnvironment({ ARW_STATE_DIR: room.stateDir }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  const late = setTimeout(() => child.kill("SIGKILL"), cliMsMax);
  assert.equal(await closed, 0);
  clearTimeout(late);
  assert.equal(stdout.trim().split("\n").length, 3);
  assert.equal(stderr, "");
});

test("signin prints a link that works once", async () => {
  const { code, stdout, stderr } = await arw(["signin"]);
  assert.equal(code, 0, stderr);
  const signinCode = /#code=([\w-]+)/.exec(stdout)?.[1];
  assert.ok(signinCode, stdout);
  assert.equal((await hub.send("POST /signin", { code: signinCode }, {})).status, 200);
  assert.equal((await hub.send("POST /signin", { code: signinCode }, {})).status, 401);
});

test("config show --sources says where each value comes from", async () => {
  const { code, stdout, stderr } = await arw(["config", "show", "--sources"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /state\.dir/);
  assert.match(stdout, /--state-dir/);
  assert.ok(!stdout.includes(hub.token));
});

test("wrong words end with 2 and help, and a problem of the hub with 1", async () => {
  const wrong = await arw(["epsiodes"]);
  assert.equal(wrong.code, 2, wrong.stderr);
  assert.match(wrong.stderr, /episodes/);
  const absent = await arw(["episodes", "show", "absent"]);
  assert.equal(absent.code, 1, absent.stderr);
  assert.match(absent.stderr, /absent/);
  assert.doesNotMatch(absent.stderr, /^\s+at /m);
});

test("without a hub what needs one ends with 3 and says how to start it", async () => {
  await using empty = await createRoom();
  const { code, stderr, stdout } = await arw(["signin"], { stateDir: empty.stateDir });
  assert.equal(code, 3, stdout + stderr);
  assert.match(stderr, /start/);
});

test("resume follows a run that a kill interrupted to its end, and with --yes allows what it asks", async () => {
  await using own = await createRoom();
  const folder = await own.sample("resume-me");
  const first = await startHub({ stateDir: own.stateDir });
  const { episode } = await beginBrief(first, { folder });
  await episodeWaits(first, episode);
  await first.kill("SIGKILL");
  await using next = await startHub({ stateDir: own.stateDir });
  const resumed = await arw(["resume", episode, "--yes"], { stateDir: own.stateDir });
  assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
  assert.match(resumed.stdout, /✓ .*brief/iu);
  assert.doesNotMatch(resumed.stdout, /Nothing here/u);
  assert.equal((await next.get(`/state/episodes/${episode}`)).status, "finished");
});
