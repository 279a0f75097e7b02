/** The models of other agents on this hub: their files, their tokens, and the way back. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import OpenAI from "openai";
import { test } from "vitest";
import { modelName, serveModel } from "../kit/model-server.ts";
import { runArw } from "./kit/arw.ts";
import { type Exit, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";

const openCode = `{
  // mine
  "theme": "dark",
  "provider": { "own": { "npm": "x" } },
}
`;
const codex = `model = "theirs"

[mcp_servers.files]
command = "npx"
args = ["files"]
`;

test("each gets a provider beside its own and a token of its own, and gives both back to the byte", async () => {
  await using room = await createRoom();
  await using server = await serveModel();
  await using hub = await startHub({ stateDir: room.stateDir });
  const home = await room.folder("home", { ".config/opencode/opencode.json": openCode, ".codex/config.toml": codex });
  const files = [join(home, ".config/opencode/opencode.json"), join(home, ".codex/config.toml")] as const;
  await chmod(files[1], 0o600);
  await mkdir(join(home, "work"), { recursive: true });
  const arw = (...words: readonly string[]): Promise<Exit> =>
    runArw(
      ["connect", ...words],
      { stateDir: room.stateDir, path: join(home, "work") },
      { env: { HOME: home, XDG_CONFIG_HOME: join(home, ".config"), CODEX_HOME: "" } },
    );

  assert.match((await arw("--models")).stdout, /knows no model yet/);
  const at = new URL(server.url).host.replace("127.0.0.1", "localhost");
  await hub.send(`PUT /models/servers/${at}`, { url: server.url.replace("127.0.0.1", "localhost") });
  const model = `${at}/${modelName}`;
  const shown = await arw("--models");
  assert.match(shown.stdout, /\+.*"arw"[^]*\[model_providers\.arw\][^]*Nothing was written/);
  assert.equal(await readFile(files[0], "utf8"), openCode);

  const made = await arw("--models", "--yes");
  assert.equal(made.code, 0, made.stderr);
  const keys = ["opencode", "codex"].map((agent) => join(room.stateDir, "connect", `${agent}.key`));
  const [first = "", second = ""] = await Promise.all(keys.map((path) => readFile(path, "utf8")));
  const written = await Promise.all(files.map((path) => readFile(path, "utf8")));
  assert.match(written[0] ?? "", /\/\/ mine[^]*"baseURL": "http:[^"]+\/v1"[^]*\{file:[^}]+opencode\.key\}/);
  assert.match(written[1] ?? "", /wire_api = "responses"[^]*\[model_providers\.arw\.auth\]/);
  for (const path of keys) assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(files[1])).mode & 0o777, 0o600);
  for (const text of [...written, made.stdout, made.stderr]) assert.ok(!text.includes(first) && !text.includes(second));

  // What Codex would be told, and what either reaches with it.
  const [, command = "", words = ""] = /command = (".*")\nargs = (\[.*\])\n$/u.exec(written[1] ?? "") ?? [];
  const told = spawnSync(JSON.parse(command) as string, JSON.parse(words) as string[], { encoding: "utf8" });
  assert.equal(told.stdout, second);
  const client = new OpenAI({ apiKey: first, baseURL: `${hub.url}/v1`, maxRetries: 0 });
  const answer = await client.chat.completions.create({ model, messages: [{ role: "user", content: "say hi" }] });
  assert.ok((answer.choices[0]?.message.content ?? "").length > 0);
  assert.equal((await hub.send("GET /mcp/tools", undefined, { authorization: `Bearer ${first}` })).status, 403);

  // The servers of the one go behind the hub as well, and all of it comes back.
  await arw("--yes");
  assert.equal((await arw("--undo", "--yes")).code, 0);
  assert.deepEqual(await Promise.all(files.map((path) => readFile(path, "utf8"))), [openCode, codex]);
  for (const path of keys) await assert.rejects(stat(path));
  await assert.rejects(client.models.list(), /401/);

  // What others wrote since stays.
  await arw("--models", "--yes");
  await writeFile(files[1], (await readFile(files[1], "utf8")).replace('"theirs"', '"another"'));
  assert.equal((await arw("--undo", "--yes")).code, 0);
  assert.equal((await readFile(files[1], "utf8")).trim(), codex.replace('"theirs"', '"another"').trim());
});
