/** What programs outside of the hub ask it to do is recorded: what they asked, what they were answered, and what was refused. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "vitest";
import { scriptedModel, serveScript } from "../kit/scripted-chat.ts";
import { type Json, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { until } from "./kit/until.ts";

/** All runs of this agent, oldest first, once there are so many and all have ended. */
const runsOf = (hub: RunningHub, agent: string, count: number): Promise<readonly Json[]> =>
  until(`${count} recorded calls of ${agent}`, async () => {
    const { items } = await hub.get("/state/episodes?limit=100");
    const own = items.filter((each: Json) => each.agent === agent && each.endedAtMs !== undefined);
    return own.length < count ? undefined : own.toSorted((a: Json, b: Json) => a.firstSeq - b.firstSeq);
  });

/** To its end: the journal shows what is on the disk, a moment after the views. */
const eventsOf = (hub: RunningHub, corr: string): Promise<readonly Json[]> =>
  until(`the end of ${corr} in the journal`, async () => {
    const { events } = await hub.get("/events/journal?limit=1000");
    const own = events.filter((each: Json) => each.corrId === corr).toSorted((a: Json, b: Json) => a.seq - b.seq);
    return /^agents\.run\.(?:finished|failed)$/.test(own.at(-1)?.kind) ? own : undefined;
  });

/** One call as it stands in the journal: what was asked, and what came of it. */
async function recordOf(hub: RunningHub, episode: string) {
  const events = await eventsOf(hub, episode);
  const told = events.find(({ kind }) => /^(?:observations|actions)\./.test(kind));
  const { asked, recorded, code } = told?.data ?? {};
  return { kinds: events.map(({ kind }) => kind), asked: asked?.value, result: recorded?.result, code };
}

test("calls of models and of tools from outside are episodes with question and answer, which can be exported", async () => {
  await using room = await createRoom();
  await using server = await serveScript(({ round }) => ({ text: `answer ${round}` }));
  await using hub = await startHub({ stateDir: room.stateDir });
  const named = scriptedModel(server);
  await hub.send(`PUT /models/servers/${named.server}`, { url: named.url });
  const messages = [{ role: "user", content: "password = hunter2hunter2, what now?" }];
  await hub.post("/v1/chat/completions", { model: named.model, messages });
  await hub.send("POST /v1/chat/completions", { model: named.model, messages, stream: true });
  const [plain, streamed] = await runsOf(hub, "admin", 2);
  const asked = await recordOf(hub, plain.id);
  assert.deepEqual(
    asked.kinds.filter((kind) => !kind.startsWith("egress.")),
    ["agents.run.started", "models.asked", "observations.recorded", "agents.run.finished"],
  );
  assert.equal(asked.result.text, "answer 0");
  assert.match(JSON.stringify(asked.asked.messages), /what now/);
  assert.ok(!JSON.stringify(await eventsOf(hub, plain.id)).includes("hunter2hunter2"), "redacted before it is kept");
  assert.deepEqual([plain.model, plain.models.asked, plain.status], [named.model, 1, "finished"]);
  const { result } = await recordOf(hub, streamed.id);
  assert.deepEqual(result.items.slice(0, 1), [{ kind: "text", text: "answer 0" }]);
  assert.equal(result.items.at(-1).kind, "end");

  const { token } = await hub.post("/access/tokens", { name: "helper", role: "agent", key: ["*"] });
  const headers = { authorization: `Bearer ${token}` };
  const sum = await hub.send("POST /calculator/evaluate", { expression: "6 * 7" }, headers);
  assert.equal(sum.status, 200, JSON.stringify(sum.body));
  const own = { folder: room.stateDir, path: "credentials" };
  assert.equal((await hub.send("POST /fs/read", own, headers)).status, 403);
  const [counted, refused] = await runsOf(hub, "helper", 2);
  const counting = await recordOf(hub, counted.id);
  assert.deepEqual([counting.asked, counting.result], [{ expression: "6 * 7" }, sum.body]);
  const no = await recordOf(hub, refused.id);
  assert.deepEqual([no.kinds.at(-2), no.asked, no.code], ["actions.refused", own, "arw.denied"]);

  for (const { id } of [plain, streamed, counted, refused]) {
    const file = join(room.path, `${id}.capsule`);
    await hub.post("/capsules/export", { episode: id, file });
    const { report }: Json = await hub.post("/capsules/replay", { capsule: file });
    assert.deepEqual([report.mode, report.verdict, report.steps], ["answers", "equal", { recorded: 1, replayed: 1 }]);
  }
});
