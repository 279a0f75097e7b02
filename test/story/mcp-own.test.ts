/** Servers of others that the hub itself is connected to: added by a person, called by agents and recipes. */
import assert from "node:assert/strict";
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { freePort } from "../kit/free-port.ts";
import { programFlags } from "../../bin/program-flags.mjs";
import { runArw } from "./kit/arw.ts";
import { type Exit, type Json, launchProcess, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const modules = realpathSync(join(programRoot, "node_modules"));
const everything = join(modules, "@modelcontextprotocol/server-everything/dist/index.js");
/** Node, as it runs here, and the packages: all that a confined server needs to see. */
const sees = ["--read", modules, "--read", dirname(dirname(realpathSync(process.execPath)))];

let room: Room;
let hub: RunningHub;
let authorization = "";
beforeAll(async () => {
  room = await createRoom();
  hub = await startHub({ stateDir: room.stateDir });
  const { token } = await hub.post("/access/tokens", { name: "helper", role: "agent", key: ["mcp:*"] });
  authorization = `Bearer ${token}`;
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

const arw = (...words: readonly string[]): Promise<Exit> => runArw(words, hub);

const asAgent = (operation: "call" | "read", tool: string, input: object): Promise<{ status: number; body: Json }> =>
  hub.send(`POST /mcp/${operation}`, { server: "every", tool, params: { arguments: input } }, { authorization });

async function decide(decision: "allow" | "deny"): Promise<void> {
  const { approvalId } = await until("the question", async () => {
    const { items } = await hub.get("/state/approvals?status=waiting");
    return items[0];
  });
  await hub.post(`/approvals/${approvalId}/decide`, { decision });
}

test("a program is started at the first call, its tools are asked about, and those that only read are not", async () => {
  const added = await arw("mcp", "add", "every", ...sees, "--", process.execPath, everything);
  assert.equal(added.code, 0, added.stderr + added.stdout);
  assert.match(added.stdout, /every offers \d+ tools/);
  assert.match((await arw("mcp", "servers")).stdout, /● every/);

  const echo = asAgent("call", "echo", { message: "over there" });
  await decide("allow");
  const { status, body } = await echo;
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.result.content[0].text, body.label], ["Echo: over there", "tool"]);

  const refused = asAgent("call", "echo", { message: "no" });
  await decide("deny");
  assert.equal((await refused).status, 403);

  const early = await asAgent("read", "get-sum", { a: 2, b: 3 });
  assert.deepEqual(
    [early.status, early.body.code, early.body.next],
    [403, "mcp.not-allowed", "arw mcp allow every get-sum"],
  );
  assert.equal((await arw("mcp", "allow", "every", "get-sum")).code, 0);
  const sum = await asAgent("read", "get-sum", { a: 2, b: 3 });
  assert.match(JSON.stringify(sum.body), /5/);
  const unknown = await asAgent("read", "nothing", {});
  assert.equal(unknown.status, 403);
});

test("a program gets a secret in its environment, and nobody else gets to see it", async () => {
  const value = "planted-value-of-a-key";
  const set = await launchProcess(
    [...programFlags, join(programRoot, "src/app/cli.ts"), "secret", "set", "EVERY_KEY"],
    {
      env: { ARW_STATE_DIR: room.stateDir },
      input: `${value}\n`,
    },
  ).exited;
  assert.equal(set.code, 0, set.stderr);
  const typed = await arw("mcp", "add", "keyed", "--env", `API_KEY=${value}`, "--", process.execPath, everything);
  assert.equal(typed.code, 2);
  assert.match(typed.stderr, /arw secret set/);
  const words = ["--env", "API_KEY=secret:EVERY_KEY", ...sees, "--", process.execPath, everything];
  const added = await arw("mcp", "add", "keyed", ...words);
  assert.equal(added.code, 0, added.stderr + added.stdout);
  assert.match((await arw("mcp", "servers")).stdout, /API_KEY from secret:EVERY_KEY/);
  const asked = hub.send("POST /mcp/call", { server: "keyed", tool: "get-env", params: {} }, { authorization });
  await decide("allow");
  const { body } = await asked;
  const told = JSON.stringify(body);
  assert.match(told, /API_KEY/);
  assert.ok(!told.includes(value) && told.includes("[redacted"), told);
  assert.equal((await arw("mcp", "remove", "keyed")).code, 0);
});

test("a recipe calls it like any tool", async () => {
  const recipe = `name = "sum"
about = "Adds two numbers at a server of others."
outcome = "Added"
answer = "{{steps.sum.result}}"
[[step]]
id = "sum"
about = "Add"
tool = "mcp.read"
input = { server = "every", tool = "get-sum", params = { arguments = { a = 20, b = 22 } } }
`;
  const lint = await hub.post("/recipes/lint", { recipe });
  assert.deepEqual([lint.ok, lint.faults, lint.tools], [true, [], ["mcp.read"]]);
  const { body } = await hub.send("POST /recipes/run", { recipe });
  const told = await until("the end of the recipe", async () => {
    const { events } = await hub.get("/events/journal?limit=1000&prefix=agents.run.");
    return events.find((each: Json) => each.corrId === body.corrId && /(finished|failed)$/.test(each.kind));
  });
  assert.match(JSON.stringify(told.data), /"outcome":"Added".*42/);
});

test("a server with an address is reached by the way out, which is closed to whoever calls until it is opened", async () => {
  const port = await freePort();
  const far = launchProcess([everything, "streamableHttp"], { env: { PORT: String(port) } });
  try {
    await until("the server", () => (far.stderr().includes("listening") ? true : undefined));
    const url = `http://127.0.0.1:${port}/mcp`;
    const added = await arw("mcp", "add", "far", "--server", url);
    assert.equal(added.code, 0, added.stdout);
    assert.match(added.stdout, /far offers \d+ tools/);
    assert.equal((await arw("mcp", "allow", "far", "echo")).code, 0);
    const echo = () =>
      hub.send(
        "POST /mcp/read",
        { server: "far", tool: "echo", params: { arguments: { message: "over there" } } },
        { authorization },
      );
    const closed = await echo();
    assert.deepEqual([closed.status, closed.body.code], [403, "arw.denied"], JSON.stringify(closed.body));
    await hub.post("/egress/leases", { host: `127.0.0.1:${port}`, isPrivate: true, agent: "helper" });
    // That it only reads says nothing of where it sends what it is asked: an agent's words are somebody else's.
    const leaving = echo();
    await decide("allow");
    const open = await leaving;
    assert.equal(open.body.result?.content[0].text, "Echo: over there", JSON.stringify(open.body));
  } finally {
    far.process.kill("SIGKILL");
    await far.exited;
  }
});

test("what does not answer is kept and said, nobody but a person adds one, and what is taken away is called no more", async () => {
  const broken = await arw("mcp", "add", "broken", "--", process.execPath, "/nowhere/at/all.js");
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /broken is kept, and does not answer/);
  const both = await arw("mcp", "add", "both", "--server", "https://far.example/mcp", "--", "x");
  assert.equal(both.code, 2);
  const byAgent = await hub.send("PUT /mcp/servers/mine", { command: ["x"] }, { authorization });
  assert.equal(byAgent.status, 403);
  assert.equal((await arw("mcp", "remove", "every")).code, 0);
  const gone = await asAgent("call", "echo", { message: "still there?" });
  assert.deepEqual([gone.status, gone.body.code], [409, "mcp.no-session"]);
});
