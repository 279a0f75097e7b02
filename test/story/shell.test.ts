/** Commands through a real hub: off at first, confined where the machine can, and gone with whoever let them run. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { test } from "vitest";
import { lackOfConfinement } from "../kit/confinement.ts";
import { startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const lack = await lackOfConfinement();
const planted = "a planted token, 7719";

/** Processes of this machine that were given this word. */
function aliveWith(word: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(word);
    } catch {
      // It ended meanwhile.
      return false;
    }
  });
}
const isRunning = (word: string) =>
  until("the command to run", () => aliveWith(word).some((pid) => nameOf(pid) === "sh") || undefined);
const nameOf = (pid: string): string => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
const isGone = (word: string) => until("the command to end", () => aliveWith(word).length === 0 || undefined);

test("a hub starts no command until its configuration says so", async () => {
  await using room = await createRoom();
  const folder = await realpath(await room.folder("project", { "a.txt": "a" }));
  await using hub = await startHub({ stateDir: room.stateDir });
  const { checks } = await hub.get("/healthz");
  const children = (checks as { readonly name: string }[]).find(({ name }) => name === "children");
  assert.deepEqual(children, { name: "children", ok: true, detail: "none was started yet" });
  const { status, body } = await hub.call("POST", "/shell/run", { folder, command: "ls" });
  assert.deepEqual([status, body.code], [403, "shell.off"]);
  assert.match(body.next, /ARW_SHELL=1/);
});

test("commands see their folder and nothing of the hub, and end with a stop, their caller and the hub", async ({
  skip,
}) => {
  if (lack !== null) skip(`optional: ${lack}`);
  await using room = await createRoom();
  const folder = await realpath(await room.folder("project", { "a.txt": "a" }));
  // A hub that is killed leaves the folder of its proxy's socket behind; here it goes with the room.
  const env = { ARW_SHELL: "1", ARW_ADMIN_TOKEN: planted, TMPDIR: dirname(room.stateDir) };
  await using hub = await startHub({ stateDir: room.stateDir, env });
  const run = (command: string, ...args: readonly string[]) => hub.post("/shell/run", { folder, command, args });
  const seen = await run("sh", "-c", `ls; env; cat "$1"; cat /proc/*/environ`, "sh", join(hub.stateDir, "journal.db"));
  assert.match(seen.stdout, /^a\.txt\n/);
  assert.match(seen.stderr, /journal\.db: No such file/);
  assert.equal(JSON.stringify(seen).includes(planted), false);
  assert.equal(seen.isConfined, true);
  const { checks } = await hub.get("/healthz");
  assert.match(JSON.stringify(checks), /"children","ok":true,"detail":"confined by bubblewrap/);

  const word = (what: string): string => `${basename(room.stateDir)}-${process.pid}-${what}`;
  const lasting = (name: string) =>
    hub.call("POST", "/shell/run", { folder, command: "sh", args: ["-c", "sleep 60; :", name] });
  const stopped = lasting(word("stop"));
  await isRunning(word("stop"));
  await hub.post("/halt", {});
  assert.equal((await stopped).body.code, "arw.cancelled");
  await isGone(word("stop"));
  await hub.post("/halt/release", {});

  const leaving = new AbortController();
  const left = fetch(`${hub.url}/shell/run`, {
    method: "POST",
    headers: { authorization: `Bearer ${planted}`, "content-type": "application/json" },
    body: JSON.stringify({ folder, command: "sh", args: ["-c", "sleep 60; :", word("left")] }),
    signal: leaving.signal,
  });
  await isRunning(word("left"));
  leaving.abort();
  await assert.rejects(left);
  await isGone(word("left"));

  const orphaned = lasting(word("killed")).catch(() => null);
  await isRunning(word("killed"));
  await hub.kill("SIGKILL");
  await orphaned;
  await isGone(word("killed"));
});
