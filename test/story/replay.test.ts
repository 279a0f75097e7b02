/** Runs of one hub happen again on another: without their folder, their model, their clock or their language. */
import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { programFlags } from "../../bin/program-flags.mjs";
import { type Said, scriptedModel, serveScript } from "../kit/scripted-chat.ts";
import { type Json, launchProcess, programRoot, type RunningHub, startHub } from "./kit/hub-process.ts";
import { createRoom, type Room } from "./kit/room.ts";
import { beginBrief, decide, episodeEnded, episodeWaits } from "./kit/scout-run.ts";

const cliMain = join(programRoot, "src", "app", "cli.ts");
const call = (name: string, given: unknown): Said => ({ calls: [{ name, arguments: given }] });
const files = '["fs.list", "fs.read", "fs.write"]';
const agents = {
  helper: `tools = ${files}\nchildren = ["reader"]\n`,
  reader: `tools = ["fs.read"]\n`,
  careful: `tools = ${files}\nask = ["fs.write"]\n`,
  circler: `tools = ${files}\n`,
};
/** What the model says, by the task that it is given. */
const rounds: Readonly<Record<string, readonly Said[]>> = {
  "sum up": [
    call("plan", { text: "1. read 2. write" }),
    call("fs_read", "{'path': 'beds.md',}"),
    call("fs_read", { path: "../../etc/passwd" }),
    call("fs_read", { path: "long.md" }),
    call("delegate", { agent: "reader", task: "look closer" }),
    call("fs_write", { path: "summary.md", text: "Beans need water.\n" }),
    { text: "The beans need water, see beds.md:3." },
  ],
  "look closer": [call("fs_read", { path: "beds.md" }), { text: "Beans." }],
  write: [call("fs_write", { path: "careful.md", text: "x" }), { text: "I was told no." }],
  around: [],
};

interface Prepared {
  readonly hub: RunningHub;
  readonly room: Room;
  readonly folder: string;
}

async function prepare({ hub, folder }: Prepared, model: { server: string; url: string; model: string }) {
  await mkdir(join(folder, ".arw", "agents"), { recursive: true });
  for (const [name, lines] of Object.entries(agents)) {
    const words = 'about = "Helps in the garden."\ninstructions = "Keep the papers in order."\n';
    await writeFile(join(folder, ".arw", "agents", `${name}.toml`), `${words}${lines}`);
  }
  for (const [request, body] of [
    [`PUT /models/servers/${model.server}`, { url: model.url }],
    ["PUT /models/roles/chat", { models: [model.model] }],
    ["POST /projects", { project: "garden", folder }],
  ] as const)
    assert.equal((await hub.send(request, body)).status, 200);
}

async function begin(hub: RunningHub, agent: string, task: string): Promise<string> {
  const answer = await hub.send("POST /agents/run", { agent: `${agent}@garden`, task });
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  return answer.body.corrId;
}

/** A brief, an agent with a child, a no of a person, a loop that ends, and a run that is stopped; each as a capsule. */
async function recordRuns({ hub, room, folder }: Prepared): Promise<readonly string[]> {
  const brief = await beginBrief(hub, { folder, allowWrite: true });
  const helper = await begin(hub, "helper", "sum up");
  const careful = await begin(hub, "careful", "write");
  await decide(hub, (await episodeWaits(hub, careful)).approvalId, "deny");
  const circler = await begin(hub, "circler", "around");
  await decide(hub, (await episodeWaits(hub, circler)).approvalId, "deny");
  const stopped = await begin(hub, "careful", "write");
  await episodeWaits(hub, stopped);
  await hub.post("/agents/stop", { episode: stopped });
  const episodes = [brief.episode, helper, careful, circler, stopped];
  const capsules: string[] = [];
  for (const [place, episode] of episodes.entries()) {
    const row = await episodeEnded(hub, episode);
    assert.equal(row.status, place === 4 ? "cancelled" : "finished", JSON.stringify(row));
    const file = join(room.path, `${place}.capsule`);
    await hub.post("/capsules/export", { episode, file });
    capsules.push(file);
  }
  return capsules;
}

const own = (name: string): Readonly<Record<string, string>> =>
  name === "first"
    ? { TZ: "UTC", LANG: "C", LC_ALL: "C" }
    : { TZ: "Pacific/Auckland", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" };

async function firstHub(room: Room): Promise<readonly string[]> {
  const script = (said: readonly { readonly role: string; readonly content: string }[], round: number): Said => {
    const task = Object.keys(rounds).find((each) =>
      said.some(({ role, content }) => role === "user" && content === each),
    );
    return rounds[task ?? ""]?.[round] ?? call("fs_list", {});
  };
  await using server = await serveScript(({ messages, round }) => script(messages, round));
  await using hub = await startHub({ stateDir: room.stateDir, env: own("first") });
  const long = Array.from({ length: 9000 }, (_, line) => `Row ${line}: peas\n`).join("");
  const folder = await room.folder("garden", { "beds.md": "# Beds\n\nWater the beans.\n", "long.md": long });
  const prepared = { hub, room, folder };
  await prepare(prepared, scriptedModel(server));
  const capsules = await recordRuns(prepared);
  await rm(folder, { recursive: true });
  return capsules;
}

test("a run of one hub replays on another, elsewhere in the world, with nothing of what it worked with", async () => {
  await using room = await createRoom();
  const capsules = await firstHub(room);
  const record = join(room.path, "connections.txt");
  const stateDir = join(room.path, "elsewhere");
  await using hub = await startHub({
    stateDir,
    nodeFlags: ["--import", join(import.meta.dirname, "kit", "record-connections.ts")],
    env: { ...own("second"), ARW_TEST_CONNECTIONS: record },
  });
  for (const capsule of capsules) {
    const { report, table }: Json = await hub.post("/capsules/replay", { capsule });
    assert.deepEqual([report.verdict, report.divergence, table.isSame], ["equal", null, true], JSON.stringify(report));
    assert.ok(report.events.madeAgain > 3 && report.steps.replayed === report.steps.recorded, JSON.stringify(report));
    assert.equal(report.end, capsule === capsules.at(-1) ? "cancelled" : "finished");
  }
  const asked = (await readFile(record, "utf8")).split("\n").filter((line) => line !== "" && line !== "watching");
  assert.deepEqual(
    asked.filter((line) => !/^dns\.lookup \["(127\.0\.0\.1|localhost)"/.test(line)),
    [],
  );
  const env = { ARW_STATE_DIR: stateDir, ...own("second") };
  const { code, stdout, stderr } = await launchProcess([...programFlags, cliMain, "replay", "1.capsule"], {
    env,
    cwd: room.path,
  }).exited;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /✓ It happened again, event by event\./);
  assert.match(stdout, /\d+ events: \d+ made again and equal, \d+ taken from the record\./);
});
