/**
 * A rule that closes the way out of an operation while its calls are under way: what they found out is found at no exit
 * afterwards. The same calls without the rule show that each exit is one.
 */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { test } from "vitest";
import { loadConfig } from "../../src/app/config/load.ts";
import { openHub } from "../../src/app/hub.ts";
import type { AgentProgram, Tools } from "../../src/domains/agents/contract.ts";
import { Fetch } from "../../src/domains/web/contract.ts";
import { startCollector } from "../kit/collector.ts";
import { serveHttp } from "../kit/loopback-server.ts";
import { type Answer, callUrl, programRoot } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { findInFiles } from "./kit/state-search.ts";
import { until } from "./kit/until.ts";

const marker = "violet heron behind the second gate";
const token = "a token for the exits alone";

/** Fetches what it is told to, and answers with all of it. */
const fetcherProgram = {
  id: "fetcher",
  about: "Fetches a page.",
  model: "none",
  tools: [Fetch],
  async run(input: unknown, tools: Tools) {
    const { text } = await tools.call(Fetch, { url: String(input) }, "fetch the page");
    await tools.believe({ topic: "page", statement: text, sources: [] });
    return { outcome: text, notDone: [], output: { text } };
  },
};
const fetcher: AgentProgram = fetcherProgram;

/** A server whose pages come when they are let go. */
async function holdingServer() {
  const held: ServerResponse[] = [];
  const server = await serveHttp((_request, response) => void held.push(response));
  return {
    port: server.port,
    held,
    letGo: () => {
      for (const response of held.splice(0)) response.setHeader("content-type", "text/plain").end(`The ${marker}.`);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const open = (room: Room, collector: string) =>
  openHub({
    config: loadConfig({
      flags: {},
      env: {
        ARW_STATE_DIR: room.stateDir,
        ARW_PORT: "0",
        ARW_EVENTS_JOURNAL: "events.jsonl",
        ARW_LOG_LEVEL: "debug",
        ARW_OTLP_ENDPOINT: collector,
      },
      platform: "linux",
      home: room.path,
      workDir: room.path,
      programDir: programRoot,
      readFile: () => null,
    }),
    givenToken: token,
    pid: process.pid,
    programs: [fetcher],
  });

/** Everything that the hub says on its stream of events. */
function listen(url: string) {
  const leave = new AbortController();
  const heard = { text: "" };
  const read = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${token}`, accept: "text/event-stream" };
    const { body } = await fetch(`${url}/events`, { headers, signal: leave.signal });
    const decoder = new TextDecoder();
    for await (const chunk of body ?? []) heard.text += decoder.decode(chunk as Uint8Array, { stream: true });
  };
  const reading = read().catch(() => undefined);
  return {
    heard,
    async [Symbol.asyncDispose]() {
      leave.abort();
      await reading;
    },
  };
}

interface Spread {
  /** What each door answered. */
  readonly answers: readonly Answer[];
  /** How the run ended. */
  readonly ending: string;
  /** Exits where the marker was found. */
  readonly exits: readonly string[];
}

/** Lets calls of every door find the marker, with a rule put while they wait for it, and looks at all exits. */
async function spread(rule: object | null): Promise<Spread> {
  await using room = await createRoom();
  await using collector = await startCollector();
  await using server = await holdingServer();
  const { told, ...said } = await through({ room, server, rule, collector: collector.endpoint });
  const traces = collector.requests.map(({ body }) => body);
  const exits = Object.entries({ ...told, traces }).filter(([, value]) => JSON.stringify(value).includes(marker));
  const files = await findInFiles(room.stateDir, [marker]);
  for (const name of await readdir(room.stateDir, { recursive: true }))
    if (name.endsWith(".gz") && gunzipSync(await readFile(join(room.stateDir, name))).includes(marker))
      files.push(name);
  return { ...said, exits: [...exits.map(([name]) => name), ...files.map((each) => basename(each))] };
}

interface Means {
  readonly room: Room;
  readonly server: Awaited<ReturnType<typeof holdingServer>>;
  readonly rule: object | null;
  readonly collector: string;
}

/** One hub from its start to its end. */
async function through({ room, server, rule, collector }: Means) {
  await using hub = await open(room, collector);
  const { url } = await hub.listen();
  await using stream = listen(url);
  const page = (who: string): string => `http://127.0.0.1:${server.port}/${who}`;
  const send = (request: string, body?: unknown, more: Record<string, string> = {}): Promise<Answer> => {
    const [method = "", path = ""] = request.split(" ");
    return callUrl(`${url}${path}`, { method, body, headers: { authorization: `Bearer ${token}`, ...more } });
  };
  await send("POST /egress/leases", { host: `127.0.0.1:${server.port}`, isPrivate: true });
  const visitor = await send("POST /access/tokens", { name: "visitor", role: "agent", key: ["*"] });
  // Otherwise a person is asked: nobody knows what the visitor read elsewhere.
  await send("POST /leases", { capability: "net:send", holder: "agent:visitor" });
  const run = await send("POST /agents/run", { agent: "fetcher", title: "Fetch", input: page("run"), grants: [] });
  const params = { name: "web_fetch", arguments: { url: page("mcp") } };
  const calls = [
    send("POST /web/fetch", { url: page("json") }),
    send("POST /web/fetch", { url: page("stream") }, { accept: "text/event-stream" }),
    send(
      "POST /mcp",
      { jsonrpc: "2.0", id: 1, method: "tools/call", params },
      { authorization: `Bearer ${visitor.body.token}` },
    ),
  ];
  await until("every call to wait for its page", () => (server.held.length === calls.length + 1 ? true : undefined));
  if (rule !== null) assert.equal((await send("PUT /gating/contracts/late", rule)).status, 200);
  server.letGo();
  const answers = await Promise.all(calls);
  const ended = { kinds: ["agents.run.finished", "agents.run.failed"], corrId: run.body.corrId, limit: 1 };
  const over = await until("the run to end", () => hub.kernel.journal.read(ended)[0]);
  const reads = await everyRead(hub.kernel.table.operations.values(), (path) => send(`GET ${path}`));
  await until("the stream to have told the end", () => (stream.heard.text.includes(over.id) ? true : undefined));
  const told = { answers: answers.map(({ body }) => body), reads, stream: stream.heard.text };
  return { answers, ending: over.kind, told };
}

/** What a person can look at without naming anything: views, lists, metrics, audit, ledgers. */
async function everyRead(
  operations: Iterable<{ readonly operation: { readonly http: string; readonly mode: string } }>,
  get: (path: string) => Promise<Answer>,
): Promise<unknown> {
  const paths = [...operations]
    .filter(({ operation: { http, mode } }) => mode === "one" && http.startsWith("GET ") && !http.includes("{"))
    .map(({ operation: { http } }) => http.slice("GET ".length));
  const answers: unknown[] = [];
  for (const path of paths) answers.push((await get(path)).body);
  assert.ok(answers.length > 30);
  return answers;
}

test("without a rule the page is told at every exit but the traces", { timeout: 120_000 }, async () => {
  const { exits, ending } = await spread(null);
  assert.equal(ending, "agents.run.finished");
  for (const exit of ["answers", "reads", "stream", "events.jsonl"])
    assert.ok(exits.includes(exit), `${exit}: ${exits.join()}`);
  assert.ok(exits.some((exit) => exit.startsWith("journal.db")));
  assert.ok(!exits.includes("traces"));
});

test("a rule that comes while calls wait for their page keeps it in, at every exit", { timeout: 120_000 }, async () => {
  const { exits, answers, ending } = await spread({ patterns: ["io:egress:web:fetch"], reason: "guests are here" });
  assert.deepEqual(exits, []);
  assert.deepEqual(
    answers.slice(0, 2).map(({ status, body }) => [status, body.rule]),
    [
      [403, "late"],
      [403, "late"],
    ],
  );
  assert.match(JSON.stringify(answers[2]?.body), /late|guests are here/);
  assert.equal(ending, "agents.run.failed");
});
