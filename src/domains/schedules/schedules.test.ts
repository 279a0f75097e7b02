import assert from "node:assert/strict";
import { test } from "vitest";
import { createFailingStore } from "../../../test/kit/journal.ts";
import { startMs, until } from "../../../test/kit/kernel.ts";
import { bellRecipe, createWorld, openSchedules, type ScheduleKit } from "../../../test/kit/schedules.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import { createManualClock } from "../../adapters/memory/clock.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import type { Caller } from "../../contract/caller.ts";
import type { Operation } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { Write as WriteFile } from "../fs/contract.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const hourly = { every: "hour", recipe: bellRecipe("ding") };
const refusal = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );

test("a schedule runs at its time as whoever made it, and tells how it ended", async () => {
  await using home = await openSchedules();
  const { state, nextDueMs, next } = await home.add("bell", hourly);
  assert.deepEqual([state, nextDueMs, next], ["waiting", startMs + hourMs, null]);
  await home.pass(hourMs - 1000);
  assert.deepEqual(home.rung, []);
  await home.pass(1000);
  assert.deepEqual(home.rung, ["ding"]);
  const row = await home.row("bell");
  assert.equal(row.nextDueMs, startMs + 2 * hourMs);
  assert.deepEqual([row.last?.status, row.last?.detail, row.last?.dueMs], ["finished", "rang", startMs + hourMs]);
  const [task] = home.said("task.enqueued") as unknown as { caller: Caller; corrId: string }[];
  assert.deepEqual(task?.caller, { kind: "person", id: "admin" });
  assert.equal(task?.corrId, row.last?.episode);
  await home.pass(3 * hourMs);
  assert.equal(home.rung.length, 4);
});

test("nothing waits where nothing is due, and one timer waits for the nearest", async () => {
  await using home = await openSchedules();
  const { clock } = home.kit;
  await home.pass(2000);
  await home.add("bell", { every: "2d", recipe: bellRecipe("a") });
  let wakes = 0;
  // A long wait is cut into minutes, for clocks that jump: one wake-up a minute, and no more with more schedules.
  for (let each = 0; each < 5; each += 1) await home.add(`bell-${each}`, { every: "3d", recipe: bellRecipe("a") });
  const began = clock.nowMs();
  while (clock.nowMs() < began + 10 * minuteMs) {
    await home.pass(Math.max(1, clock.nextInMs() ?? 1));
    wakes += 1;
  }
  assert.ok(wakes <= 11, `${wakes} wake-ups in ten minutes`);
  for (const name of ["bell", ...[0, 1, 2, 3, 4].map((each) => `bell-${each}`)])
    await home.kit.call("schedules.remove", { name });
  await home.pass(minuteMs);
  // The hub's own sweep comes each hour; a schedule would wake it each minute.
  assert.ok((clock.nextInMs() ?? Infinity) > 10 * minuteMs, "nothing is due, and nothing waits");
});

test("a time at which the last run goes is left out, and that is told", async () => {
  await using home = await openSchedules();
  await home.add("bell", hourly);
  home.hold(true);
  await home.pass(hourMs);
  assert.equal((await home.row("bell")).state, "running");
  await home.pass(hourMs);
  const { skipped, last } = await home.row("bell");
  assert.match(skipped?.reason ?? "", new RegExp(`has not ended: episode ${last?.episode}`, "u"));
  assert.equal(await refusal(home.kit.call("schedules.run", { name: "bell" })), "schedules.still-running");
  home.hold(false);
  await home.rest();
  await home.pass(hourMs);
  assert.equal(home.rung.length, 2);
  assert.equal((await home.row("bell")).skipped, null);
});

test("times that a hub slept through are told once and not made up in a crowd", async () => {
  const [disk, blobs, clock, world] = [
    createMemoryStore(),
    createMemoryBlobs({ sizeBytesMaxEach: 1e6 }),
    createManualClock(startMs),
    createWorld(),
  ];
  {
    await using home = await openSchedules({ store: createFailingStore(disk), blobs, clock, world });
    await home.add("bell", hourly);
    await home.add("eager", { ...hourly, recipe: bellRecipe("dong"), catchUp: true });
  }
  clock.setWall(startMs + 30 * hourMs + 10 * minuteMs);
  await using home = await openSchedules({ store: createFailingStore(disk), blobs, clock, world, seed: 2 });
  await home.pass(2000);
  const missed = home.said("schedules.missed");
  assert.deepEqual(
    missed.map(({ name, count, dueMs }) => [name, count, (dueMs as number[]).length]),
    [
      ["bell", 30, 20],
      ["eager", 30, 20],
    ],
  );
  assert.deepEqual(world.rung, ["dong"]);
  const bell = await home.row("bell");
  assert.deepEqual([bell.state, bell.next, bell.missed?.count], ["missed", "arw schedule run bell", 30]);
  assert.equal((await home.row("eager")).missed, null);
  // The next one comes at its time, and what was missed stays told until somebody makes it up.
  await home.pass(50 * minuteMs);
  assert.deepEqual(world.rung, ["dong", "ding", "dong"]);
  assert.equal((await home.row("bell")).state, "missed");
  await home.kit.call("schedules.run", { name: "bell" });
  await home.rest();
  assert.equal(world.rung.length, 4);
  assert.equal((await home.row("bell")).state, "waiting");
});

test("a clock that jumps ahead misses what it jumped over, and one that is set back repeats nothing", async () => {
  await using home = await openSchedules();
  const { clock } = home.kit;
  await home.add("bell", hourly);
  clock.setWall(startMs + 5 * hourMs + 30 * minuteMs);
  await home.pass(minuteMs);
  assert.deepEqual(
    home.said("schedules.missed").map(({ count }) => count),
    [5],
  );
  assert.equal((await home.row("bell")).state, "missed");
  await home.kit.call("schedules.continue", { name: "bell" });
  assert.deepEqual([(await home.row("bell")).state, home.rung.length], ["waiting", 0], "let go, and not made up");
  await home.pass(29 * minuteMs);
  assert.equal(home.rung.length, 1);
  clock.setWall(startMs + 2 * hourMs);
  await home.pass(3 * hourMs + 59 * minuteMs);
  assert.equal(home.rung.length, 1);
});

test("a halted hub begins nothing, and tells afterwards what it missed", async () => {
  await using home = await openSchedules();
  await home.add("bell", hourly);
  home.halt(true);
  await home.pass(3 * hourMs + 10 * minuteMs);
  assert.deepEqual(home.rung, []);
  home.halt(false);
  await home.pass(minuteMs);
  assert.deepEqual(
    home.said("schedules.missed").map(({ count }) => count),
    [3],
  );
  await home.pass(hourMs);
  assert.equal(home.rung.length, 1);
});

test("a pause holds until a person lets it go on, and a schedule that was removed is gone", async () => {
  await using home = await openSchedules();
  await home.add("bell", hourly);
  await home.kit.call("schedules.pause", { name: "bell" });
  assert.deepEqual([(await home.row("bell")).state, (await home.row("bell")).nextDueMs], ["paused", null]);
  await home.pass(5 * hourMs);
  await home.kit.call("schedules.continue", { name: "bell" });
  assert.equal((await home.row("bell")).nextDueMs, startMs + 6 * hourMs);
  await home.pass(hourMs);
  assert.equal(home.rung.length, 1);
  await home.kit.call("schedules.remove", { name: "bell" });
  await home.pass(2 * hourMs);
  assert.equal(home.rung.length, 1);
  assert.equal(await refusal(home.row("bell")), "arw.not-found");
  assert.deepEqual(home.said("schedules.missed"), []);
});

test("whatever a crash leaves, a due time is begun once", async () => {
  for (let commits = 0; commits <= 9; commits += 1) {
    const [disk, blobs, clock, world] = [
      createMemoryStore(),
      createMemoryBlobs({ sizeBytesMaxEach: 1e6 }),
      createManualClock(startMs),
      createWorld(),
    ];
    const store = createFailingStore(disk);
    {
      await using home = await openSchedules({ store, blobs, clock, world });
      await home.add("bell", hourly);
      store.failAfter(commits);
      await home.pass(hourMs);
    }
    await using home = await openSchedules({ store: createFailingStore(disk), blobs, clock, world, seed: 2 });
    await home.pass(minuteMs + 1000);
    const due = home.said("schedules.due").filter(({ dueMs }) => dueMs === startMs + hourMs);
    const tasks = home.said("task.enqueued");
    assert.deepEqual([due.length, tasks.length], [1, 1], `after ${commits} commits`);
    assert.ok(world.rung.length <= 2, "a read may be made again, the run is the same");
    assert.notEqual((await home.row("bell")).last?.status, "starting", `after ${commits} commits`);
  }
});

async function asked({ kit }: ScheduleKit): Promise<string> {
  const waiting = () => kit.events().findLast(({ kind }) => kind === "approvals.requested");
  await until(() => waiting() !== undefined, "a person is asked");
  const { approvalId } = Object(waiting()?.data) as { readonly approvalId: string };
  return approvalId;
}

test("a changed file of the recipe is shown to a person before it runs", async () => {
  await using home = await openSchedules();
  home.files.set("/r.toml", bellRecipe("ding"));
  await home.add("bell", { ...hourly, file: "/r.toml" });
  home.files.set("/r.toml", bellRecipe("DONG"));
  await home.pass(hourMs);
  assert.deepEqual(home.rung, []);
  const request = home.said("approvals.requested")[0] as { diff?: string; preview?: { diff?: string } };
  assert.match(JSON.stringify(request), /-input = .*ding[\s\S]*\+input = .*DONG/u);
  assert.equal((await home.row("bell")).state, "running");
  await home.kit.call("approvals.decide", { approvalId: await asked(home), decision: "allow" });
  await home.rest();
  assert.deepEqual(home.rung, ["DONG"]);
  await home.pass(hourMs);
  assert.deepEqual(home.rung, ["DONG", "DONG"], "it is taken over, and nobody is asked again");
});

test("a no to the changed file leaves that time out, and a file that is gone changes nothing", async () => {
  await using home = await openSchedules();
  home.files.set("/r.toml", bellRecipe("ding"));
  await home.add("bell", { ...hourly, file: "/r.toml" });
  home.files.set("/r.toml", bellRecipe("DONG"));
  await home.pass(hourMs);
  await home.kit.call("approvals.decide", { approvalId: await asked(home), decision: "deny" });
  await home.rest();
  const row = await home.row("bell");
  assert.deepEqual([home.rung.length, row.last?.status, row.state], [0, "cancelled", "waiting"]);
  home.files.delete("/r.toml");
  await home.pass(hourMs);
  assert.deepEqual(home.rung, ["ding"]);
});

test("only a person makes a schedule, and what could not run is refused while they are there", async () => {
  await using home = await openSchedules();
  const { kit } = home;
  const add = (input: object, caller?: Caller) => refusal(kit.call("schedules.add", { name: "x", ...input }, caller));
  assert.equal(await add(hourly, { kind: "agent", id: "scout", grants: [{ key: "*" }] }), "arw.denied");
  const reach = { token: "ci", keys: ["*"], isReadOnly: false };
  assert.equal(await add(hourly, { kind: "person", id: "ci", reach }), "arw.denied");
  assert.equal(await add({ every: "hour" }), "schedules.bad-work");
  assert.equal(await add({ every: "hour", recipe: "name = 1" }), "recipes.invalid");
  assert.equal(await add({ every: "hour", agent: "nobody", task: "work" }), "agents.unknown-agent");
  assert.equal(await add({ ...hourly, watch: "/f" }), "schedules.bad-work");
  assert.equal(await add({ recipe: hourly.recipe }), "schedules.bad-time");
  assert.equal(await add({ ...hourly, allow: ["fs.write"] }), "recipes.invalid", "allows what no step calls");
  assert.equal(await add(hourly), "ok");
  assert.equal(await add(hourly), "schedules.name-taken");
});

test("a folder that is not there yet is told when the schedule is made, which refuses nothing", async () => {
  const program = { id: "helper", about: "Helps.", model: "none", tools: [] } as const;
  const run = () => Promise.resolve({ outcome: "helped", notDone: [], output: null });
  await using home = await openSchedules({ programs: [{ ...program, run }] });
  const helped = { every: "hour", agent: "helper", task: "tidy up" };
  assert.deepEqual((await home.add("without", helped)).warnings, []);
  const [warning, ...more] = (await home.add("with", { ...helped, folder: "/absent" })).warnings;
  assert.match(warning ?? "", /^folder: .*\/absent.*; it has to be there when the schedule runs$/);
  assert.deepEqual([more, (await home.row("with")).state], [[], "waiting"]);
});

test("an agent is given its task, and what it may do without asking; with tools that it got since it does not run", async () => {
  const given: unknown[] = [];
  const tools: Operation[] = [];
  await using home = await openSchedules({
    programs: [
      {
        id: "helper",
        about: "Helps.",
        model: "none",
        tools,
        run: (input) => {
          given.push(input);
          return Promise.resolve({ outcome: "helped", notDone: [], output: null });
        },
      },
    ],
  });
  await home.add("help", { every: "hour", agent: "helper", task: "tidy up", folder: "/f", allow: ["fs.write"] });
  await home.pass(hourMs);
  assert.deepEqual(given, [{ task: "tidy up", folder: "/f" }]);
  const [started] = home.said("agents.run.started");
  assert.deepEqual(started?.["grants"], [{ key: "fs:write", folder: "/f" }]);
  assert.equal((await home.row("help")).last?.detail, "helped");
  tools.push(WriteFile);
  await home.pass(hourMs);
  assert.equal(given.length, 1);
  assert.match((await home.row("help")).skipped?.reason ?? "", /helper has tools that it had not .*: fs\.write/u);
});
