/** A permission with an end, through a real hub: given on the command line, used by a program, listed, and taken back. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { runArw } from "./kit/arw.ts";
import { type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";

let room: Room;
let hub: RunningHub;
let folder: string;
beforeAll(async () => {
  room = await createRoom();
  folder = join(room.path, "notes");
  await mkdir(folder);
  await writeFile(join(folder, "a.md"), "roses");
  hub = await startHub({ stateDir: room.stateDir });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

async function arw(...words: readonly string[]): Promise<string> {
  const { stdout, stderr } = await runArw(words, room);
  return stdout + stderr;
}

test("an agent's program reads the folder that a person leased to it, for as long as they did", async () => {
  const { token } = await hub.post("/access/tokens", { name: "scout", role: "agent", key: ["*"] });
  const headers = { authorization: `Bearer ${token}` };
  const read = () => hub.send("POST /fs/read", { folder, path: "a.md" }, headers);

  const closed = await read();
  assert.deepEqual([closed.status, closed.body.rule], [403, "policy.no-permit"]);
  const command: string = closed.body.next;
  assert.match(command, /^arw lease grant fs:read --holder agent:scout --folder \S+ --path a\.md --ttl 15m$/);

  // The very words of the refusal open it.
  assert.match(await arw(...command.split(" ").slice(1)), /fs:read.*agent:scout.*15 min left/);
  const open = await read();
  assert.deepEqual([open.status, open.body.text], [200, "roses"]);
  assert.equal((await hub.send("POST /fs/read", { folder, path: "b.md" }, headers)).body.rule, "policy.no-permit");

  const [lease] = (await hub.get("/leases")).leases;
  const explained = await hub.post("/policy/explain", {
    operation: "fs.read",
    caller: { kind: "agent", id: "scout" },
    input: { folder, path: "a.md" },
  });
  assert.equal(explained.verdict, "allow");
  assert.ok(explained.stages.some(({ rule }: { rule?: string }) => rule === `lease:${lease.leaseId}`));

  for (const [request, body] of [
    ["POST /leases", { capability: "*", holder: "agent:scout" }],
    ["GET /leases", undefined],
    [`DELETE /leases/${lease.leaseId}`, undefined],
  ] as const) {
    const answer = await hub.send(request, body, headers);
    assert.deepEqual([answer.status, answer.body.rule], [403, "built-in:person"], request);
  }

  assert.match(await arw("leases"), /fs:read/);
  assert.match(await arw("lease", "revoke", lease.leaseId.slice(-8)), /taken back/);
  assert.equal((await read()).body.rule, "policy.no-permit");
  assert.match(await arw("leases"), /Nothing is permitted/);
});

test("a stop takes every lease back, and a restarted hub gives none until it is released", async () => {
  await hub.post("/leases", { capability: "fs:read", holder: "agent:*", ttl: "7d" });
  await hub.post("/egress/leases", { host: "example.org" });
  assert.equal((await hub.get("/leases")).leases.length, 2);
  await hub.post("/halt", { reason: "lunch" });
  assert.deepEqual((await hub.get("/leases")).leases, []);
  const refused = await hub.call("POST", "/leases", { capability: "fs:read", holder: "agent:*" });
  assert.deepEqual([refused.status, refused.body.code], [503, "arw.halted"]);
  await hub.post("/halt/release", {});
  assert.deepEqual((await hub.get("/leases")).leases, []);
});
