/**
 * The ten lines of the README, run as they stand there: a hub with the network refused, an agent that asks before it writes, an
 * order planted in a letter, a replay, a what-if, an undo, a stop, a proof and a counterexample.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { spawn } from "node:child_process";
import { afterAll, beforeAll, test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { cleanEnvironment, type Exit, type Json, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { episodeWaits, storyOf } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

/** As many lines as one search finds, so that the run that has lost its way makes thousands of calls. */
const longFileLines = 500;
/** Far above what a command line takes to start on a busy machine. */
const waitMsMax = 90_000;
const preload = ["--import", join(import.meta.dirname, "kit", "refuse-network.ts")];

let room: Room;
let hub: RunningHub;
let notes = "";
let lines: readonly string[] = [];
const refusals = (): string => join(room.path, "refusals");

beforeAll(async () => {
  room = await createRoom();
  notes = await room.sample("notes");
  await writeFile(join(notes, "log.txt"), "Watered the beds before the sun rose.\n".repeat(longFileLines));
  await writeFile(refusals(), "");
  await installNpm();
  lines = await readmeLines();
  const env = { ARW_TEST_REFUSALS: refusals(), HOME: room.path };
  hub = await startHub({ stateDir: room.stateDir, nodeFlags: preload, env });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

/** An `npm` that runs the command line of this clone and sets nothing up: bootstrap has a story of its own. */
async function installNpm(): Promise<void> {
  const folder = join(room.path, "bin");
  await mkdir(folder);
  const words = [...programFlags, ...preload, join(programRoot, "src", "app", "cli.ts")];
  const command = [process.execPath, ...words].map((each) => `'${each}'`).join(" ");
  await writeFile(
    join(folder, "npm"),
    `#!/bin/sh\n[ "$1 $2 $3" = "run arw --" ] || exit 64\nshift 3\nexec ${command} "$@"\n`,
  );
  await chmod(join(folder, "npm"), 0o755);
}

async function readmeLines(): Promise<readonly string[]> {
  const text = await readFile(join(programRoot, "README.md"), "utf8");
  const [, block = ""] = /## Five minutes\n[^]*?```sh\n([^]*?)```/.exec(text) ?? [];
  return block.trimEnd().split("\n");
}

/** The line of the README that begins so, run by a shell in the clone, as a person does. */
function begin(words: string): { readonly output: () => string; readonly ended: Promise<Exit> } {
  const found = lines.filter((each) => each.startsWith(`npm run arw -- ${words}`));
  assert.equal(found.length, 1, `the README has one line with ${words}: ${lines.join("\n")}`);
  const child = spawn("sh", ["-c", found[0] as string], {
    cwd: programRoot,
    env: cleanEnvironment({
      ARW_STATE_DIR: room.stateDir,
      ARW_TEST_REFUSALS: refusals(),
      HOME: room.path,
      PATH: `${join(room.path, "bin")}${delimiter}${process.env["PATH"] ?? ""}`,
    }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<Exit>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
  return { output: () => stdout + stderr, ended };
}

async function run(words: string, code = 0): Promise<string> {
  const exit = await begin(words).ended;
  assert.equal(exit.code, code, `${words}: ${exit.stdout}${exit.stderr}`);
  return exit.stdout + exit.stderr;
}

/** Names and contents of everything in the folder, and of nothing else. */
async function hashOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => [join(entry.parentPath, entry.name), entry.isFile()] as const);
  for (const [path, isFile] of paths.toSorted(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${path}\0`).update(isFile ? await readFile(path) : "folder");
  return hash.digest("hex");
}

const newestEpisode = async (): Promise<Json> => (await hub.get("/state/episodes?limit=1")).items[0];

test("the README tells the story in ten lines", () => {
  assert.equal(lines.length, 10, lines.join("\n"));
});

test("five minutes: asked, replayed, tried under another rule, undone, refused, stopped and proved, and nothing left the machine", async () => {
  const before = await hashOf(notes);

  const brief = begin("brief ~/notes");
  const episodeId = async () => (await newestEpisode())?.id as string | undefined;
  const episode = await until("the run to begin", episodeId, waitMsMax);
  const { diff } = await episodeWaits(hub, episode);
  await until("the question in the terminal", () => brief.output().includes(diff.trimEnd()) || undefined, waitMsMax);
  assert.equal(await hashOf(notes), before);
  assert.match(await run("approvals decide last allow"), /granted/);
  assert.equal((await brief.ended).code, 0, brief.output());
  const written = await readFile(join(notes, "brief.md"), "utf8");
  assert.equal(written, addedLines(diff));

  const replayed = await run("replay last");
  assert.match(replayed, /✓ It happened again, event by event\./);
  assert.match(replayed, /\d+ events: \d+ made again and equal, \d+ taken from the record\./);
  assert.match(replayed, /No model was asked, no key used and no socket opened\./);

  const branched = await run("what-if last");
  assert.match(branched, /Step 4 is the first that differs\. Exact to the end\./);
  assert.match(branched, /blocked +fs\.write [^]*ask \(ask-before-change, [^]*\) → deny \(no-writes, /);
  assert.equal(await readFile(join(notes, "brief.md"), "utf8"), written, "a what-if does nothing");

  assert.match(await run("undo last"), /✓ 1 of 1 file is as before the run/);
  assert.equal(await hashOf(notes), before);

  const obeyed = await run("recipe run examples/stories/obey.toml");
  assert.match(obeyed, /Refused: Send to http:\/\/collector\.example\/upload .* by rule policy\.no-permit/);
  const { story } = await storyOf(hub, (await newestEpisode()).id);
  const refused = story.filter((line) => line.kind === "actions.refused");
  assert.deepEqual(
    refused.map(({ data }) => [data.tool, data.host, data.rule]),
    [["web.fetch", "collector.example:80", "policy.no-permit"]],
  );

  await stopsTheLoop();

  assert.match(await run("prove network"), /✓ Proved: nothing reaches another machine unless a person\s+says yes/);
  const counterexample = await run("prove stricter", 1);
  assert.match(counterexample, /✗ It is not: agent:\S+ calls fs\.write on /);
  assert.match(counterexample, /the first: deny, by no-writes [^]*the second: allow, by granted [^]*engine/);

  assert.equal(await hashOf(notes), before);
  const asked = new Set((await readFile(refusals(), "utf8")).trimEnd().split("\n"));
  assert.deepEqual([...asked], ["watching"], "nobody asked for anything beyond this machine");
}, 240_000);

/** The lines that a diff of a new file adds. */
const addedLines = (diff: string): string =>
  diff
    .split("\n")
    .slice(3)
    .filter((line) => line.startsWith("+"))
    .map((line) => `${line.slice(1)}\n`)
    .join("");

async function stopsTheLoop(): Promise<void> {
  await run("recipe run examples/stories/thousand-steps.toml");
  const { id } = await newestEpisode();
  const reads = async (): Promise<number> => (await hub.get(`/state/episodes/${id}`)).counts.observations;
  await until("the run to work", async () => ((await reads()) > 2 ? true : undefined));
  assert.match(await run("stop last"), /cancelled/);
  const stopped = await reads();
  const { episode, story } = await storyOf(hub, id);
  assert.equal(episode.status, "cancelled");
  assert.equal(story.at(-1).kind, "agents.run.cancelled", "nothing follows the stop");
  assert.equal(episode.counts.observations, stopped, "nothing was done after the answer to the stop");
  const { found } = await hub.post("/fs/search", { folder: notes, words: "e", limit: longFileLines });
  assert.ok(found.length * 31 > 1000 && stopped < found.length * 31, "it had a thousand calls to make, and made some");
}
