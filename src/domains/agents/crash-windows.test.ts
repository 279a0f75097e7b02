import assert from "node:assert/strict";
import { beforeAll, test } from "vitest";
import { createFailingStore, type FailingStore } from "../../../test/kit/journal.ts";
import { domainOf, type Kit, makeKernel, turn, until } from "../../../test/kit/kernel.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import { bind, op } from "../../contract/operation.ts";
import { isProblem, Problem, problem } from "../../contract/problem.ts";
import { closed, Type } from "../../contract/schema.ts";
import { type EndedTask, endedTasks } from "../../contract/task.ts";
import type { AgentProgram } from "./contract.ts";
import { runs } from "./views.ts";

const Torn = problem({ code: "paper.torn", status: 409, title: "Torn", about: "x" });
const Read = op({
  id: "paper.read",
  http: "POST /paper/read",
  effect: "read",
  about: "x",
  input: closed({ page: Type.Integer() }),
  output: closed({ text: Type.String() }),
  problems: [Torn],
});
const defect = "a hole in the paper";

/** Reads two pages; page 7 is torn, and page 8 meets a defect of the agent's own. */
const reader: AgentProgram = {
  id: "reader",
  about: "x",
  model: "none",
  tools: [Read],
  async run(input, tools) {
    const { page } = input as { page: number };
    const first = await tools.call(Read, { page }, "Read a page");
    if (page === 8) throw new TypeError(defect);
    const second = await tools.call(Read, { page: page + 1 }, "Read the next page");
    return { outcome: "read", notDone: ["page 9"], output: [first.text, second.text] };
  },
};

interface Place {
  readonly disk: ReturnType<typeof createMemoryStore>;
  readonly blobs: ReturnType<typeof createMemoryBlobs>;
}
const newPlace = (): Place => ({
  disk: createMemoryStore(),
  blobs: createMemoryBlobs({ sizeBytesMaxEach: 1_000_000 }),
});
const open = (
  { disk, blobs }: Place,
  store: FailingStore = createFailingStore(disk),
  more: { readonly workers?: number; readonly gate?: Promise<void> } = {},
): Promise<Kit> =>
  makeKernel({
    store,
    blobs,
    programs: [reader],
    ...(more.workers === undefined ? {} : { workers: more.workers }),
    domains: () => [
      domainOf("paper", {
        operations: [
          bind(Read, async ({ page }) => {
            await more.gate;
            if (page === 7) throw new Problem(Torn, "it is torn");
            return { text: `page ${page}` };
          }),
        ],
      }),
    ],
  });
const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 40; turns += 1) await turn();
};
const runInput = (page: number) => ({
  agent: "reader",
  title: "Read",
  input: { page },
  grants: [{ key: "paper:*" }],
});

interface Ended {
  readonly run: string | undefined;
  readonly task: Partial<EndedTask> | undefined;
  readonly kinds: readonly string[];
}

/** How a run and its task stand when the process died after so many commits and the next one was left in peace. */
async function killedAfter(commits: number, page: number): Promise<Ended | null> {
  const place = newPlace();
  const store = createFailingStore(place.disk);
  const first = await open(place, store);
  store.failAfter(commits);
  const accepted = await first.call("agents.run", runInput(page)).then(
    ({ corrId }) => corrId,
    () => null,
  );
  await settle();
  if (accepted === null) return null;
  await using kit = await open(place);
  await settle();
  const task = kit.kernel.views.list(endedTasks, { limit: 10 }).rows.find(({ row }) => row.corrId === accepted)?.row;
  return { run: kit.kernel.views.get(runs, accepted)?.status, task, kinds: kit.kinds() };
}

const wholeOf = ({ run, task }: Ended) => ({ run, status: task?.status, output: task?.output, code: task?.code });

/** Whatever is loaded late is loaded now, so that a few turns of the event loop tell how a kill went. */
beforeAll(async () => {
  await using kit = await open(newPlace());
  await kit.call("agents.run", runInput(1));
  await kit.next("task.finished", () => true);
});

const eachKill = Array.from({ length: 12 }, (_none, commits) => commits);

for (const [page, expected] of [
  [1, { run: "finished", status: "finished", code: undefined }],
  [7, { run: "failed", status: "failed", code: "agents.run-failed" }],
  [8, { run: "failed", status: "failed", code: "arw.internal" }],
] as const) {
  test(`whenever the hub is killed, the task of a run ends as the run ended (page ${page})`, async () => {
    const undisturbed = await killedAfter(1_000_000, page);
    assert.ok(undisturbed);
    const { output, ...whole } = wholeOf(undisturbed);
    assert.deepEqual(whole, expected);
    const seen = new Set<string>();
    for (const commits of eachKill) {
      const ended = await killedAfter(commits, page);
      if (ended === null) continue;
      seen.add(String(ended.run));
      if (ended.run === "interrupted") assert.equal(ended.task?.code, "arw.interrupted");
      else assert.deepEqual(wholeOf(ended), { ...whole, output }, `killed after ${commits} commits`);
      assert.equal(ended.kinds.filter((kind) => kind === "agents.run.started").length, 1, "every run is told once");
    }
    assert.deepEqual(seen, new Set([expected.run, "interrupted"]));
  });
}

/** Two runs that stand in their first tool call when the hub dies. */
async function interruptedRuns(place: Place): Promise<readonly [string, string]> {
  const store = createFailingStore(place.disk);
  const never = new Promise<void>(() => {});
  const first = await open(place, store, { gate: never });
  const [one, two] = [await first.call("agents.run", runInput(1)), await first.call("agents.run", runInput(2))];
  await until(() => first.kinds().filter((kind) => kind === "agents.run.started").length === 2, "both runs begin");
  store.failWith("failed");
  return [one.corrId, two.corrId];
}
const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : error),
  );

test("a resume answers once the run is running for everybody, and twice at once resumes once", async () => {
  const place = newPlace();
  const [episode] = await interruptedRuns(place);
  await using kit = await open(place);
  const both = [kit.call("agents.resume", { episode }), kit.call("agents.resume", { episode })];
  const codes = await Promise.all(both.map(codeOf));
  assert.deepEqual(codes, ["ok", "agents.not-interrupted"]);
  assert.notEqual(kit.kernel.views.get(runs, episode)?.status, "interrupted");
  await kit.next("task.finished", (each) => each.corrId === episode);
  assert.equal(kit.kinds().filter((kind) => kind === "agents.run.resumed").length, 1);
});

test("a resumed run that no worker took goes on after a kill, and can be stopped before", async () => {
  for (const how of ["kill", "stop"] as const) {
    const place = newPlace();
    const [episode, other] = await interruptedRuns(place);
    const store = createFailingStore(place.disk);
    const gate = new Promise<void>(() => {});
    const busy = await open(place, store, { workers: 1, gate });
    await busy.call("agents.resume", { episode: other });
    await settle();
    const { outcome } = await busy.call("agents.resume", { episode });
    assert.deepEqual(outcome, { kind: "answer", output: { episode, status: "running" } });
    if (how === "stop") {
      await busy.call("agents.stop", { episode });
      assert.equal(busy.kernel.views.get(runs, episode)?.status, "cancelled");
    }
    store.failWith("failed");
    await using kit = await open(place);
    await settle();
    const status = (id: string) => kit.kernel.views.get(runs, id)?.status;
    assert.deepEqual([status(episode), status(other)], [how === "kill" ? "finished" : "cancelled", "interrupted"]);
  }
});
