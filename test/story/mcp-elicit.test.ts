/** A question of the hub in the window of somebody else's agent: only where its person chose that, and never twice. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { type Json, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const server = join(programRoot, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");

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

/** A program whose person is asked there, as far as the wrapper asks. */
async function openWindow(
  stateDir: string,
  options: { readonly isChosen: boolean; readonly token?: string },
): Promise<Window> {
  const words = ["--name", "every", "--agent", "ada", ...(options.isChosen ? ["--ask-in-client"] : [])];
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
      ARW_STATE_DIR: stateDir,
      ...(options.token === undefined ? {} : { ARW_ADMIN_TOKEN: options.token }),
    },
    stderr: "pipe",
  });
  let complaints = "";
  transport.stderr?.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const client = new Client(
    { name: "a-client", version: "1.0.0" },
    { capabilities: { elicitation: {} }, versionNegotiation: { mode: "legacy" } },
  );
  const asked: Asked[] = [];
  client.setRequestHandler(
    "elicitation/create",
    ({ params }) =>
      new Promise((answer) => void asked.push({ message: params.message, answer })),
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

const approvalOf = (hub: RunningHub, message: string): Promise<Json> =>
  until(`a question about ${message}`, async () => {
    const { items } = await hub.get("/state/approvals");
    return items.find((each: Json) => JSON.stringify(each.input).includes(message));
  });

test("who chose it is asked in their agent's window; a form filled in there is their answer, and the hub's own stays one", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  await using window = await openWindow(room.stateDir, { isChosen: true });

  const first = window.echo("planted-one");
  const yes = await until("the first question", () => window.asked[0]);
  assert.match(yes.message, /may ada make this call, once\?\nevery: echo .*planted-one/);
  yes.answer({ action: "accept", content: { answer: "allow once" } });
  assert.match(await first, /Echo: planted-one/);
  const { status, via, answeredBy, reason } = await approvalOf(hub, "planted-one");
  assert.deepEqual([status, via, reason], ["granted", "elicitation", "answered in the window of ada"]);
  assert.match(answeredBy, /^person:/);

  const second = window.echo("planted-two");
  (await until("the second question", () => window.asked[1])).answer({ action: "decline" });
  assert.match(await second, /Not approved/);
  assert.equal((await approvalOf(hub, "planted-two")).status, "denied");

  // A form that was closed is no answer: the question waits in the hub.
  const third = window.echo("planted-three");
  (await until("the third question", () => window.asked[2])).answer({ action: "cancel" });
  const waiting = await approvalOf(hub, "planted-three");
  assert.equal(waiting.status, "waiting");
  await hub.post(`/approvals/${waiting.approvalId}/decide`, { decision: "allow" });
  assert.match(await third, /Echo: planted-three/);
  assert.equal((await approvalOf(hub, "planted-three")).via, undefined);

  // Nobody brings answers to what was not put in their session.
  const { items } = await hub.get("/state/mcpSessions");
  assert.deepEqual([items[0].asksInClient, items[0].agent], [true, "ada"]);
  const stray = { session: items[0].session, approvalId: "0".repeat(26), decision: "allow" };
  assert.equal((await hub.send("POST /mcp/answer", stray)).status, 404);
});

test("without that choice, and under a program's token, questions stay with the hub", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const { token } = await hub.post("/access/tokens", { name: "bot", role: "agent", key: ["mcp:*"] });
  for (const options of [{ isChosen: false }, { isChosen: true, token }]) {
    await using window = await openWindow(room.stateDir, options);
    const word = `planted-${String(options.isChosen)}`;
    const call = window.echo(word);
    const { approvalId } = await approvalOf(hub, word);
    await hub.post(`/approvals/${approvalId}/decide`, { decision: "deny" });
    assert.match(await call, /Not approved/);
    assert.deepEqual(window.asked, []);
    assert.equal(window.complaints().includes("questions stay with the hub"), options.isChosen);
  }
});
