/** A secret that is handed to a real hub: who holds the state directory finds it in its own file and nowhere else. */
import assert from "node:assert/strict";
import { lstat, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { briefToEnd } from "./kit/scout-run.ts";
import { findInFiles } from "./kit/state-search.ts";
import { until } from "./kit/until.ts";

const planted = "Zx9-kV7-planted-secret-4411";

const arw = (hub: RunningHub, words: readonly string[], input?: string) =>
  runArw(words, hub, input === undefined ? {} : { input });

const inBytes = (bytes: Uint8Array): boolean => {
  const text = Buffer.from(bytes);
  return text.includes(planted) || (text[0] === 0x1f && gunzipSync(text).includes(planted));
};

test("a secret lies in one private file, and reaches no log, event, audit row, problem, backup or answer", async () => {
  await using room = await createRoom();
  const folder = await room.folder("notes", {
    "a.md": `# Plan\n\nThe key is ${planted}.\n`,
    "b.md": "# Other\n\nWater.\n",
  });
  const backup = join(room.path, "state.backup");
  await using hub = await startHub({ stateDir: room.stateDir });
  const typed = await arw(hub, ["secret", "set", "API_KEY"], `${planted}\n`);
  assert.deepEqual([typed.code, typed.stdout.includes(planted)], [0, false], typed.stderr);
  assert.equal((await arw(hub, ["secret", "bind", "API_KEY", "api.example.com", "localhost:8443"])).code, 0);
  const list = await arw(hub, ["secret", "list", "--json"]);
  assert.deepEqual(JSON.parse(list.stdout).secrets[0].host, ["api.example.com", "localhost:8443"]);
  assert.equal((await arw(hub, ["secret", "set", "EMPTY"], "")).code, 2);

  const answers: unknown[] = [await briefToEnd(hub, { folder, allowWrite: true })];
  for (const [request, body] of [
    [`GET /state/episodes/${planted}`, undefined],
    [`GET /problems/${planted}`, undefined],
    ["POST /tasks", { kind: planted, payload: { planted } }],
    ["POST /scout/brief", { folder: `/nowhere/${planted}` }],
    ["POST /access/tokens", { name: planted, role: planted }],
    ["POST /halt", { reason: planted }],
    ["POST /halt/release", {}],
    ["POST /backup", { file: backup }],
  ] as const) {
    const { body: answer } = await hub.send(request, body);
    if (!request.startsWith("GET")) answers.push(answer);
  }
  assert.ok(!JSON.stringify(answers).includes(planted), JSON.stringify(answers));
  for (const path of [
    "/events/journal?limit=1000",
    "/audit?limit=200",
    "/metrics",
    "/secrets",
    "/config",
    "/state/halt",
  ])
    assert.ok(!JSON.stringify(await hub.call("GET", path).then(({ body }) => body)).includes(planted), path);
  const bytes = await until("the backup to be made", () => readFile(backup).catch(() => undefined));
  assert.ok(!inBytes(bytes), "the backup");
  await hub.kill("SIGTERM");

  const own = join(room.stateDir, "secrets", "secret-API_KEY.json");
  assert.deepEqual(await findInFiles(room.stateDir, [planted]), [`${planted} in ${own}`]);
  assert.equal((await lstat(own)).mode & 0o777, 0o600);
  assert.equal((await lstat(join(room.stateDir, "secrets"))).mode & 0o777, 0o700);
  assert.ok(!hub.output().includes(planted));
  assert.ok(!inBytes(await readFile(join(folder, "brief.md"))), "what the agent wrote");

  // A damaged file is put aside, the hub starts, and the other secrets are there.
  await using next = await startHub({ stateDir: room.stateDir });
  await arw(next, ["secret", "set", "OTHER"], "another-value-77");
  await next.kill("SIGTERM");
  await writeFile(own, "{");
  await using last = await startHub({ stateDir: room.stateDir });
  assert.deepEqual(
    (await last.get("/secrets")).secrets.map(({ name }: { name: string }) => name),
    ["OTHER"],
  );
  assert.equal((await arw(last, ["secret", "rm", "OTHER"])).code, 0);
  assert.deepEqual(await findInFiles(room.stateDir, ["another-value-77"]), []);
});
