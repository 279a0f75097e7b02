/** The hub's own tools over MCP, to an unchanged client, under the token of an agent. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { launchProcess, programRoot, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";

const cliFile = join(programRoot, "src", "app", "cli.ts");

for (const mode of ["auto", "legacy"] as const)
  test(`a client finds and calls the hub's tools as far as its token reaches (${mode})`, async () => {
    await using room = await createRoom();
    await using hub = await startHub({ stateDir: room.stateDir });
    const { token } = await hub.post("/access/tokens", { name: "helper", role: "agent", key: ["system:*", "fs:*"] });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [...programFlags, cliFile, "mcp", "serve", "--url", hub.url],
      env: { PATH: process.env["PATH"] ?? "", ARW_ADMIN_TOKEN: token },
      stderr: "pipe",
    });
    const client = new Client({ name: "a-client", version: "1.0.0" }, { versionNegotiation: { mode } });
    await client.connect(transport);
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === "fs_read"));
    const stats = await client.callTool({ name: "system_stats", arguments: {} });
    assert.notEqual(stats.isError, true, JSON.stringify(stats));
    assert.equal(typeof stats.structuredContent, "object");
    const beyond = await client.callTool({ name: "events_journal", arguments: {} });
    assert.match(JSON.stringify(beyond), /access\.token:helper.*"isError":true/);
    const wrong = await client.callTool({ name: "fs_read", arguments: { folder: 5 } });
    assert.match(JSON.stringify(wrong), /Invalid input.*"isError":true/);
    await client.close();
  });

test("the sign-in of a person is no token for a program", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const { code, stderr, stdout } = await launchProcess([...programFlags, cliFile, "mcp", "serve"], {
    env: { ARW_STATE_DIR: hub.stateDir },
    input: "",
  }).exited;
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /arw token create/);
});
