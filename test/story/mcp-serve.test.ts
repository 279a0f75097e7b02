/** The hub's own tools over MCP, to an unchanged client, under the token of an agent. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { launchProcess, programRoot, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";

const cliFile = join(programRoot, "src", "app", "cli.ts");

/** What any client finds, and where its token ends. */
async function useTools(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  assert.ok(tools.some(({ name }) => name === "fs_read"));
  const stats = await client.callTool({ name: "system_stats", arguments: {} });
  assert.notEqual(stats.isError, true, JSON.stringify(stats));
  assert.equal(typeof stats.structuredContent, "object");
  const beyond = await client.callTool({ name: "events_journal", arguments: {} });
  assert.match(JSON.stringify(beyond), /access\.token:helper.*"isError":true/);
  const wrong = await client.callTool({ name: "fs_read", arguments: { folder: 5 } });
  assert.match(JSON.stringify(wrong), /Invalid input.*"isError":true/);
}

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
    await useTools(client);
    await client.close();
  });

test("the same at /mcp, in both eras, and to nobody that a page or a person sends there", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const { token } = await hub.post("/access/tokens", { name: "helper", role: "agent", key: ["system:*", "fs:*"] });
  const authorization = `Bearer ${token}`;
  for (const mode of ["auto", "legacy"] as const) {
    const client = new Client({ name: "a-client", version: "1.0.0" }, { versionNegotiation: { mode } });
    await client.connect(
      new StreamableHTTPClientTransport(new URL("/mcp", hub.url), { requestInit: { headers: { authorization } } }),
    );
    await useTools(client);
    await client.close();
  }
  const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
  const statusOf = async (headers: Readonly<Record<string, string>>): Promise<number> =>
    (await hub.send("POST /mcp", list, headers)).status;
  assert.equal(await statusOf({ authorization }), 200);
  assert.equal(await statusOf({}), 401);
  assert.equal(await statusOf({ authorization: `Bearer ${hub.token}` }), 403);
  assert.equal(await statusOf({ authorization, origin: "https://evil.example" }), 403);
  assert.equal(await statusOf({ authorization, "mcp-protocol-version": "1999-01-01" }), 400);
  assert.equal(await statusOf({ authorization, "mcp-protocol-version": "2026-07-28" }), 400);
  assert.equal((await hub.send("GET /mcp", undefined, { authorization })).status, 405);
  assert.equal(
    (await hub.send("POST /mcp", { jsonrpc: "2.0", method: "notifications/x" }, { authorization })).status,
    202,
  );
  assert.equal((await hub.send("POST /mcp", [list], { authorization })).status, 400);
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
