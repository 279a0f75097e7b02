/** A question of the hub in the window of somebody else's agent: only where its person chose that, and never twice. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { type Json, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const everything = join(programRoot, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");
/** A server that knows no greeting, as from 2026-07-28 on one may. */
const modernServer = `
  import { createInterface } from "node:readline";
  const echo = { name: "echo", inputSchema: { type: "object" } };
  const results = {
    "server/discover": () => ({ supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, serverInfo: { name: "m", version: "1" } }),
    "tools/list": () => ({ tools: [echo], ttlMs: 60000, cacheScope: "private" }),
    "tools/call": ({ arguments: { message } }) => ({ content: [{ type: "text", text: "Echo: " + message }] }),
  };
  createInterface({ input: process.stdin }).on("line", (line) => {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) return;
    const isModern = params?._meta?.["io.modelcontextprotocol/protocolVersion"] === "2026-07-28";
    const said = isModern && results[method] ? { result: { resultType: "complete", ...results[method](params) } } : { error: { code: -32601, message: "unknown" } };
    console.log(JSON.stringify({ jsonrpc: "2.0", id, ...said }));
  });`;

let room: Room;
let hub: RunningHub;
beforeAll(async () => {
  room = await createRoom();
  hub = await startHub({ stateDir: room.stateDir });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

interface Asked {
  readonly message: string;
  answer(result: object): void;
}

interface Window extends AsyncDisposable {
  readonly client: Client;
  readonly asked: Asked[];
  readonly complaints: () => string;
  echo(message: string): Promise<string>;
}

interface WindowOptions {
  readonly isChosen: boolean;
  readonly token?: string;
  readonly server?: string;
}

/** A program whose person is asked there, as far as the wrapper asks. */
async function openWindow({ isChosen, token, server = everything }: WindowOptions): Promise<Window> {
  const words = ["--name", "every", "--agent", "ada", ...(isChosen ? ["--ask-in-client"] : [])];
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [
      ...programFlags,
      join(programRoot, "src/app/cli.ts"),
      "mcp",
      "wrap",
      ...words,
      "--",
      process.execPath,
      server,
    ],
    env: {
      PATH: process.env["PATH"] ?? "",
      ARW_STATE_DIR: room.stateDir,
      ...(token === undefined ? {} : { ARW_ADMIN_TOKEN: token }),
    },
    stderr: "pipe",
  });
  let complaints = "";
  transport.stderr?.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const client = new Client(
    { name: "a-client", version: "1.0.0" },
    { capabilities: { elicitation: {} }, versionNegotiation: { mode: "auto" } },
  );
  const asked: Asked[] = [];
  client.setRequestHandler(
    "elicitation/create",
    ({ params }) => new Promise((answer) => void asked.push({ message: params.message, answer })),
  );
  await client.connect(transport);
  return {
    client,
    asked,
    complaints: () => complaints,
    echo: async (message) => JSON.stringify(await client.callTool({ name: "echo", arguments: { message } })),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

const approvalOf = (message: string): Promise<Json> =>
  until(`a question about ${message}`, async () => {
    const { items } = await hub.get("/state/approvals");
    return items.find((each: Json) => JSON.stringify(each.input).includes(message));
  });

test("who chose it is asked in their agent's window; a form filled in there is their answer, and the hub's own stays one", async () => {
  await using window = await openWindow({ isChosen: true });

  const first = window.echo("planted-one");
  const yes = await until("the first question", () => window.asked[0]);
  assert.match(yes.message, /may ada make this call, once\?\nevery: echo .*planted-one/);
  yes.answer({ action: "accept", content: { answer: "allow once" } });
  assert.match(await first, /Echo: planted-one/);
  const { status, via, answeredBy, reason } = await approvalOf("planted-one");
  assert.deepEqual([status, via, reason], ["granted", "elicitation", "answered in the window of ada"]);
  assert.match(answeredBy, /^person:/);

  const second = window.echo("planted-two");
  (await until("the second question", () => window.asked[1])).answer({ action: "decline" });
  assert.match(await second, /Not approved/);
  assert.equal((await approvalOf("planted-two")).status, "denied");

  // A form that was closed is no answer: the question waits in the hub.
  const third = window.echo("planted-three");
  (await until("the third question", () => window.asked[2])).answer({ action: "cancel" });
  const waiting = await approvalOf("planted-three");
  assert.equal(waiting.status, "waiting");
  await hub.post(`/approvals/${waiting.approvalId}/decide`, { decision: "allow" });
  assert.match(await third, /Echo: planted-three/);
  assert.equal((await approvalOf("planted-three")).via, undefined);

  // Nobody brings answers to what was not put in their session.
  const { items } = await hub.get("/state/mcpSessions");
  assert.deepEqual([items[0].asksInClient, items[0].agent], [true, "ada"]);
  const stray = { session: items[0].session, approvalId: "0".repeat(26), decision: "allow" };
  assert.equal((await hub.send("POST /mcp/answer", stray)).status, 404);
});

test("without that choice, and under a program's token, questions stay with the hub", async () => {
  const { token } = await hub.post("/access/tokens", { name: "bot", role: "agent", key: ["mcp:*"] });
  for (const options of [{ isChosen: false }, { isChosen: true, token }]) {
    await using window = await openWindow(options);
    const word = `planted-${String(options.isChosen)}`;
    const call = window.echo(word);
    const { approvalId } = await approvalOf(word);
    await hub.post(`/approvals/${approvalId}/decide`, { decision: "deny" });
    assert.match(await call, /Not approved/);
    assert.deepEqual(window.asked, []);
    assert.equal(window.complaints().includes("questions stay with the hub"), options.isChosen);
  }
});

test("where a question is an answer, the client's own program comes back with what its person said", async () => {
  const folder = await room.folder("server", { "modern.mjs": modernServer });
  await using window = await openWindow({ isChosen: true, server: join(folder, "modern.mjs") });
  const first = window.echo("planted-new");
  const { message, answer } = await until("the question", () => window.asked[0]);
  assert.match(message, /may ada make this call, once\?\nevery: echo .*planted-new/);
  answer({ action: "accept", content: { answer: "allow once" } });
  assert.match(await first, /Echo: planted-new/);
  assert.equal((await approvalOf("planted-new")).via, "elicitation");
  const second = window.echo("planted-not");
  (await until("the second question", () => window.asked[1])).answer({ action: "decline" });
  assert.match(await second, /Not approved/);
});
