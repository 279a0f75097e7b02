/** `arw events tail` against real hubs: across their restarts and its own, and how it leaves. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { type Exit, type Json, launchProcess, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const cliMain = join(programRoot, "src", "app", "cli.ts");

type Started = ReturnType<typeof launchProcess>;
const arw = (room: Room, words: readonly string[]): Started =>
  launchProcess([cliMain, ...words], { env: { ARW_STATE_DIR: room.stateDir }, cwd: room.path });

const eventsOf = (text: string): Json[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const durable = (text: string): number[] => eventsOf(text).flatMap((event) => event.seq ?? []);

const makeEvents = async (hub: RunningHub, room: Room): Promise<number> => {
  for (let made = 0; made < 5; made += 1) {
    await hub.post("/tasks/enqueue", { kind: "fs.list", payload: { folder: room.path } });
  }
  return (await hub.get("/events/journal?limit=1")).headSeq;
};

const shows = (tail: Started, seq: number): Promise<true> =>
  until(`event ${seq} to be printed\n${tail.stderr()}`, () =>
    durable(tail.stdout()).includes(seq) ? true : undefined,
  );

async function interrupted(tail: Started): Promise<Exit> {
  tail.process.kill("SIGINT");
  const late = setTimeout(() => tail.process.kill("SIGKILL"), 30_000);
  const exit = await tail.exited;
  clearTimeout(late);
  return exit;
}

test("a tail survives a kill of the hub on another port, and a new one goes on where it stopped", async () => {
  await using room = await createRoom();
  const first = await startHub({ stateDir: room.stateDir });
  await makeEvents(first, room);
  const words = ["events", "tail", "--cursor", "here.json", "--replay", "5"];
  const tail = arw(room, words);
  const before = await until("the replay", () =>
    durable(tail.stdout()).length >= 5 ? durable(tail.stdout())[0] : undefined,
  );
  await shows(tail, await makeEvents(first, room));
  await first.kill("SIGKILL");
  await using hub = await startHub({ stateDir: room.stateDir });
  await shows(tail, await makeEvents(hub, room));
  const left = await interrupted(tail);
  assert.deepEqual([left.code, left.stderr], [0, ""]);
  const missed = await makeEvents(hub, room);
  const again = arw(room, words);
  await shows(again, missed);
  assert.equal((await interrupted(again)).code, 0);
  const printed = [...durable(left.stdout), ...durable(again.stdout())];
  const expected = Array.from({ length: printed.length }, (_none, index) => before + index);
  assert.deepEqual(printed, expected, "each event once, in order, with none between the two missing");
});

test("a second tail of the same cursor is refused and told who holds it; after a kill -9 it is free", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const words = ["events", "tail", "--cursor", "here.json", "--replay", "1", "--prefix", "SERVICE."];
  const holder = arw(room, words);
  await until("the first tail", () => (durable(holder.stdout()).length > 0 ? true : undefined));
  assert.deepEqual(
    eventsOf(holder.stdout()).map((event) => event.kind),
    ["service.opened"],
  );
  const second = await arw(room, words).exited;
  assert.equal(second.code, 1, second.stdout);
  assert.match(second.stderr, new RegExp(`here\\.json is being written by process ${holder.process.pid}`));
  holder.process.kill("SIGKILL");
  await holder.exited;
  const third = arw(room, ["events", "tail", "--cursor", "here.json"]);
  await shows(third, await makeEvents(hub, room));
  assert.equal((await interrupted(third)).code, 0);
});

test("without a hub a tail ends with 3 and a next step", async () => {
  await using room = await createRoom();
  const { code, stderr } = await arw(room, ["events", "tail"]).exited;
  assert.equal(code, 3, stderr);
  assert.match(stderr, /npm start/);
});

test("an import reads a relative path from where the person stands", async () => {
  await using room = await createRoom();
  await using other = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  await makeEvents(hub, room);
  const exported = await arw(room, ["journal", "export"]).exited;
  await writeFile(join(other.path, "taken.jsonl"), exported.stdout);
  const { code, stdout, stderr } = await arw(other, ["events", "import", "taken.jsonl", "--local", "--json"]).exited;
  assert.equal(code, 0, stderr);
  const last = eventsOf(stdout).at(-1);
  assert.deepEqual([last.stage, last.events, last.isChainProven], ["done", eventsOf(exported.stdout).length, true]);
});
