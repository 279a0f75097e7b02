/** Somebody else's client and somebody else's server, unchanged, with a hub between them. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const packageOf = (name: string): string =>
  join(programRoot, "node_modules", "@modelcontextprotocol", name, "dist", "index.js");

interface Wrapped extends AsyncDisposable {
  readonly client: Client;
  readonly complaints: () => string;
}

async function connect(stateDir: string, words: readonly string[]): Promise<Wrapped> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [...programFlags, join(programRoot, "src", "app", "cli.ts"), "mcp", "wrap", ...words],
    env: { PATH: process.env["PATH"] ?? "", ARW_STATE_DIR: stateDir, SECRET_OF_SERVER: "of the server alone" },
    stderr: "pipe",
  });
  let complaints = "";
  transport.stderr?.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const client = new Client({ name: "a-client", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(transport);
  return { client, complaints: () => complaints, [Symbol.asyncDispose]: () => client.close() };
}

async function answer(hub: RunningHub, decision: "allow" | "deny", tool: string): Promise<void> {
  const waiting = await until(`a question about ${tool}`, async () => {
    const { items } = await hub.get("/state/approvals?status=waiting");
    return items.find((each: { input: { tool: string } }) => each.input.tool === tool);
  });
  await hub.post(`/approvals/${waiting.approvalId}/decide`, { decision });
}

test("a third-party server works through the hub, its tools asked about, allowed, refused and recorded", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const words = ["--name", "every", "--agent", "ada", "--", process.execPath, packageOf("server-everything")];
  await using wrapped = await connect(room.stateDir, words);
  const { client } = wrapped;
  const { tools } = await client.listTools();
  assert.ok(tools.some(({ name }) => name === "echo"));
  assert.ok((await client.listResources()).resources.length > 0);
  assert.ok((await client.listPrompts()).prompts.length > 0);

  const echo = client.callTool({ name: "echo", arguments: { message: "hello" } });
  await answer(hub, "allow", "echo");
  assert.deepEqual((await echo).content, [{ type: "text", text: "Echo: hello" }]);

  const refused = client.callTool({ name: "get-env", arguments: {} });
  await answer(hub, "deny", "get-env");
  const { isError, content } = (await refused) as { isError?: boolean; content: unknown };
  assert.equal(isError, true);
  assert.match(JSON.stringify(content), /Not approved/);

  await hub.post("/mcp/tools/every/get-sum/allow", {});
  const sum = await client.callTool({ name: "get-sum", arguments: { a: 2, b: 3 } });
  assert.match(JSON.stringify(sum.content), /5/);

  const { items } = await hub.get("/state/episodes");
  const [{ id, agent, counts, refusals }] = items;
  assert.deepEqual([agent, counts.observations, counts.actions, refusals], ["ada", 1, 1, 1]);
  const { story } = await hub.get(`/episodes/${id}`);
  assert.match(JSON.stringify(story), /every: get-sum/);
  assert.ok(!JSON.stringify(story).includes("of the server alone"));
});

test("a killed hub lets nothing pass any more", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  await using wrapped = await connect(room.stateDir, [
    "--name",
    "files",
    "--",
    process.execPath,
    packageOf("server-filesystem"),
    await room.folder("given", { "a.md": "text" }),
  ]);
  const { client } = wrapped;
  const waiting = client.callTool({ name: "read_text_file", arguments: { path: join(room.path, "given", "a.md") } });
  const failed = assert.rejects(waiting, /ARW/);
  await until("the question", async () => (await hub.get("/state/approvals?status=waiting")).items[0]);
  await hub.kill("SIGKILL");
  await failed;
  await assert.rejects(client.listTools(), /ARW/);
  await using again = await startHub({ stateDir: room.stateDir });
  const { items } = await again.get("/state/episodes");
  assert.deepEqual([items[0].status, items[0].outcome], ["finished", "The hub ended while the session was open"]);
  assert.ok((await client.listTools()).tools.some(({ name }) => name === "read_text_file"));
  await again.post("/mcp/tools/files/read_text_file/allow", {});
  const read = await client.callTool({
    name: "read_text_file",
    arguments: { path: join(room.path, "given", "a.md") },
  });
  assert.match(JSON.stringify(read.content), /text/);
});

test("a server that is not found, or that ends, ends its wrapper with words and a code, though the client stays", async () => {
  await using room = await createRoom();
  await using _hub = await startHub({ stateDir: room.stateDir });
  const asked = async (...words: readonly string[]): Promise<readonly [number, string]> => {
    const cli = join(programRoot, "src", "app", "cli.ts");
    const child = spawn(process.execPath, [...programFlags, cli, "mcp", "wrap", "--", ...words], {
      env: { PATH: process.env["PATH"] ?? "", ARW_STATE_DIR: room.stateDir },
      stdio: ["pipe", "pipe", "ignore"],
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n');
    const [code] = (await once(child, "close")) as [number];
    return [code, said];
  };
  const [notFound, why] = await asked("/no/such/program");
  assert.equal(notFound, 1);
  assert.match(why, /"id":1,"error".*\/no\/such\/program does not start: program not found\. Nothing was done/);
  const [ended, how] = await asked(process.execPath, "-e", "process.stdin.once('data', () => process.exit(3))");
  assert.equal(ended, 1);
  assert.match(how, /"id":1,"error".*ended with code 3/);
});

test("without a hub the server is not started, and the client is told why", async () => {
  await using room = await createRoom();
  const words = ["--", process.execPath, packageOf("server-everything")];
  await assert.rejects(connect(room.stateDir, ["--url", "http://127.0.0.1:9", ...words]), /ARW: No hub answers/);
});

const confines = spawnSync("bwrap", ["--ro-bind", "/", "/", "--unshare-all", "true"]).status === 0;

test("a confined server sees the folders that it was given, and no network", async ({ skip }) => {
  skip(!confines, "optional: bubblewrap does not run here");
  await using room = await createRoom();
  const given = await room.folder("given", { "a.md": "seen" });
  const secret = await room.folder("secret", { "b.md": "unseen" });
  const script = await room.folder("server", {
    "look.mjs": `
      import { readFileSync, writeFileSync } from "node:fs";
      const tried = async (work) => { try { return String(await work()); } catch (error) { return error.code ?? error.cause?.code ?? "no"; } };
      const seen = [
        await tried(() => readFileSync(${JSON.stringify(join(given, "a.md"))}, "utf8")),
        await tried(() => readFileSync(${JSON.stringify(join(secret, "b.md"))}, "utf8")),
        await tried(() => writeFileSync(${JSON.stringify(join(given, "c.md"))}, "x")),
        await tried(() => fetch("http://127.0.0.1:" + process.argv[2] + "/healthz")),
        process.env.SECRET_OF_SERVER,
      ];
      process.stdin.on("data", (line) => {
        const { id } = JSON.parse(line);
        if (id !== undefined) console.log(JSON.stringify({ jsonrpc: "2.0", id, error: { code: 1, message: seen.join(" | ") } }));
      });`,
  });
  await using hub = await startHub({ stateDir: room.stateDir });
  const words = [
    "--read",
    given,
    "--read",
    script,
    "--",
    process.execPath,
    join(script, "look.mjs"),
    new URL(hub.url).port,
  ];
  await assert.rejects(connect(room.stateDir, words), /seen \| ENOENT \| EROFS \| ECONN\w+ \| of the server alone/);
});
