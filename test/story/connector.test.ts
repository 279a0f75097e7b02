/** The example connector against a real hub: stopped in the middle, and with work that fails, it loses nothing. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "vitest";
import { cleanEnvironment, type Json, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom } from "./kit/room.ts";
import { until } from "./kit/until.ts";

const connector = join(programRoot, "examples", "connector.mjs");
const linesMax = 60;

interface Line {
  readonly seq: number;
  readonly kind: string;
}

function startConnector(hub: RunningHub, file: string): ChildProcess & AsyncDisposable {
  const env = cleanEnvironment({ ARW_URL: hub.url, ARW_ADMIN_TOKEN: hub.token, ARW_CONSUMER: "mirror" });
  const child = spawn(process.execPath, [connector, file], { env, stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  });
}

/** A line that a kill cut short was never acknowledged, so it comes again. */
async function linesOf(file: string): Promise<Line[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => (line.endsWith("}") ? [JSON.parse(line) as Line] : []));
}

async function journalOf(hub: RunningHub): Promise<Line[]> {
  const { events } = await hub.get("/events/journal?limit=1000");
  return (events as Line[]).filter((event) => !event.kind.startsWith("consumers.")).toReversed();
}

const someBrief = async (hub: RunningHub): Promise<void> => {
  const { folder } = await hub.post("/scout/sample", {});
  const { corrId } = await hub.post("/scout/brief", { folder });
  await until("the brief to ask for its write", async () => {
    const { items } = await hub.get("/state/approvals");
    return items.find((row: Json) => row.corrId === corrId);
  });
};

test("it fits on a screen", async () => {
  const lines = (await readFile(connector, "utf8")).trimEnd().split("\n").length;
  assert.ok(lines <= linesMax, `${lines} lines`);
});

test("killed half-way, it goes on where it was: every event arrives, in order, and next to none twice", async () => {
  await using room = await createRoom();
  await using hub = await startHub({ stateDir: room.stateDir });
  const file = join(room.path, "not", "yet", "there", "events.jsonl");

  {
    await using first = startConnector(hub, file);
    await until("a failed message to be given back", async () => {
      const { events } = await hub.get("/events/journal?prefix=consumers.returned");
      return events.length > 0 || undefined;
    });
    await mkdir(dirname(file), { recursive: true });
    await someBrief(hub);
    await until("half of the work", async () => (await linesOf(file)).length >= 10 || undefined);
    assert.equal(first.exitCode, null);
  }
  const before = await linesOf(file);
  await someBrief(hub);

  await using second = startConnector(hub, file);
  const expected = await journalOf(hub);
  const lines = await until("the rest", async () => {
    const found = await linesOf(file);
    return new Set(found.map((line) => line.seq)).size >= expected.length ? found : undefined;
  });
  assert.equal(second.exitCode, null);
  assert.ok(before.length < expected.length, "it was killed before the end");
  const all = [...new Set(lines.map((line) => line.seq))];
  assert.deepEqual(
    all.toSorted((a, b) => a - b),
    expected.map((event) => event.seq),
  );
  assert.ok(lines.length - all.length <= 1, `${lines.length - all.length} came twice`);
  const state = await until("everything to be acknowledged", async () => {
    const row = await hub.get("/state/consumers/mirror");
    return row.floorSeq >= (expected.at(-1)?.seq ?? 0) ? row : undefined;
  });
  assert.equal(state.buriedCount, 0);
  second.kill("SIGTERM");
  await until("a clean end", () => (second.exitCode === null ? undefined : true));
  assert.equal(second.exitCode, 0);
});
