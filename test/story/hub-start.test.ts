/** Starts that are refused: exit code 78, one message that says what to do, and nothing touched. */
import assert from "node:assert/strict";
import { chown, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "vitest";
import { type Exit, startHub, startRefused } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

/** Every refusal is one message on stderr, nothing on stdout and no stack. */
function assertRefused(exit: Exit, says: readonly RegExp[]): void {
  assert.deepEqual([exit.code, exit.signal], [78, null], exit.stderr);
  assert.equal(exit.stdout, "");
  assert.match(exit.stderr, /^ARW does not start/);
  for (const each of says) assert.match(exit.stderr, each);
  assert.doesNotMatch(exit.stderr, /^\s+at |node:internal|\.ts:\d+/m, "a stack trace");
  assert.equal(exit.stderr.match(/ARW does not start/g)?.length, 1, "told twice");
}

async function refusedWith(room: Room, toml: string): Promise<Exit> {
  const config = join(room.path, "arw.toml");
  await writeFile(config, toml);
  const exit = await startRefused({ stateDir: room.stateDir, flags: ["--config", config] });
  await assert.rejects(stat(room.stateDir), "the state directory was not made");
  return exit;
}

test("broken and unfit configuration names the line, the key and what is allowed", async () => {
  await using room = await createRoom();
  const cases: [string, RegExp[]][] = [
    ["[server]\nport = = 1\n", [/arw\.toml/, /line 2|:2/]],
    ["[server]\nport = 99999\n", [/server\.port/, /line 2|:2/, /65535/]],
    ["[server]\n\nprot = 1\n", [/server\.prot/, /line 3|:3/, /port/]],
    ['[cluster]\nqueue = "jetstream"\n', [/cluster\.queue/, /line 2|:2/, /local/]],
    ['[log]\nlevel = "loud"\n', [/log\.level/, /silent.*error.*warn.*info.*debug/]],
    ['[approvals]\nask = "fs:write"\n', [/approvals\.ask/]],
  ];
  for (const [toml, says] of cases) assertRefused(await refusedWith(room, toml), says);
});

test("all faults of a configuration are told at once", async () => {
  await using room = await createRoom();
  const exit = await refusedWith(room, '[server]\nport = "x"\n[log]\nlevel = 3\n');
  assertRefused(exit, [/server\.port/, /log\.level/]);
});

test("wrong flags and variables are refused like wrong files", async () => {
  await using room = await createRoom();
  const { stateDir } = room;
  assertRefused(await startRefused({ stateDir, flags: ["--prot", "1"] }), [/--prot/, /--port/]);
  assertRefused(await startRefused({ stateDir, env: { ARW_BUS_CAP: "many" } }), [/ARW_BUS_CAP/, /bus\.capacity/]);
  assertRefused(await startRefused({ stateDir, env: { ARW_CONFIG: "/nonexistent/arw.toml" } }), [
    /ARW_CONFIG/,
    /nonexistent/,
  ]);
  await assert.rejects(stat(stateDir));
});

test("an address that others can reach needs a token of one's own", async () => {
  await using room = await createRoom();
  const { stateDir } = room;
  assertRefused(await startRefused({ stateDir, flags: ["--bind", "0.0.0.0"] }), [/0\.0\.0\.0/, /ARW_ADMIN_TOKEN/]);
  await assert.rejects(stat(stateDir));
  await using hub = await startHub({
    stateDir,
    flags: ["--bind", "0.0.0.0"],
    env: { ARW_ADMIN_TOKEN: "a-long-random-text-of-my-own-7719" },
  });
  assert.equal((await fetch(`http://127.0.0.1:${new URL(hub.url).port}/healthz`)).status, 200);
});

test("a port that is taken is told with the next step", async () => {
  await using room = await createRoom();
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  try {
    const { port } = other.address() as { port: number };
    const exit = await startRefused({ stateDir: room.stateDir, flags: ["--port", String(port)] });
    assertRefused(exit, [/port/, /--port/, new RegExp(String(port))]);
  } finally {
    other.close();
  }
  assertRefused(
    await startRefused({
      stateDir: room.stateDir,
      flags: ["--bind", "192.0.2.1"],
      env: { ARW_ADMIN_TOKEN: "own-token-4411" },
    }),
    [/192\.0\.2\.1/, /--bind/],
  );
  await using hub = await startHub({ stateDir: room.stateDir });
  assert.equal((await hub.send("GET /healthz")).status, 200, "the state is as good as before");
});

test("a state directory that cannot be written is told with the next step", async () => {
  await using room = await createRoom();
  const file = join(room.path, "file");
  await writeFile(file, "not a folder");
  assertRefused(await startRefused({ stateDir: join(file, "state") }), [/--state-dir/]);
  assertRefused(await startRefused({ stateDir: file }), [/--state-dir/]);
  assert.equal(await readFile(file, "utf8"), "not a folder");
  if (process.platform !== "linux") return;
  await mkdir(room.stateDir, { mode: 0o500 });
  if (isRoot) await chown(room.path, nobody, nobody);
  assertRefused(await startRefused({ stateDir: room.stateDir, ...(isRoot ? { uid: nobody } : {}) }), [/--state-dir/]);
  assert.deepEqual(await readdir(room.stateDir), []);
});

test("a state directory where nothing can be made is refused at once", async ({ skip }) => {
  skip(process.platform !== "linux", "optional: only Linux has /proc");
  for (const stateDir of ["/proc/arw", "/proc/arw/deeper/state"])
    assertRefused(await startRefused({ stateDir }), [
      new RegExp(`start: "${stateDir}": "/proc" takes no new folders \\(ENOENT\\)\\. Give it a --state-dir`),
    ]);
});

test("a damaged journal is not touched", async () => {
  await using room = await createRoom();
  await mkdir(room.stateDir);
  const path = join(room.stateDir, "journal.db");
  const bytes = Buffer.concat([Buffer.from("SQLite format 3\0"), Buffer.alloc(8000, 0x5a)]);
  await writeFile(path, bytes);
  assertRefused(await startRefused({ stateDir: room.stateDir }), [/backup|--state-dir/, /Nothing was changed/]);
  assert.deepEqual(await readFile(path), bytes);
  await writeFile(path, "this is no database at all, but a shopping list\n".repeat(100));
  assertRefused(await startRefused({ stateDir: room.stateDir }), [/--state-dir/]);
});

test("a journal damaged in its middle after a good life is refused, not repaired in silence", async () => {
  await using room = await createRoom();
  {
    await using hub = await startHub({ stateDir: room.stateDir });
    for (let index = 0; index < 30; index += 1)
      await hub.post("/tasks/enqueue", { kind: "fs.list", payload: { folder: room.path } });
    await hub.kill("SIGTERM");
  }
  const path = join(room.stateDir, "journal.db");
  const bytes = await readFile(path);
  bytes.fill(0xff, 4096, bytes.length - 4096);
  await writeFile(path, bytes);
  const exit = await startRefused({ stateDir: room.stateDir });
  assertRefused(exit, [/--state-dir/]);
  assert.deepEqual(await readFile(path), bytes);
});

test("a store of a newer version is not touched", async () => {
  await using room = await createRoom();
  {
    await using hub = await startHub({ stateDir: room.stateDir });
    await hub.kill("SIGTERM");
  }
  const path = join(room.stateDir, "journal.db");
  const database = new DatabaseSync(path);
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  assert.ok(version > 0, "the store says its version");
  database.exec(`PRAGMA user_version = ${version + 9}`);
  database.close();
  const before = await readFile(path);
  assertRefused(await startRefused({ stateDir: room.stateDir }), [/newer|version|format/, /--state-dir/]);
  assert.deepEqual(await readFile(path), before);
});
