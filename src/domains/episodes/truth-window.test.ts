import assert from "node:assert/strict";
import fc from "fast-check";
import { beforeEach, test } from "vitest";
import { createFailingStore, type JournalKit, openJournal } from "../../../test/kit/journal.ts";
import { runs } from "../../../test/kit/runs.ts";
import type { Envelope, EventDefinition } from "../../contract/event.ts";
import { event } from "../../contract/event.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import { RunFinished, RunStarted } from "../agents/contract.ts";
import { ApprovalDenied, ApprovalGranted, ApprovalRequested } from "../approvals/contract.ts";
import { ConfigApplied } from "../system/contract.ts";
import {
  ActionApplied,
  ActionFailed,
  ActionRefused,
  BeliefHeld,
  type Episode,
  episodeListsMax,
  ObservationRecorded,
  Show,
  Snapshot,
} from "./contract.ts";
import { episodeFilters, windowFilters } from "./filters.ts";
import { createEpisodes } from "./service.ts";
import { actions, beliefs, episodes, intents, observations } from "./views.ts";

const views = [observations, beliefs, intents, actions, episodes];
const id = "episode-1";
const folder = "/home/ada/garden";
const agent = "scout";
const digest = `sha256:${"0".repeat(64)}`;
const noted = event({ kind: "notes.taken", about: "x", data: closed({ error: Type.Unknown() }) });

let kit: JournalKit;
beforeEach(() => {
  kit = openJournal(views, createFailingStore());
});

const tell = (definition: EventDefinition, data: object, caller = "scout"): Promise<Envelope> =>
  kit.emit(definition, data, {
    corrId: id,
    caller: caller === "admin" ? { kind: "person", id: "admin" } : { kind: "agent", id: caller },
  });
const begin = (): Promise<Envelope> =>
  tell(RunStarted, { agent, model: "none", title: "Brief", folder, input: {}, grants: [] });
const recorded = (result: unknown, step = 1) => ({
  step,
  tool: "fs.write",
  argsDigest: digest,
  resultRef: digest,
  resultSizeBytes: 2,
  ...(result === undefined ? {} : { result }),
  kept: result === undefined ? "blob" : "inline",
  atMs: 1,
  durationMs: 1,
});
const applied = (path: string, result: unknown) =>
  tell(ActionApplied, { agent, summary: `wrote ${path.slice(0, 80)}`, folder, path, recorded: recorded(result) });
const asked = (approvalId: string, more: object = {}) =>
  tell(ApprovalRequested, {
    approvalId,
    operation: "fs.write",
    key: "fs:write",
    input: { text: "long" },
    argsDigest: digest,
    caller: { kind: "agent", id: "scout" },
    rule: "ask-before-change",
    summary: "write",
    diff: "+ long",
    canUndo: true,
    expiresAtMs: 9,
    isResumable: false,
    ...more,
  });
const row = (): Episode => kit.views.get(episodes, id) ?? assert.fail("no row");

const operations = () =>
  new Map(
    createEpisodes({ parts: { kernel: kit } as never }).operations.map((each) => [
      each.operation.id,
      each.run as never,
    ]),
  );
const call = <O extends typeof Show | typeof Snapshot>(operation: O, input: object): Promise<Static<O["output"]>> =>
  (operations().get(operation.id) as unknown as (input: object) => Promise<Static<O["output"]>>)(input);

test("a row names who took part, what it touched, what was decided, and how questions ended", async () => {
  await begin();
  await asked("a1");
  await tell(ApprovalGranted, { approvalId: "a1" }, "admin");
  await applied("brief.md", { sizeBytes: 120 });
  await applied("brief.md", { sizeBytes: 140 });
  await applied("big.bin", undefined);
  await asked("a2");
  await tell(ApprovalDenied, { approvalId: "a2", reason: "no" }, "admin");
  const refused = { agent, step: 3, tool: "fs.write", summary: "write", folder: "/home/ada/shed", argsDigest: digest };
  const denied = await tell(ActionRefused, { ...refused, code: "arw.denied", rule: "fs:write", reason: "no" });
  const { actors, projects, decisions, approvals, files, refusals, tokens, costUsd, firstKind, kinds } = row();
  assert.deepEqual(
    [actors, projects],
    [
      ["agent:scout", "person:admin"],
      [folder, "/home/ada/shed"],
    ],
  );
  assert.deepEqual(
    decisions.map(({ rule, decision }) => [rule, decision]),
    [
      ["ask-before-change", "ask"],
      ["ask-before-change", "ask"],
      ["fs:write", "deny"],
    ],
  );
  assert.equal(decisions.at(-1)?.seq, denied.seq);
  assert.deepEqual(
    approvals.map(({ approvalId, outcome }) => [approvalId, outcome]),
    [
      ["a1", "granted"],
      ["a2", "denied"],
    ],
  );
  assert.deepEqual(
    files.map(({ path, sizeBytes }) => [path, sizeBytes]),
    [
      ["brief.md", 140],
      ["big.bin", "unknown"],
    ],
  );
  assert.deepEqual([refusals, tokens, costUsd, firstKind], [1, 0, 0, "agents.run.started"]);
  assert.deepEqual(kinds.find(({ kind }) => kind === "actions.applied")?.count, 3);
});

test("an `error: null` is no error; every other one counts, and the first are named", async () => {
  await begin();
  await tell(noted, { error: null });
  assert.deepEqual([row().errors, row().errorItems], [0, []]);
  await tell(noted, { error: { code: "notes.torn", detail: "torn in two" } });
  const failed = { agent, step: 1, tool: "fs.read", summary: "read", argsDigest: digest };
  await tell(ActionFailed, { ...failed, code: "fs.not-found", error: "gone" });
  for (let more = 0; more < episodeListsMax.errorItems; more += 1) await tell(noted, { error: `again ${more}` });
  const { errors, errorItems } = row();
  assert.equal(errors, episodeListsMax.errorItems + 2);
  assert.deepEqual(
    errorItems.slice(0, 2).map(({ code, text }) => [code, text]),
    [
      ["notes.torn", "torn in two"],
      ["fs.not-found", "gone"],
    ],
  );
  assert.equal(errorItems.length, episodeListsMax.errorItems);
});

test("lists are bounded, and what has no room is counted", async () => {
  await begin();
  for (let index = 0; index < 40; index += 1) {
    await applied(`file-${index}.md`, { sizeBytes: index });
    await asked(`a${index}`, { folder: `/home/ada/${index}` });
    await tell(noted, { error: null }, `agent-${index}`);
  }
  await applied(`${"x".repeat(2000)}.md`, { sizeBytes: 1 });
  const { files, filesMore, approvals, approvalsMore, decisions, decisionsMore, actors, projects } = row();
  assert.deepEqual(
    [files.length, filesMore, approvals.length, approvalsMore, decisions.length, decisionsMore],
    [32, 9, 32, 8, 32, 8],
  );
  assert.deepEqual([actors.length, row().actorsMore, projects.length, row().projectsMore], [16, 25, 16, 25]);
});

test("an episode of 20,000 events keeps all its parts, in its story and in its snapshot, and its row stays small", async () => {
  const events = 20_000;
  await begin();
  await Promise.all(
    Array.from({ length: events }, (_none, index) =>
      index % 2 === 0
        ? tell(BeliefHeld, { agent, statement: `belief ${index}`, sources: [], topic: "t" })
        : tell(ObservationRecorded, { agent, summary: `read ${index}`, recorded: recorded({ n: index }) }),
    ),
  );
  await tell(RunFinished, { agent, outcome: "done", notDone: [] });
  const told: number[] = [];
  for (let afterSeq: number | null = 0; afterSeq !== null; ) {
    const page: Static<typeof Show.output> = await call(Show, { id, afterSeq, limit: 5000 });
    told.push(...page.story.map((line) => line.seq));
    afterSeq = page.nextAfterSeq;
  }
  assert.deepEqual(
    told,
    Array.from({ length: events + 2 }, (_none, index) => index + 1),
  );
  const parts: number[] = [];
  for (let afterSeq: number | null = 0; afterSeq !== null; ) {
    const page: Static<typeof Snapshot.output> = await call(Snapshot, { id, afterSeq, limit: 5000 });
    parts.push(...[...page.observations, ...page.beliefs].map((each) => each.seq).toSorted((a, b) => a - b));
    afterSeq = page.nextAfterSeq;
  }
  assert.deepEqual(parts, told.slice(1, -1));
  assert.ok(JSON.stringify(row()).length < 2000, "the row does not grow with its events");
  assert.deepEqual([row().counts.observations, row().counts.beliefs], [events / 2, events / 2]);
});

test("a snapshot is the row as it was, with its parts up to there, and the configuration that the episode began under", async () => {
  const value = (port: number) => [{ key: "server.port", value: port, source: "file" as const, from: "config.toml:3" }];
  await kit.emit(ConfigApplied, { version: "1.0.0", digest, values: value(1) });
  const before = await kit.emit(ConfigApplied, { version: "1.0.0", digest, values: value(2) });
  await begin();
  const rows: Episode[] = [row()];
  await asked("a1");
  rows.push(row());
  await kit.emit(ConfigApplied, { version: "1.0.0", digest, values: value(3) });
  await tell(ApprovalGranted, { approvalId: "a1" }, "admin");
  rows.push(row());
  await applied("brief.md", { sizeBytes: 7, secretive: true });
  rows.push(row());
  for (const expected of rows) {
    const { episode, configuration, approvals, actions: done } = await call(Snapshot, { id, at: expected.lastSeq });
    assert.deepEqual(episode, expected);
    assert.deepEqual(configuration, {
      seq: before.seq,
      timeMs: before.timeMs,
      version: "1.0.0",
      values: value(2),
    });
    assert.equal(approvals.length + done.length, expected.lastSeq === 3 ? 0 : rows.indexOf(expected));
  }
  const now = await call(Snapshot, { id });
  assert.deepEqual(now.episode, row());
  const shown = JSON.stringify([now.approvals, now.actions]);
  assert.ok(!shown.includes("secretive") && !shown.includes("+ long"), "results and diffs stay where they are");
  for (const [input, code] of [
    [{ id, at: 2 }, "arw.not-found"],
    [{ id: "nobody" }, "arw.not-found"],
    [{ id, at: 99 }, "arw.invalid-input"],
  ] as const)
    await assert.rejects(call(Snapshot, input), (error) => isProblem(error) && error.definition.code === code);
});

test("at every position a snapshot equals the view as it was then", async () => {
  const step = fc.constantFrom("observe", "ask", "allow", "fail", "write", "other");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      kit = openJournal(views, createFailingStore());
      await begin();
      for (const [index, each] of steps.entries()) {
        if (each === "observe")
          await tell(ObservationRecorded, { agent, summary: "read", folder, recorded: recorded(1) });
        if (each === "ask") await asked(`a${index}`);
        if (each === "allow") await tell(ApprovalGranted, { approvalId: `a${index - 1}` }, "admin");
        if (each === "fail") await tell(noted, { error: `e${index}` });
        if (each === "write") await applied(`f${index % 3}`, { sizeBytes: index });
        if (each === "other") await kit.emit(noted, { error: "elsewhere" }, { corrId: "other" });
      }
      for (let at = 1; at <= kit.journal.headSeq(); at += 1) {
        const then = (await kit.views.at(episodes, at)).get(id);
        assert.deepEqual((await call(Snapshot, { id, at })).episode, then);
      }
    }),
    runs(20),
  );
});

test("filters of episodes find by who, what, where, when and words", async () => {
  await begin();
  await applied("garden/brief.md", { sizeBytes: 1 });
  await tell(noted, { error: "The hose is torn" });
  await tell(ApprovalGranted, { approvalId: "gone" }, "admin");
  const found = (name: string, value: unknown): boolean =>
    episodeFilters[name]?.matches(row(), value as never) ?? assert.fail(name);
  const hits = [
    ["actor", "agent:scout"],
    ["actor", "admin"],
    ["agent", "scout"],
    ["kind", "Actions."],
    ["folder", "/home/ada"],
    ["folder", `${folder}/`],
    ["text", "HOSE"],
    ["text", "brief.MD"],
    ["errorsOnly", true],
    ["status", "running"],
    ["since", row().startedAtMs],
  ] as const;
  const misses = [
    ["actor", "robin"],
    ["agent", "scou"],
    ["kind", "beliefs."],
    ["folder", "/home/ad"],
    ["folder", `${folder}/beds`],
    ["text", "rake"],
    ["status", "finished"],
    ["since", row().startedAtMs + 1],
  ] as const;
  for (const [name, value] of hits) assert.ok(found(name, value), `${name} ${String(value)}`);
  for (const [name, value] of misses) assert.ok(!found(name, value), `${name} ${String(value)}`);
});

test("filters of the window find by agent, actor, kind, time, folder and words", async () => {
  await begin();
  const { seq } = await applied("brief.md", { sizeBytes: 1 });
  const [only] = kit.views.list(actions, { limit: 5 }).rows;
  assert.ok(only);
  assert.equal(only.row.seq, seq);
  const found = (name: string, value: unknown): boolean =>
    windowFilters[name]?.matches(only.row, value as never) ?? assert.fail(name);
  for (const [name, hit, miss] of [
    ["corr", id, "other"],
    ["agent", "scout", "scou"],
    ["actor", "scout", "admin"],
    ["kind", "actions.app", "actions.f"],
    ["since", only.row.timeMs, only.row.timeMs + 1],
    ["folder", folder, "/home/ada/gard"],
    ["text", "WROTE", "read"],
    ["text", "fs.write", "fs.read"],
  ] as const)
    assert.deepEqual([found(name, hit), found(name, miss)], [true, false], name);
});
