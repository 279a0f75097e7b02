/** A session of somebody else's agent is exported, checked, and served once more without the server that it was with. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { type Json, programRoot, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { episodeEnded } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

const everything = join(programRoot, "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js");

async function connect(stateDir: string, words: readonly string[]): Promise<Client> {
  const client = new Client({ name: "a-client", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [...programFlags, join(programRoot, "src", "app", "cli.ts"), "mcp", ...words],
      env: { PATH: process.env["PATH"] ?? "", ARW_STATE_DIR: stateDir },
    }),
  );
  return client;
}

test("a recorded session is served again: the same tools and answers, and nothing that nobody asked then", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const wrap = ["wrap", "--name", "every", "--agent", "ada", "--", process.execPath, everything];
  const live = await connect(room.stateDir, wrap);
  const { tools } = await live.listTools();
  const call = { name: "echo", arguments: { message: "hello" } };
  const echo = live.callTool(call);
  const waiting = await until("the question", async () => {
    const { items } = await hub.get("/state/approvals?status=waiting");
    return items[0];
  });
  await hub.post(`/approvals/${waiting.approvalId}/decide`, { decision: "allow" });
  const { content } = await echo;
  await live.close();
  const [{ id: episode }] = (await hub.get("/state/episodes")).items;
  await episodeEnded(hub, episode);
  const capsule = join(room.path, "session.capsule");
  await until("the export", async () => {
    const { status } = await hub.send("POST /capsules/export", { episode, file: capsule });
    return status === 200 ? true : undefined;
  });
  const { report }: Json = await hub.post("/capsules/replay", { capsule });
  assert.deepEqual([report.mode, report.verdict, report.steps], ["answers", "equal", { recorded: 1, replayed: 1 }]);

  const again = await connect(room.stateDir, ["replay", capsule]);
  assert.deepEqual((await again.listTools()).tools, tools);
  assert.deepEqual((await again.callTool(call)).content, content);
  await assert.rejects(again.callTool({ name: "echo", arguments: { message: "other" } }), /the record holds no answer/);
  await assert.rejects(again.callTool(call), /gave it before/);
  await again.close();
});
