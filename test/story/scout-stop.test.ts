/** A run that a person stops, and a hub that speaks to nobody outside while it works. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "vitest";
import { readEvents } from "./kit/event-reader.ts";
import { type Json, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { beginBrief, decide, episodeEnded, episodeRow, episodeWaits, kindsOf, storyOf } from "./kit/scout-run.ts";
import { until } from "./kit/until.ts";

/** Enough batches that a stop falls between two of them. */
const manyFiles = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `part-${index % 20}/note-${index}.md`,
      `# Note ${index}\n\n${`The ${index}th note says that the harvest of bed ${index % 7} was good. `.repeat(40)}\n`,
    ]),
  );

test("stop ends a run within one tool call and nothing follows", async () => {
  await using room = await createRoom();
  const folder = await room.folder("many", manyFiles(1500));
  await using hub = await startHub({ stateDir: room.stateDir });
  await using reader = await readEvents(hub, "?prefix=observations.,agents.");
  const { episode, taskId } = await beginBrief(hub, { folder, allowWrite: true });
  await reader.waitFor(
    "the run to read",
    (events) => events.filter((each) => each.data.recorded?.tool === "text.outline").length >= 2,
  );
  assert.match(await markedStop(hub, { episode, folder }), /\{"episode":"[^"]+","status":"cancelled"\}/);
  const row = await episodeRow(hub, episode);
  assert.equal(row?.status, "cancelled");
  assert.match(row?.outcome, /stopped by person:admin/);
  assert.equal(existsSync(join(folder, "brief.md")), false);
  const task = await until("the task to end", async () => {
    const found = await hub.get(`/tasks/${taskId}`);
    return found.status === "running" ? undefined : found;
  });
  assert.equal(task.status, "cancelled");
  const { story } = await storyOf(hub, episode);
  assert.equal(story.at(-1).kind, "agents.run.cancelled");
  const { events } = await hub.get("/events/journal?prefix=task.enqueued");
  const mark = events.find(({ data }: Json) => data.idemKey === "mark").seq;
  const late = story.filter(({ kind, seq }) => kind === "observations.recorded" && seq > mark);
  assert.ok(late.length <= 2, "at most the call under way ended after the stop");
  const again = await hub.send("POST /agents/stop", { episode });
  assert.deepEqual([again.status, again.body.code, again.body.status], [409, "agents.not-running", 409]);
  assert.match(again.body.detail, /is cancelled/);
  const unknown = await hub.send("POST /agents/stop", { episode: "nobody" });
  assert.deepEqual([unknown.status, unknown.body.code], [404, "arw.not-found"]);
});

/** A task and the stop in one packet: the event of the one tells when the other came. Answers what was said to both. */
async function markedStop({ url, token }: RunningHub, { episode, folder }: Json): Promise<string> {
  const { host, hostname, port } = new URL(url);
  const post = (path: string, body: object, connection: string): string => {
    const text = JSON.stringify(body);
    const lines = [
      `Host: ${host}`,
      `Authorization: Bearer ${token}`,
      "Content-Type: application/json",
      `Content-Length: ${text.length}`,
      `Connection: ${connection}`,
    ];
    return `POST ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${text}`;
  };
  const mark = { kind: "fs.list", payload: { folder }, delayMs: 3_000_000, idemKey: "mark" };
  const socket = connect(Number(port), hostname);
  socket.write(post("/tasks/enqueue", mark, "keep-alive") + post("/agents/stop", { episode }, "close"));
  let said = "";
  for await (const bytes of socket) said += String(bytes);
  return said;
}

test("stop withdraws the question that a run waits for", async () => {
  await using room = await createRoom();
  const folder = await room.sample("asked");
  await using hub = await startHub({ stateDir: room.stateDir });
  const { episode } = await beginBrief(hub, { folder });
  const { approvalId } = await episodeWaits(hub, episode);
  await hub.post("/agents/stop", { episode });
  const ended = await episodeEnded(hub, episode);
  assert.equal(ended.status, "cancelled");
  assert.deepEqual(ended.waitingApprovalIds, []);
  assert.equal((await hub.get(`/state/approvals/${approvalId}`)).status, "cancelled");
  const late = await hub.send(`POST /approvals/${approvalId}/decide`, { decision: "allow" });
  assert.equal(late.status, 409);
  assert.equal(existsSync(join(folder, "brief.md")), false);
  assert.equal((await kindsOf(hub, episode)).at(-1), "agents.run.cancelled");
});

test("a cancelled task stops its run too", async () => {
  await using room = await createRoom();
  const folder = await room.sample("task");
  await using hub = await startHub({ stateDir: room.stateDir });
  const { episode, taskId } = await beginBrief(hub, { folder });
  await episodeWaits(hub, episode);
  assert.deepEqual(await hub.post(`/tasks/${taskId}/cancel`, {}), { taskId, status: "cancelled" });
  assert.equal((await episodeEnded(hub, episode)).status, "cancelled");
});

test.runIf(process.platform === "linux")("a brief opens no socket to the outside and asks no name", async () => {
  await using room = await createRoom();
  const folder = await room.sample("quiet");
  const record = join(room.path, "connections.txt");
  await using hub = await startHub({
    stateDir: room.stateDir,
    nodeFlags: ["--import", join(import.meta.dirname, "kit", "record-connections.ts")],
    env: { ARW_TEST_CONNECTIONS: record },
  });
  const { episode } = await beginBrief(hub, { folder });
  const seen = new Set(await socketsOf(hub));
  const { approvalId } = await episodeWaits(hub, episode);
  for (const each of await socketsOf(hub)) seen.add(each);
  await decide(hub, approvalId, "allow");
  await until("the run to end", async () => {
    for (const each of await socketsOf(hub)) seen.add(each);
    return (await episodeRow(hub, episode))?.status === "finished" ? true : undefined;
  });
  assert.equal((await storyOf(hub, episode)).episode.status, "finished");
  const port = Number(new URL(hub.url).port);
  assert.ok(seen.size > 0, "at least the listener was seen");
  for (const socket of seen) {
    const [family = "", local = "", localPort = "", remote = "", state = ""] = socket.split(" ");
    assert.match(family, /^tcp6?$/, `a socket that is not TCP: ${socket}`);
    assert.equal(local, loopback, socket);
    assert.equal(Number.parseInt(localPort, 16), port, `neither the listener nor accepted by it: ${socket}`);
    assert.ok(remote === loopback || (state === listening && remote === "00000000"), socket);
  }
  const recorded = await readFile(record, "utf8");
  assert.match(recorded, /^watching\n/);
  const asked = recorded.split("\n").filter((line) => line !== "" && line !== "watching");
  const outside = asked.filter((line) => !/^dns\.lookup \["(127\.0\.0\.1|localhost)"/.test(line));
  assert.deepEqual(outside, []);
});

const loopback = "0100007F";
const listening = "0A";

/** What the process holds of the sockets of this machine, from the kernel's own tables. */
async function socketsOf(hub: RunningHub): Promise<string[]> {
  const inodes = new Set<string>();
  for (const descriptor of await readdir(`/proc/${hub.pid}/fd`)) {
    const target = await readlink(`/proc/${hub.pid}/fd/${descriptor}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  const found: string[] = [];
  for (const family of ["tcp", "tcp6", "udp", "udp6", "raw"]) {
    const table = await readFile(`/proc/${hub.pid}/net/${family}`, "utf8").catch(() => "");
    for (const line of table.split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (!inodes.has(fields[9] ?? "")) continue;
      const [local = "", localPort = ""] = (fields[1] ?? "").split(":");
      found.push([family, local, localPort, (fields[2] ?? "").split(":")[0], fields[3]].join(" "));
    }
  }
  return found;
}
