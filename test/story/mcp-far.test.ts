/** A third-party server that is reached by its address, through the hub's own way out. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { test } from "vitest";
import { freePort } from "../kit/free-port.ts";
import { programFlags } from "../../bin/program-flags.mjs";
import { launchProcess, programRoot, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const everything = join(programRoot, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");

test("its host is closed until a person opens it, and its tools are asked about like any other", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const port = await freePort();
  const far = launchProcess([everything, "streamableHttp"], { env: { PORT: String(port) } });
  try {
    await until("the server", () => (far.stderr().includes("listening") ? true : undefined));
    const connect = async (): Promise<Client> => {
      const client = new Client({ name: "a-client", version: "1.0.0" }, { versionNegotiation: { mode: "legacy" } });
      const words = ["mcp", "wrap", "--name", "far", "--agent", "ada", "--server", `http://127.0.0.1:${port}/mcp`];
      await client.connect(
        new StdioClientTransport({
          command: process.execPath,
          args: [...programFlags, join(programRoot, "src/app/cli.ts"), ...words],
          env: { PATH: process.env["PATH"] ?? "", ARW_STATE_DIR: room.stateDir },
          stderr: "ignore",
        }),
      );
      return client;
    };
    await assert.rejects(connect(), /closed/);
    await hub.post("/egress/leases", { host: `127.0.0.1:${port}`, isPrivate: true, agent: "ada" });
    const client = await connect();
    const { tools } = await client.listTools();
    assert.ok(tools.some(({ name }) => name === "echo"));
    const echo = client.callTool({ name: "echo", arguments: { message: "over there" } });
    const { approvalId } = await until("the question", async () => {
      const { items } = await hub.get("/state/approvals?status=waiting");
      return items[0];
    });
    await hub.post(`/approvals/${approvalId}/decide`, { decision: "allow" });
    assert.deepEqual((await echo).content, [{ type: "text", text: "Echo: over there" }]);
    const { items } = await hub.get("/state/egressLedger");
    assert.ok(JSON.stringify(items).includes("mcp:carry"));
    await client.close();
  } finally {
    far.process.kill("SIGKILL");
    await far.exited;
  }
});
