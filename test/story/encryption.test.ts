/** A state directory that a thief took: encrypted, it tells nobody what was read, asked, written or decided; with the key it is as it was. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type Exit, type Json, type RunningHub, startHub, startRefused } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { briefToEnd } from "./kit/scout-run.ts";
import { findInFiles } from "./kit/state-search.ts";
import { until } from "./kit/until.ts";

/** Each stands in one thing that a person reads, asks, writes or names. */
const planted = {
  file: "the heron waits below the weir",
  fileName: "heron-and-weir",
  note: "the miller keeps the key under the stone",
  topic: "where the miller hides it",
  question: "which bridge did the ferryman burn",
  title: "ferryman and bridges",
  secret: "Zx9-ferry-4411-secret",
};
const words = Object.values(planted);

let room: Room;
let keyPath: string;
beforeAll(async () => {
  room = await createRoom();
  await mkdir(join(room.path, "stick"));
  keyPath = join(room.path, "stick", "arw.key");
});
afterAll(() => room[Symbol.asyncDispose]());

const env = () => ({ ARW_STATE_KEY_FILE: keyPath });

const arw = (given: readonly string[], more: Readonly<Record<string, string>> = {}, input = ""): Promise<Exit> =>
  runArw(given, room, { env: more, input });

/** What a person would find in it. */
const seen = async (hub: RunningHub): Promise<Json> => {
  const { project } = (await hub.get("/projects")).projects[0];
  const { body: verified } = await hub.send("GET /journal/verify");
  return {
    episodes: (await hub.get("/state/episodes")).items.map((each: Json) => [
      each.id,
      each.status,
      each.title,
      each.outcome,
    ]),
    notes: await hub.get(`/notes/${project}`),
    chats: (await hub.get("/state/conversations")).items,
    secrets: await hub.get("/secrets"),
    approvals: (await hub.get("/state/approvals")).items,
    faults: [
      /"faults":\[\],"isDone":true/.test(JSON.stringify(verified).replaceAll('\\"', '"')),
      (await hub.get("/audit/verify")).fault,
    ],
  };
};

async function stopped(hub: RunningHub): Promise<void> {
  assert.equal((await hub.kill("SIGTERM")).code, 0);
}

test("what a person did is in no file of an encrypted state, and all of it is back with the key", async () => {
  const folder = await room.folder("marsh", {
    [`${planted.fileName}.md`]: `# Weir\n\n- [ ] ${planted.file}\n`,
    "b.md": "# Other\n\nWater the beds.\n",
  });
  let before: Json;
  {
    await using hub = await startHub({ stateDir: room.stateDir });
    await hub.post("/projects", { project: "marsh", folder });
    await briefToEnd(hub, { folder, allowWrite: true });
    await hub.post("/notes/marsh", { topic: planted.topic, text: planted.note });
    const { conversation } = await hub.post("/chat/conversations", { folder });
    await hub.send("POST /chat/send", { conversation, text: planted.question });
    await hub.send(`PUT /chat/conversations/${conversation}/title`, { title: planted.title });
    await hub.send("PUT /secrets/FERRY", { value: planted.secret });
    before = await seen(hub);
    await stopped(hub);
  }
  const plain = await findInFiles(room.stateDir, words);
  for (const word of words)
    assert.ok(
      plain.some((each) => each.startsWith(word)),
      `${word} was nowhere to begin with`,
    );

  const on = await arw(["encrypt", "on", "--key-file", keyPath]);
  assert.equal(on.code, 0, on.stderr);
  assert.match(on.stdout, /Recovery code, shown this once: (?:[0-9A-Z]{4}-){7}[0-9A-Z]{4}\n/);
  assert.deepEqual(await findInFiles(room.stateDir, words), []);
  assert.deepEqual(JSON.parse((await arw(["encrypt", "status", "--json"])).stdout), { state: "on" });

  const refused = await startRefused({ stateDir: room.stateDir });
  assert.equal(refused.code, 78);
  assert.match(refused.stderr, /encrypted.*ARW_STATE_PASSPHRASE_FILE.*ARW_STATE_KEY_FILE/);
  const backup = join(room.path, "state.backup");
  {
    await using hub = await startHub({ stateDir: room.stateDir, env: env() });
    assert.deepEqual(await seen(hub), before);
    await hub.post("/notes/marsh", { topic: "later", text: `${planted.note}, still` });
    // While it runs, with what is not folded back yet.
    assert.deepEqual(await findInFiles(room.stateDir, words), []);
    await hub.send("POST /backup", { file: backup });
    await until("the backup", () => existsSync(backup) || undefined);
    await hub.kill("SIGKILL");
  }
  const token = /ARW_ADMIN_TOKEN=(\S+)/.exec(await readFile(join(room.stateDir, "credentials"), "utf8"))?.[1] ?? "";
  const unpacked = gunzipSync(await readFile(backup));
  assert.deepEqual(
    words.filter((word) => unpacked.includes(word)),
    [],
  );
  const stateDir = join(room.path, "restored");
  const locked = await arw(["restore", backup], { ARW_STATE_DIR: stateDir });
  assert.deepEqual([locked.code, /encrypted/.test(locked.stderr)], [1, true], locked.stderr);
  const restored = await arw(["restore", backup], { ...env(), ARW_STATE_DIR: stateDir });
  assert.equal(restored.code, 0, restored.stderr);
  const keys = await viewKeys();
  assert.deepEqual(
    keys.filter((key) => words.some((word) => key.includes(word))),
    [],
  );
  {
    await using hub = await startHub({ stateDir, env: { ...env(), ARW_ADMIN_TOKEN: token } });
    assert.equal((await hub.get("/notes/marsh")).notes.length, 2);
  }
  // What was killed is here, too.
  const off = await arw(["encrypt", "off"], env());
  assert.equal(off.code, 0, off.stderr);
  const found = await findInFiles(room.stateDir, words);
  assert.deepEqual(
    words.filter((word) => !found.some((each) => each.startsWith(word))),
    [],
  );
}, 400_000);

/** What stays readable of the rows: their keys. */
async function viewKeys(): Promise<readonly string[]> {
  const database = new DatabaseSync(join(room.stateDir, "journal.db"), { readOnly: true });
  try {
    const rows = database.prepare("SELECT view, key FROM viewRow").all() as { view: string; key: string }[];
    return rows.map(({ view, key }) => `${view} ${key}`);
  } finally {
    database.close();
  }
}
