/** Agents of a project with a model at work, in a real hub: what they do, what they are refused, and how they end. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import type { ModelServer } from "../kit/model-server.ts";
import { type Heard, type Said, scriptedModel, serveScript } from "../kit/scripted-chat.ts";
import { runArw } from "./kit/arw.ts";
import { type Json, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { decide, episodeEnded, episodeWaits, storyOf } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

let room: Room;
let hub: RunningHub;
let server: ModelServer;
let folder = "";
let script: (heard: Heard) => Said | Promise<Said> = () => ({ text: "Nothing to do." });

const call = (name: string, given: unknown): Said => ({ calls: [{ name, arguments: given }] });
const profile = (lines: Readonly<Record<string, string>>): string =>
  Object.entries({ about: '"Helps in the garden."', instructions: '"Keep the papers in order."', ...lines })
    .map(([key, value]) => `${key} = ${value}\n`)
    .join("");
const files = '["fs.list", "fs.read", "fs.write"]';

beforeAll(async () => {
  room = await createRoom();
  server = await serveScript((heard) => script(heard));
  hub = await startHub({ stateDir: room.stateDir });
  folder = await room.folder("garden", { "beds.md": "# Beds\n\nWater the beans.\n", "outside/x.md": "x\n" });
  await prepare(hub, folder);
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

async function prepare(at: RunningHub, root: string): Promise<void> {
  const named = scriptedModel(server);
  for (const [request, body] of [
    [`PUT /models/servers/${named.server}`, { url: named.url }],
    ["PUT /models/roles/chat", { models: [named.model] }],
    ["POST /projects", { project: "garden", folder: root }],
  ] as const) {
    const answer = await at.send(request, body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  }
}

const write = async (name: string, lines: Readonly<Record<string, string>>): Promise<void> => {
  await mkdir(join(folder, ".arw", "agents"), { recursive: true });
  await writeFile(join(folder, ".arw", "agents", `${name}.toml`), profile(lines));
};

async function begin(agent: string, task: string, at = hub): Promise<string> {
  const answer = await at.send("POST /agents/run", { agent, task });
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  return answer.body.corrId;
}

async function outputOf(episode: string, at = hub): Promise<Json> {
  return (await kindsOf(episode, "agents.run.finished", at)).at(-1).data;
}
const kindsOf = async (episode: string, kind: string, at = hub): Promise<Json[]> =>
  (await storyOf(at, episode)).story.filter((each: Json) => each.kind === kind);

test("an agent reads, plans, mends its calls, goes on after a no, and answers with its sources", async () => {
  await write("helper", { tools: files });
  script = ({ round }) =>
    [
      call("plan", { text: "1. read 2. write" }),
      call("fs_read", "{'path': 'beds.md',}"),
      call("fs_read", { path: "../../etc/passwd" }),
      call("fs_read", { file: "beds.md" }),
      call("fs_write", { path: "summary.md", text: "Beans need water.\n" }),
      { text: "The beans need water, see beds.md:3." },
    ][round] ?? {};
  const episode = await begin("helper@garden", "Sum up the beds, please");
  const ended = await episodeEnded(hub, episode);
  const finished = await outputOf(episode);
  assert.equal(ended.status, "finished", JSON.stringify(ended));
  assert.equal(ended.title, "Sum up the beds, please");
  assert.equal(await readFile(join(folder, "summary.md"), "utf8"), "Beans need water.\n");
  const { text, citations, isExtractive, spent } = finished.output;
  assert.equal(text, "The beans need water, see beds.md:3.");
  assert.deepEqual(citations, [{ path: "beds.md", line: 3 }]);
  assert.deepEqual([isExtractive, spent.inputTokens, spent.outputTokens, spent.microUsd], [false, 600, 60, 0]);
  const calls = await kindsOf(episode, "agents.call.repaired");
  assert.equal(calls[0]?.text, "Mended a call of fs_read: single quotes; a comma too many");
  const repaired = calls.map(({ data }) => [data.tool, data.how]);
  assert.deepEqual(repaired, [
    ["fs_read", "mended"],
    ["fs_read", "asked-again"],
  ]);
  assert.equal(finished.notDone.length, 1, finished.notDone.join());
});

test("what a file asks about is asked each time, and a no is told to the model as an answer", async () => {
  await write("careful", { tools: files, ask: '["fs.write"]' });
  script = ({ round, messages }) =>
    round === 0
      ? call("fs_write", { path: "careful.md", text: "x" })
      : { text: `I was told: ${messages.at(-1)?.content ?? ""}` };
  const episode = await begin("careful@garden", "Write it");
  const { approvalId } = await episodeWaits(hub, episode);
  await decide(hub, approvalId, "deny");
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  const { output } = await outputOf(episode);
  assert.match(output.text, /Not done: .*Rule: agent\.ask:fs:write/);
  assert.ok(!(await readdir(folder)).includes("careful.md"));
});

test("the same call three times in a row asks its person, and a no ends the run in words", async () => {
  await write("circler", { tools: files });
  script = () => call("fs_list", {});
  const episode = await begin("circler@garden", "Go round");
  const { approvalId, summary } = await episodeWaits(hub, episode);
  assert.match(summary, /^Let circler@garden go on\? It reached the same call 3 times in a row, and took 5 steps/);
  await decide(hub, approvalId, "deny");
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  const { output, notDone } = await outputOf(episode);
  assert.match(output.text, /^Stopped: /);
  assert.match(notDone.at(-1), /^The task was not finished/);
});

test("an agent writes no orders, of itself or of others, and nobody is asked about it", async () => {
  await write("schemer", { tools: files });
  const order = { path: ".arw/agents/schemer.toml", text: profile({ tools: '["shell.run"]' }) };
  script = ({ round, messages }) => (round === 0 ? call("fs_write", order) : { text: messages.at(-1)?.content ?? "" });
  const episode = await begin("schemer@garden", "Rise");
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  assert.match((await outputOf(episode)).output.text, /belongs to the hub itself/);
  assert.equal(await readFile(join(folder, order.path), "utf8"), profile({ tools: files }));
  const { entries } = await hub.get("/projects/garden/tree");
  assert.deepEqual(
    entries.filter(({ path }: Json) => path.startsWith(".arw")),
    [],
  );
});

test("a child works within its parent's run, with no tool that the parent has not", async () => {
  await write("parent", { tools: '["fs.read"]', children: '["child"]' });
  await write("child", { tools: files });
  script = ({ round, messages, tools }) => {
    if (messages[0]?.content.startsWith("You are child@garden") === true)
      return round === 0 ? call("fs_write", { path: "child.md", text: "x" }) : { text: `I have ${tools.join(" ")}` };
    return round === 0
      ? call("agents_delegate", { agent: "child", task: "Write a file" })
      : { text: messages.at(-1)?.content ?? "" };
  };
  const episode = await begin("parent@garden", "Let somebody write");
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  assert.match((await outputOf(episode)).output.text, /^Answer of the agent child:\nI have fs_read plan$/);
  assert.ok(!(await readdir(folder)).includes("child.md"));
});

test("an agent begins with the notes of its project as they stand, and writes some under what its file names", async () => {
  await write("keeper", { tools: '["notes.write"]', notes: '"project"' });
  await hub.post("/notes/garden", { topic: "watering", text: "Beans on Mondays." });
  await hub.post("/notes/garden", { topic: "pests", text: "Snails eat the salad." });
  script = ({ round, messages }) =>
    round < 2
      ? call("notes_write", { topic: "harvest", text: "Beans in June." })
      : { text: messages.find(({ role }) => role === "tool")?.content ?? "" };
  const first = await begin("keeper@garden", "Remember");
  assert.equal((await episodeEnded(hub, first)).status, "finished");
  const { text } = (await outputOf(first)).output;
  assert.match(text, /^Notes of garden:\n[^]*- watering: Beans on Mondays\./);
  const forgotten = await hub.send("DELETE /notes/garden?topic=watering");
  assert.equal(forgotten.status, 200, JSON.stringify(forgotten.body));
  const second = await begin("keeper@garden", "Remember");
  assert.equal((await episodeEnded(hub, second)).status, "finished");
  const later = (await outputOf(second)).output.text;
  assert.match(later, /- harvest: Beans in June\. \(agent:keeper@garden/);
  assert.doesNotMatch(later, /Mondays/);
});

test("an agent of a project is talked to, and knows what was said before", async () => {
  await write("chatty", { tools: files });
  script = ({ messages }) => ({
    text: `You said: ${messages
      .map(({ role, content }) => `${role} ${content}`)
      .slice(1)
      .join(" | ")}`,
  });
  const { conversation } = await hub.post("/chat/conversations", { project: "garden", agent: "chatty@garden" });
  for (const text of ["Hello", "And now?"]) {
    const sent = await hub.send("POST /chat/send", { conversation, text });
    assert.equal(sent.status, 200, JSON.stringify(sent.body));
    assert.match(String(sent.body), /"kind":"end"/);
  }
  const { messages } = await hub.get(`/chat/conversations/${conversation}`);
  const last = messages.at(-1);
  assert.equal(last.text, "You said: user Hello | assistant You said: user Hello | user And now?");
  assert.deepEqual([last.agent, last.isExtractive, last.spent.inputTokens], ["chatty@garden", false, 100]);
});

test("the ceilings of a file hold each run of it", async () => {
  await write("poor", { tools: files, budget: '["150 tokens/run"]' });
  script = ({ round }) => (round < 3 ? call("fs_list", { limit: round + 1 }) : { text: "done" });
  const episode = await begin("poor@garden", "Spend");
  // Not even its first question fits: nothing was done, and that is no run that finished.
  assert.equal((await episodeEnded(hub, episode)).status, "failed");
  const [failed] = await kindsOf(episode, "agents.run.failed");
  assert.match(failed.data.error, /150 tokens\/run/);
});

test("a paused run waits before its next step and goes on when it is resumed; a stopped one ends", async () => {
  await write("slow", { tools: files });
  const asked = Promise.withResolvers<void>();
  const reply = Promise.withResolvers<void>();
  script = async ({ round }) => {
    if (round > 0) return { text: "done" };
    asked.resolve();
    await reply.promise;
    return call("fs_list", {});
  };
  const episode = await begin("slow@garden", "Take your time");
  await asked.promise;
  assert.deepEqual(await hub.post("/agents/pause", { episode }), { episode, status: "paused" });
  reply.resolve();
  const isHeld = async (): Promise<true | undefined> =>
    (await kindsOf(episode, "observations.recorded")).length === 1 ? true : undefined;
  await until("the model's answer", isHeld);
  assert.equal((await hub.get(`/state/runs/${episode}`)).isPaused, true);
  assert.equal((await kindsOf(episode, "agents.run.paused")).length, 1);
  assert.deepEqual(await hub.post("/agents/resume", { episode }), { episode, status: "running" });
  assert.equal((await episodeEnded(hub, episode)).status, "finished");
  script = () => new Promise(() => {});
  const endless = await begin("slow@garden", "Never end");
  const isAsked = async (): Promise<true | undefined> =>
    (await hub.send(`GET /state/runs/${endless}`)).body.status === "running" ? true : undefined;
  await until("the run to begin", isAsked);
  assert.deepEqual(await hub.post("/agents/pause", { episode: endless }), { episode: endless, status: "paused" });
  assert.deepEqual(await hub.post("/agents/stop", { episode: endless }), { episode: endless, status: "cancelled" });
});

test("a file with faults is told with its lines, saved only when it holds, and keeps what it was before", async () => {
  const bad = 'about = "x"\ninstructions = "y"\ntools = ["fs.raed"]\ncielings = 3\n';
  const checked = await hub.post("/profiles/check", { text: bad });
  assert.deepEqual(
    checked.faults.map(({ line, hint }: Json) => [line, hint]),
    [
      [3, "did you mean fs.read?"],
      [4, "did you mean ceilings?"],
    ],
  );
  const { faults } = await hub.post("/profiles/check", {
    text: 'about = 3\ninstructions = "y"\nmodel = "nosuch"\ntools = ["fs.raed"]\nbudget = ["lots"]\nchildren = ["nobody", "me"]\n',
    file: join(await realpath(folder), ".arw/agents/me.toml"),
  });
  assert.deepEqual(
    faults.map(({ line, message }: Json) => [
      line,
      /a text|role nosuch|fs\.raed|lots|nobody@garden|itself/u.test(message),
    ]),
    [1, 3, 4, 5, 6, 6].map((line) => [line, true]),
  );
  const away = await hub.post("/profiles/check", { text: profile({ model: '"localhost:9/m"', tools: "[]" }) });
  assert.match(away.faults[0].message, /no model server localhost:9/u);
  const refused = await hub.send("PUT /projects/garden/agents/saved", { text: bad });
  assert.deepEqual([refused.status, refused.body.code], [422, "profiles.invalid"]);
  const good = profile({ tools: files });
  const first = await hub.send("PUT /projects/garden/agents/saved", { text: good, expectedDigest: null });
  assert.deepEqual([first.status, first.body.version, first.body.beforeRef], [200, 1, null]);
  const stale = await hub.send("PUT /projects/garden/agents/saved", { text: `${good}# 2\n`, expectedDigest: null });
  assert.equal(stale.body.code, "fs.changed");
  const { body: second } = await hub.send("PUT /projects/garden/agents/saved", {
    text: `${good}# 2\n`,
    expectedDigest: first.body.digest,
  });
  assert.deepEqual([second.version, second.beforeRef], [2, first.body.digest]);
  const { profiles } = await hub.get("/profiles?project=garden");
  assert.ok(profiles.some(({ agent, version }: Json) => agent === "saved@garden" && version === 2));
  const context = await hub.post("/profiles/context", { agent: "saved@garden", task: "Sum up" });
  assert.deepEqual(
    context.slots.map(({ slot }: Json) => slot),
    ["instructions", "plan", "history", "evidence", "reserve"],
  );
  const unknown = await hub.send("POST /agents/run", { agent: "nobody@garden", task: "x" });
  assert.equal(unknown.body.code, "agents.unknown-agent");
});

test("who asks for an agent whose file has faults, or for one that is nowhere, reads where and what", async () => {
  await write("typo", { tools: '["fs.raed"]' });
  const told = /typo@garden: \.arw\/agents\/typo\.toml, line 3: .*fs\.raed/u;
  const asked = { agent: "typo@garden", task: "x" };
  for (const [request, body] of [
    ["POST /agents/run", asked],
    ["POST /schedules", { name: "typo", every: "day", at: "07:30", ...asked }],
    ["GET /agents/typo@garden", undefined],
  ] as const) {
    const { status, body: answer } = await hub.send(request, body);
    assert.deepEqual([status, answer.code], [422, "profiles.invalid"], request);
    assert.match(answer.detail, told);
  }
  const { faulty } = await hub.get("/agents");
  const mine = faulty.find(({ agent }: Json) => agent === "typo@garden");
  assert.match(mine.fault, told);
  const nowhere = { name: "nope", watch: "/nope/nowhere", agent: "slow@garden", task: "x" };
  await write("slow", {});
  assert.equal((await hub.send("POST /schedules", nowhere)).body.code, "fs.not-found");
});

test("killed in any step and resumed, a run does nothing twice and answers the same", async () => {
  const own = await room.folder("killed", { "a.md": "A\n", "b.md": "B\n" });
  await mkdir(join(own, ".arw", "agents"), { recursive: true });
  await writeFile(join(own, ".arw", "agents", "worker.toml"), profile({ tools: files }));
  const steps: readonly Said[] = [
    call("fs_read", "{'path': 'a.md'}"),
    call("fs_write", { path: "out.md", text: "one\n" }),
    call("fs_read", { path: "b.md" }),
    { text: "Done with a.md:1." },
  ];
  for (const deadline of [1, 2]) {
    const stateDir = join(room.path, `killed-${deadline}`);
    await writeFile(join(own, "out.md"), "none\n");
    const held = Promise.withResolvers<void>();
    let isHeld = true;
    script = ({ round }) => {
      if (round === deadline && isHeld) {
        held.resolve();
        return new Promise(() => {});
      }
      return steps[round] ?? {};
    };
    const first = await startHub({ stateDir });
    await prepare(first, own);
    const episode = await begin("worker@garden", "Work", first);
    await held.promise;
    await first.kill("SIGKILL");
    isHeld = false;
    // The agent of today says something else; the run goes on with the one that it began with.
    await writeFile(join(own, ".arw", "agents", "worker.toml"), profile({ tools: "[]" }));
    await using next = await startHub({ stateDir });
    await next.post("/agents/resume", { episode });
    const row = await episodeEnded(next, episode);
    assert.equal(row.status, "finished", JSON.stringify(row));
    await writeFile(join(own, ".arw", "agents", "worker.toml"), profile({ tools: files }));
    assert.equal((await kindsOf(episode, "actions.applied", next)).length, 1);
    assert.equal((await kindsOf(episode, "agents.call.repaired", next)).length, 1);
    assert.equal(await readFile(join(own, "out.md"), "utf8"), "one\n");
    const { output } = await outputOf(episode, next);
    assert.deepEqual([output.text, output.citations], ["Done with a.md:1.", [{ path: "a.md", line: 1 }]]);
  }
}, 120_000);

test("`arw run NAME@PROJECT` with a sentence is all that a person types", async () => {
  await write("talker", { tools: files });
  script = () => ({ text: "Beans first." });
  const arw = (words: readonly string[]) => runArw(words, room);
  const ran = await arw(["run", "talker@garden", "What comes first?"]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /Beans first\.\n[^]*1 step, 100 tokens in, 10 out, 0 USD/);
  const checked = await arw(["agents", "check", join(folder, ".arw", "agents", "talker.toml")]);
  assert.deepEqual([checked.code, checked.stderr], [0, ""]);
  assert.match(checked.stdout, /It holds/);
  const context = await arw(["agents", "context", "talker@garden", "What comes first?"]);
  assert.match(context.stdout, /talker@garden asks chat: about \d+ of 16000 tokens/);
});

test("a schedule lets an agent with a model work, and holds it to the tools that it had when it was added", async () => {
  await write("keeper", { tools: '["fs.read"]' });
  script = ({ round }) =>
    round === 0 ? call("fs_read", { path: "beds.md" }) : { text: "Beans want water, beds.md:3." };
  const arw = (...words: readonly string[]) => runArw(["schedule", ...words], room);
  const added = await arw(
    "add",
    "beds",
    "--every",
    "day",
    "--at",
    "07:30",
    "--agent",
    "keeper@garden",
    "--task",
    "Look.",
  );
  assert.equal(added.code, 0, added.stderr);
  assert.equal((await arw("run", "beds")).code, 0);
  const { detail, status } = await until("the end of its run", async () => {
    const { last } = await hub.get("/schedules/beds");
    return last !== null && last.endedAtMs !== null ? last : undefined;
  });
  assert.deepEqual([status, detail], ["finished", "Beans want water, beds.md:3."]);
  await write("keeper", { tools: files });
  const again = await arw("run", "beds");
  assert.deepEqual([again.code, /Left out: keeper@garden has tools that it had not/.test(again.stderr)], [1, true]);
});
