import assert from "node:assert/strict";
import { test } from "vitest";
import { type Kit, type KitOptions, makeKernel } from "../../../test/kit/kernel.ts";
import { createMemoryStore } from "../../adapters/memory/store.ts";
import { createMemoryFolders } from "../../adapters/files/memory-folder.ts";
import { createRedactor } from "../../base/redact.ts";
import type { Caller, Label } from "../../contract/caller.ts";
import { isProblem } from "../../contract/problem.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { AgentProgram } from "../agents/contract.ts";
import { createFolderReader } from "../fs/reader.ts";
import { createFs } from "../fs/service.ts";
import { Erased } from "../journal/contract.ts";
import { createJournalKeeper } from "../journal/service.ts";
import { erase } from "../journal/retention.ts";
import { createProjects } from "../projects/service.ts";
import { Read, type ReadNote, Write } from "./contract.ts";
import { createNotes, type NotesDeps } from "./service.ts";

const secret = "tulip-4711-quiet-harbour";

type Eraser = NotesDeps["erase"];
const erasing =
  (parts: KernelParts): Eraser =>
  (events, ctx) =>
    erase(parts, events, ctx);

function house(parts: KernelParts, eraser: Eraser = erasing(parts)) {
  const redactor = createRedactor({ secrets: [secret] });
  const folders = createMemoryFolders();
  for (const name of ["garden", "cellar"]) folders.tree(`/home/ada/${name}`).put("a.md", "x");
  const reader = createFolderReader({ folders, redactor });
  const nothing = null as never;
  return [
    createFs({ reader, recorder: () => parts.recorder }),
    createProjects({ parts }),
    createNotes({ parts, redactor, erase: eraser }),
    createJournalKeeper({ parts, clock: { soon: setImmediate }, files: nothing, rules: [], frontier: () => 0 }),
  ];
}

async function open(options: KitOptions = {}): Promise<Kit> {
  const kit = await makeKernel({ ...options, domains: (parts) => house(parts) });
  await kit.call("projects.create", { project: "garden", folder: "/home/ada/garden" });
  return kit;
}
interface Given {
  readonly as?: Caller;
  readonly [field: string]: unknown;
}
async function answer<T>(kit: Kit, operationId: string, { as, ...input }: Given): Promise<T> {
  const { outcome } = await kit.call(operationId, { project: "garden", ...input }, as);
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: T }).output;
}
const note = (kit: Kit, topic: string, text: string) => answer(kit, "notes.write", { topic, text });
const texts = async (kit: Kit, operationId = "notes.read", input: Given = {}): Promise<string[]> =>
  (await answer<{ notes: ReadNote[] }>(kit, operationId, input)).notes.map(({ topic, text }) => `${topic}: ${text}`);
const code = (expected: string) => (error: unknown) => isProblem(error) && error.definition.code === expected;
const agent = (labels: readonly Label[]): Caller => ({
  kind: "agent",
  id: "helper",
  grants: [{ key: "notes:*", project: "garden" }],
  labels: [...labels],
});

test("a newer statement of a topic supersedes the older one, which only its history shows", async () => {
  await using kit = await open();
  await note(kit, "Watering", "daily");
  await note(kit, "  watering ", "weekly");
  await note(kit, "roses", `prune in March, ${secret}`);
  const [roses, ...others] = await texts(kit);
  assert.match(roses ?? "", /^roses: prune in March, (?!.*tulip)/);
  assert.deepEqual(others, ["watering: weekly"]);
  assert.deepEqual(await texts(kit, "notes.read", { topic: "WATERING" }), ["watering: weekly"]);
  assert.deepEqual(await texts(kit, "notes.history", { topic: "watering" }), ["watering: weekly", "Watering: daily"]);
  assert.deepEqual(await texts(kit, "notes.search", { words: "week water" }), ["watering: weekly"]);
  assert.deepEqual(await texts(kit, "notes.search", { words: "daily" }), []);
  assert.ok(!JSON.stringify(kit.events()).includes(secret));
});

test("two writers of one topic at the same moment leave one current note", async () => {
  await using kit = await open();
  await Promise.all(Array.from({ length: 30 }, (_each, n) => note(kit, "n", String(n))));
  assert.deepEqual(await texts(kit), ["n: 29"]);
  // The list keeps so many former ones, and the journal all of them.
  assert.equal((await texts(kit, "notes.history", { topic: "n" })).length, 21);
  assert.deepEqual(await answer(kit, "notes.forget", { topic: "n" }), { forgotten: 30, episodes: [] });
});

test("what is forgotten is in no answer, no list and not in the journal any more, which stays whole", async () => {
  const store = createMemoryStore();
  {
    await using kit = await open({ store });
    await note(kit, "health", "a private matter");
    await note(kit, "health", "another private matter");
    await note(kit, "roses", "red");
    assert.deepEqual(await answer(kit, "notes.forget", { topic: "Health" }), { forgotten: 2, episodes: [] });
    await assert.rejects(answer(kit, "notes.forget", { topic: "health" }), code("arw.not-found"));
  }
  await using kit = await makeKernel({ store, domains: (parts) => house(parts) });
  assert.deepEqual(await texts(kit), ["roses: red"]);
  assert.deepEqual(await texts(kit, "notes.history", { topic: "health" }), []);
  assert.ok(!JSON.stringify(store.events({ limit: 1000, afterSeq: 0 })).includes("private"));
  const { outcome } = await kit.call("journal.verify", {});
  const items: { ok?: boolean; faults?: unknown[]; tombstones?: number }[] = [];
  for await (const item of (outcome as { items: AsyncIterable<object> }).items) items.push(item);
  assert.match(JSON.stringify(items.at(-1)), /"tombstones":2/);
  assert.ok(!JSON.stringify(items).includes('"isWhole":false'), JSON.stringify(items));
});

test("a hub that ended between the word and the deed lets go of the text at its next start", async () => {
  const store = createMemoryStore();
  const written = (): string => JSON.stringify(store.events({ limit: 1000, afterSeq: 0 }));
  {
    const saysOnly: Eraser = async ({ kind, seqs }, ctx) => void (await ctx.emit(Erased, { kind, seqs: [...seqs] }));
    await using kit = await makeKernel({ store, domains: (parts) => house(parts, saysOnly) });
    await kit.call("projects.create", { project: "garden", folder: "/home/ada/garden" });
    await note(kit, "health", "a private matter");
    await note(kit, "roses", "red");
    await answer(kit, "notes.forget", { topic: "health" });
  }
  assert.ok(written().includes("private"));
  await using kit = await makeKernel({ store, domains: (parts) => house(parts) });
  assert.ok(!written().includes("private"));
  assert.deepEqual(await texts(kit), ["roses: red"]);
});

test("a note keeps the labels of the call that wrote it, its source and its episode", async () => {
  await using kit = await open();
  const source = { path: "a.md", line: 3 };
  await answer(kit, "notes.write", { topic: "a", text: "x", source, as: agent(["user", "web"]) });
  await note(kit, "b", "y");
  const { notes } = await answer<{ notes: ReadNote[] }>(kit, "notes.read", {});
  assert.deepEqual(
    notes.map((each) => ({ topic: each.topic, author: each.author, labels: each.labels, source: each.source })),
    [
      { topic: "a", author: "agent:helper", labels: ["user", "web"], source },
      { topic: "b", author: "person:admin", labels: ["user"], source: undefined },
    ],
  );
  const { labelsOf } = Read;
  assert.deepEqual([...new Set(labelsOf?.({ notes, nextAfterTopic: null }))], ["user", "web"]);
});

test("a project of the same name and another folder has notes of its own", async () => {
  await using kit = await open();
  await note(kit, "roses", "red");
  await kit.call("projects.forget", { project: "garden" });
  await assert.rejects(note(kit, "roses", "x"), code("arw.not-found"));
  await kit.call("projects.create", { project: "garden", folder: "/home/ada/cellar" });
  assert.deepEqual(await texts(kit), []);
  assert.deepEqual(await answer(kit, "notes.forget", { topic: "roses" }), { forgotten: 1, episodes: [] });
});

test("agents need a grant of the project, and only persons forget", async () => {
  await using kit = await open();
  await assert.rejects(texts2(kit, { kind: "agent", id: "x", grants: [{ key: "notes:*" }] }), code("arw.denied"));
  await assert.rejects(
    texts2(kit, { kind: "agent", id: "x", grants: [{ key: "notes:*", project: "cellar" }] }),
    code("arw.denied"),
  );
  await texts2(kit, agent(["user"]));
  await answer(kit, "notes.write", { topic: "a", text: "x", as: agent(["user"]) });
  await assert.rejects(answer(kit, "notes.forget", { topic: "a", as: agent(["user"]) }), code("arw.denied"));
});
const texts2 = (kit: Kit, as: Caller) => answer(kit, "notes.read", { as });

test("many notes are read page by page", async () => {
  await using kit = await open();
  for (let n = 0; n < 7; n += 1) await note(kit, `t${n}`, "x".repeat(100));
  const seen: string[] = [];
  for (let afterTopic: string | null = ""; afterTopic !== null; ) {
    const input: Given = { limit: 3, ...(afterTopic === "" ? {} : { afterTopic }) };
    const page: { notes: ReadNote[]; nextAfterTopic: string | null } = await answer(kit, "notes.read", input);
    seen.push(...page.notes.map(({ topic }) => topic));
    afterTopic = page.nextAfterTopic;
  }
  assert.deepEqual(seen, ["t0", "t1", "t2", "t3", "t4", "t5", "t6"]);
});

test("in a run, reading a note that was built from a page makes the next calls those of a stranger", async () => {
  const program: AgentProgram = {
    id: "helper",
    about: "x",
    model: "none",
    tools: [Read, Write],
    async run(_input, tools) {
      await tools.call(Read, { project: "garden" }, "read");
      const { labels } = await tools.call(Write, { project: "garden", topic: "b", text: "y" }, "write");
      return { outcome: labels.join(), notDone: [], output: null };
    },
  };
  await using kit = await open({ programs: [program] });
  const run = async (): Promise<string> => {
    const { corrId } = await kit.call("agents.run", {
      agent: "helper",
      title: "x",
      input: {},
      grants: [{ key: "notes:*", project: "garden" }],
    });
    const end = await kit.next("agents.run.finished", (e) => e.corrId === corrId);
    return (end.data as { outcome: string }).outcome;
  };
  await note(kit, "own", "words");
  assert.equal(await run(), "user");
  await answer(kit, "notes.write", { topic: "page", text: "words", as: agent(["user", "file", "web"]) });
  assert.equal(await run(), "user,web,file");
  const observed = kit.events().findLast(({ kind }) => kind === "observations.recorded");
  assert.equal((observed?.data as { label?: string } | undefined)?.label, "web");
});

test("forgetting names the runs that wrote or read it, and no others", async () => {
  const program: AgentProgram = {
    id: "helper",
    about: "x",
    model: "none",
    tools: [Read, Write],
    async run(input, tools) {
      const { topic, text } = input as { readonly topic: string; readonly text?: string };
      if (text === undefined) await tools.call(Read, { project: "garden", topic }, "read");
      else await tools.call(Write, { project: "garden", topic, text }, "write");
      return { outcome: "done", notDone: [], output: null };
    },
  };
  await using kit = await open({ programs: [program] });
  const run = async (input: object): Promise<string> => {
    const grants = [{ key: "notes:*", project: "garden" }];
    const { corrId } = await kit.call("agents.run", { agent: "helper", title: "x", input, grants });
    await kit.next("agents.run.finished", (e) => e.corrId === corrId);
    return corrId;
  };
  await run({ topic: "health" });
  const wrote = await run({ topic: "health", text: "private" });
  await note(kit, "roses", "red");
  await run({ topic: "roses" });
  const read = await run({ topic: "health" });
  assert.deepEqual(await answer(kit, "notes.forget", { topic: "health" }), { forgotten: 1, episodes: [read, wrote] });
});
