import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { admin, domainOf, type Kit, makeKernel } from "../../../test/kit/kernel.ts";
import { runs as propertyRuns } from "../../../test/kit/runs.ts";
import { createMemoryBlobs } from "../../adapters/files/memory-blobs.ts";
import { createMemoryFolders, type MemoryFolders } from "../../adapters/files/memory-folder.ts";
import { createRedactor } from "../../base/redact.ts";
import { bind, type Context, op } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import { closed, type Static } from "../../contract/schema.ts";
import type { AgentProgram } from "../agents/contract.ts";
import { runs } from "../agents/views.ts";
import { Write } from "../fs/contract.ts";
import { createFolderReader } from "../fs/reader.ts";
import { createFs } from "../fs/service.ts";
import { createWholeFiles } from "../fs/whole-files.ts";
import { FileTaken, type FileUndo, type UndoReport } from "./contract.ts";
import { createUndo } from "./service.ts";

const folder = "/home/ada/notes";
const signal = new AbortController().signal;

/** Changes something that is no file. */
const Ring = op({
  id: "bell.ring",
  http: "POST /bell/ring",
  effect: "write",
  about: "x",
  needs: ["exec"],
  input: closed({}),
  output: closed({}),
});

/** Says what an undo says before it changes a file, and nothing after it. */
const CutOff = op({
  id: "bell.cutOff",
  http: "POST /bell/cut-off",
  effect: "write",
  about: "x",
  input: FileTaken.data,
  output: closed({}),
  emits: [FileTaken],
});

type Script = readonly (readonly [path: string, text: string] | "ring")[];
const scribe: AgentProgram = {
  id: "scribe",
  about: "Writes what it is told to.",
  model: "none",
  tools: [Write, Ring],
  async run(input, tools) {
    for (const each of (input as { script: Script }).script) {
      if (each === "ring") await tools.call(Ring, {}, "ring the bell");
      else await tools.call(Write, { folder, path: each[0], text: each[1] }, `write ${each[0]}`);
    }
    return { outcome: "done", notDone: [], output: null };
  },
};

async function cutOff(taken: Static<typeof FileTaken.data>, ctx: Context) {
  await ctx.emit(FileTaken, taken);
  return {};
}

interface Desk extends AsyncDisposable {
  readonly kit: Kit;
  readonly folders: MemoryFolders;
  readonly blobs: ReturnType<typeof createMemoryBlobs>;
  put(path: string, content: string | Uint8Array): void;
  /** All that is in the folder: paths with their content, folders with null. */
  tree(): Promise<Readonly<Record<string, string | null>>>;
  run(script: Script): Promise<string>;
  undo(episode: string, how?: object): Promise<UndoReport>;
  plan(episode: string, how?: object): Promise<UndoReport>;
}

async function open(): Promise<Desk> {
  const folders = createMemoryFolders();
  folders.tree(folder);
  const blobs = createMemoryBlobs({ sizeBytesMaxEach: 10_000_000 });
  const reader = createFolderReader({ folders, redactor: createRedactor() });
  const kit = await makeKernel({
    blobs,
    programs: [scribe],
    domains: (parts) => [
      createFs({ reader, recorder: () => parts.recorder }),
      createUndo({
        parts,
        files: createWholeFiles(reader),
        isRunning: (episode) => parts.kernel.views.get(runs, episode)?.status === "running",
      }),
      domainOf("bell", { operations: [bind(Ring, () => ({})), bind(CutOff, cutOff)] }),
    ],
  });
  const answer = async (operationId: string, input: object): Promise<UndoReport> => {
    const { outcome } = await kit.call(operationId, input);
    assert.equal(outcome.kind, "answer");
    return (outcome as { output: UndoReport }).output;
  };
  return {
    kit,
    folders,
    blobs,
    put: (path, content) => folders.tree(folder).put(path, content),
    tree: () => treeOf(folders),
    async run(script) {
      const grants = [{ key: "fs:write", folder }, { key: "bell:ring" }];
      const { outcome, corrId } = await kit.call("agents.run", {
        agent: "scribe",
        title: "x",
        input: { script },
        grants,
      });
      assert.equal(outcome.kind, "accepted");
      await kit.next("agents.run.finished", (event) => event.corrId === corrId);
      return corrId;
    },
    undo: (episode, how = {}) => answer("undo.apply", { episode, ...how }),
    plan: (episode, how = {}) => answer("undo.plan", { episode, ...how }),
    [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose](),
  };
}

async function treeOf(folders: MemoryFolders): Promise<Readonly<Record<string, string | null>>> {
  await using opened = await folders.open(folder, { signal, isWritable: false });
  const tree: Record<string, string | null> = {};
  for await (const { path, kind } of opened.walk({ signal, limit: 1000, entriesMax: 1000, ignoreFiles: false })) {
    const bytes = kind === "file" ? (await opened.readBytes(path, { signal, sizeBytesMax: 1_000_000 })).bytes : null;
    tree[path] = bytes === null ? null : Buffer.from(bytes).toString("base64");
  }
  return tree;
}

const fates = ({ files }: UndoReport): Readonly<Record<string, FileUndo["fate"]>> =>
  Object.fromEntries(files.map(({ path, fate }) => [path, fate]));

const text = fc.oneof(
  fc.constant(""),
  fc.constant("one\r\ntwo\r\n"),
  fc.constant("\ufeffmarked\n"),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);
const path = fc.constantFrom("a.md", "b.txt", "deep/er/c.md", "deep/d", "ünïcödé 🌱.md", "deep/er/still/e");
const content = fc.oneof(
  text.map((each) => Buffer.from(each)),
  fc.uint8Array({ maxLength: 40 }),
);

test("whatever a run wrote, an undo leaves the folder as it was, and an undo of the undo as the run left it", async () => {
  const scripts = fc.array(fc.tuple(path, text), { maxLength: 10 });
  const before = fc.dictionary(path, content, { maxKeys: 4, noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(before, scripts, async (files, script) => {
      await using desk = await open();
      for (const [name, bytes] of Object.entries(files)) desk.put(name, bytes);
      const was = await desk.tree();
      const episode = await desk.run(script);
      const left = await desk.tree();
      const planned = await desk.plan(episode);
      assert.deepEqual(await desk.tree(), left);
      const undone = await desk.undo(episode);
      assert.deepEqual(await desk.tree(), was);
      assert.deepEqual(undone.files, planned.files);
      assert.equal(undone.undoId === null, planned.status === "nothing");
      if (undone.undoId === null) return;
      assert.equal((await desk.undo(episode)).status, "undone-before");
      await desk.undo(undone.undoId);
      assert.deepEqual(await desk.tree(), left);
      await desk.undo(episode);
      assert.deepEqual(await desk.tree(), was);
    }),
    propertyRuns(25),
  );
});

test("what was edited since stays, and what the run changed goes", async () => {
  await using desk = await open();
  desk.put("a.md", "one\ntwo\nthree\nfour\nfive\n");
  const episode = await desk.run([["a.md", "one\ntwo\nthree\nfour\nFIVE\n"]]);
  desk.put("a.md", "ONE\ntwo\nthree\nfour\nFIVE\n");
  const planned = await desk.plan(episode);
  assert.deepEqual([planned.status, fates(planned)], ["ready", { "a.md": "merge" }]);
  assert.match(planned.files[0]?.diff ?? "", /^-FIVE\n\+five$/m);
  await desk.undo(episode);
  assert.deepEqual(await desk.tree(), { "a.md": Buffer.from("ONE\ntwo\nthree\nfour\nfive\n").toString("base64") });
});

test("a file that was edited in the same place stays whole, both sides are shown, and the others go back", async () => {
  await using desk = await open();
  desk.put("a.md", "before\n");
  desk.put("b.md", "b\n");
  desk.put("bytes", Buffer.from([0, 1, 2]));
  const episode = await desk.run([
    ["a.md", "by the run\n"],
    ["b.md", "b by the run\n"],
    ["bytes", "text now\n"],
    ["new.md", "new\n"],
    ["gone.md", "was there for a while\n"],
  ]);
  desk.put("a.md", "by me\n");
  desk.put("bytes", Buffer.from([0, 9]));
  desk.put("new.md", "new, and mine\n");
  desk.folders.tree(folder).delete("gone.md");
  const undone = await desk.undo(episode);
  assert.equal(undone.status, "partly");
  assert.deepEqual(fates(undone), {
    "a.md": "conflict",
    "b.md": "restore",
    bytes: "conflict",
    "new.md": "conflict",
    "gone.md": "as-before",
  });
  const shown = undone.files.find((file) => file.path === "a.md");
  assert.match(shown?.since ?? "", /-by the run\n\+by me/);
  assert.match(shown?.diff ?? "", /-by me\n\+before/);
  const tree = await desk.tree();
  assert.equal(tree["a.md"], Buffer.from("by me\n").toString("base64"));
  assert.equal(tree["b.md"], Buffer.from("b\n").toString("base64"));
  desk.put("a.md", "by the run\n");
  assert.deepEqual(fates(await desk.undo(episode))["a.md"], "restore");
});

test.each([
  ["mine", "merge", "ONE\nby me\n"],
  ["before", "restore", "one\nbefore\n"],
  ["marks", "merge", "<<<<<<< edited since\nONE\nby me\n=======\none\nbefore\n>>>>>>> before the run\n"],
])("a conflict is settled as its person says: %s", async (conflicts, fate, content) => {
  await using desk = await open();
  const lines = "one\n".repeat(3);
  desk.put("a.md", "one\nbefore\n");
  desk.put("b.md", lines);
  const episode = await desk.run([
    ["a.md", "one\nby the run\n"],
    ["b.md", "b by the run\n"],
    ["a.md", "one\nby the run again\n"],
  ]);
  desk.put("a.md", "ONE\nby me\n");
  const how = { conflicts, path: "a.md" };
  const planned = await desk.plan(episode, how);
  const undone = await desk.undo(episode, how);
  assert.deepEqual([planned.status, fates(planned)], ["ready", { "a.md": fate }]);
  assert.deepEqual([undone.status, fates(undone)], ["undone", { "a.md": fate }]);
  const text = async (path: string) => Buffer.from((await desk.tree())[path] ?? "", "base64").toString();
  assert.equal(await text("a.md"), content);
  const later = { "a.md": conflicts === "before" ? "undone-before" : "settled", "b.md": "restore" };
  assert.deepEqual(fates(await desk.undo(episode)), later);
  assert.equal((await desk.undo(undone.undoId ?? "")).files[0]?.fate, conflicts === "mine" ? "as-before" : "restore");
  assert.equal(await text("a.md"), "ONE\nby me\n");
  assert.equal(await text("b.md"), lines);
});

const marked = "<<<<<<< edited since\nby me\n=======\nbefore\n>>>>>>> before the run\n";
const textOf = async (desk: Desk): Promise<string> =>
  Buffer.from((await desk.tree())["a.md"] ?? "", "base64").toString();
const factsOf = ({ status, files }: UndoReport) => [status, ...files.map(({ fate, detail }) => [fate, detail])];

/** A file that was edited where the run wrote, and settled in this way. */
async function settledAs(desk: Desk, conflicts: string): Promise<string> {
  desk.put("a.md", "before\n");
  const episode = await desk.run([["a.md", "by the run\n"]]);
  desk.put("a.md", "by me\n");
  assert.equal((await desk.undo(episode, { conflicts })).status, "undone");
  return episode;
}

test.each([
  ["mine", "by me\n", "kept as you had it"],
  ["marks", marked, "marks are in it"],
])(
  "what was settled by %s is told apart, goes back after all, and that is undone, too",
  async (way, settled, words) => {
    await using desk = await open();
    const episode = await settledAs(desk, way);
    assert.deepEqual(factsOf(await desk.undo(episode)), ["undone-before", ["settled", words]]);
    assert.deepEqual(factsOf(await desk.undo(episode, { conflicts: way })), ["undone-before", ["settled", words]]);
    assert.equal(await textOf(desk), settled);

    const how = { conflicts: "before" };
    const planned = await desk.plan(episode, how);
    assert.equal(await textOf(desk), settled);
    const back = await desk.undo(episode, how);
    assert.deepEqual([back.files, back.status, fates(back)], [planned.files, "undone", { "a.md": "restore" }]);
    assert.equal(await textOf(desk), "before\n");
    assert.equal((await desk.undo(episode)).files[0]?.fate, "undone-before");
    await desk.undo(back.undoId ?? "");
    assert.equal(await textOf(desk), settled);
  },
);

test("what was edited since it was settled is thrown away by no second thought, but is open to all three ways again", async () => {
  await using desk = await open();
  const episode = await settledAs(desk, "marks");
  const edited = `${marked}and more\n`;
  desk.put("a.md", edited);
  const told = "marks were written into it, and it was edited since";
  assert.deepEqual(factsOf(await desk.undo(episode)), ["undone-before", ["settled", told]]);

  const how = { conflicts: "before" };
  assert.deepEqual(fates(await desk.plan(episode, how)), { "a.md": "conflict" });
  assert.deepEqual(fates(await desk.plan(episode)), { "a.md": "settled" }, "a plan opens nothing");
  const again = await desk.undo(episode, how);
  assert.deepEqual([again.status, fates(again), again.undoId], ["partly", { "a.md": "conflict" }, null]);
  assert.match(again.files[0]?.since ?? "", /\+and more/);
  assert.equal(await textOf(desk), edited);
  assert.deepEqual(fates(await desk.undo(episode)), { "a.md": "conflict" });

  const back = await desk.undo(episode, how);
  assert.equal(await textOf(desk), "before\n");
  await desk.undo(back.undoId ?? "");
  assert.equal(await textOf(desk), edited);
});

test("a settled file is what it is on the disk: both sides after mine, as before by hand, gone with what it was", async () => {
  await using desk = await open();
  const episode = await settledAs(desk, "mine");
  assert.deepEqual(fates(await desk.undo(episode, { conflicts: "marks" })), { "a.md": "merge" });
  assert.equal(await textOf(desk), marked);
  desk.put("a.md", "before\n");
  assert.deepEqual(fates(await desk.undo(episode)), { "a.md": "as-before" });
  desk.put("a.md", marked);
  for await (const { ref } of desk.blobs.list()) await desk.blobs.remove(ref);
  const gone = await desk.undo(episode, { conflicts: "before" });
  assert.deepEqual([gone.status, fates(gone)], ["partly", { "a.md": "not-kept" }]);
  assert.equal(await textOf(desk), marked);
  assert.deepEqual(fates(await desk.undo(episode)), { "a.md": "settled" });
});

test("a file whose settling was cut off is told as settled, not as what it was before", async () => {
  await using desk = await open();
  desk.put("a.md", "before\n");
  const episode = await desk.run([["a.md", "by the run\n"]]);
  desk.put("a.md", "by me\n");
  const { nowDigest: digest } = (await desk.plan(episode)).files[0] as FileUndo;
  const taken = { episode, folder, path: "a.md", fate: "merge", beforeRef: digest, afterRef: digest, settled: "mine" };
  await desk.kit.call("bell.cutOff", taken);
  const words = "stays as it is now, and counts as undone";
  assert.deepEqual(factsOf(await desk.undo(episode)), ["undone", ["merge", words]]);
  assert.deepEqual(factsOf(await desk.undo(episode)), ["undone-before", ["settled", "kept as you had it"]]);
});

test("an undo that was cut off behind a file is made again, and undone with that file", async () => {
  await using desk = await open();
  desk.put("a.md", "before\n");
  desk.put("b.md", "b\n");
  const episode = await desk.run([
    ["a.md", "after\n"],
    ["b.md", "b by the run\n"],
  ]);
  const taken = (await desk.plan(episode)).files.find(({ path }) => path === "a.md");
  const { nowDigest: beforeRef, thenDigest: afterRef } = taken as FileUndo;
  await desk.kit.call("bell.cutOff", { episode, folder, path: "a.md", fate: "restore", beforeRef, afterRef });
  desk.put("a.md", "before\n");
  const { undoId, status, files } = await desk.undo(episode);
  assert.deepEqual([status, fates({ files } as UndoReport)], ["undone", { "a.md": "restore", "b.md": "restore" }]);
  assert.equal((await desk.undo(episode)).status, "undone-before");
  await desk.undo(undoId ?? "");
  const after = ["after\n", "b by the run\n"].map((each) => Buffer.from(each).toString("base64"));
  assert.deepEqual(await desk.tree(), { "a.md": after[0], "b.md": after[1] });
});

test("of two undos at the same time the second finds it done", async () => {
  await using desk = await open();
  desk.put("a.md", "before\n");
  const episode = await desk.run([["a.md", "after\n"]]);
  const both = await Promise.all([desk.undo(episode), desk.undo(episode)]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ["undone", "undone-before"]);
  await assert.rejects(desk.undo(episode, { path: "b.md" }), /changed no file b\.md/);
});

test("what is no longer kept is named, and its file stays", async () => {
  await using desk = await open();
  desk.put("a.md", "before\n");
  const episode = await desk.run([["a.md", "after\n"]]);
  for await (const { ref } of desk.blobs.list()) await desk.blobs.remove(ref);
  const planned = await desk.undo(episode);
  assert.deepEqual([planned.status, fates(planned)], ["partly", { "a.md": "not-kept" }]);
  assert.match(planned.files[0]?.detail ?? "", /what it was before is not kept any more: sha256:[0-9a-f]{64}/);
});

test("steps that no undo reaches are named with the reason", async () => {
  await using desk = await open();
  const episode = await desk.run([["a.md", "x"], "ring"]);
  const { left } = await desk.plan(episode);
  assert.deepEqual(left, [
    { step: 2, tool: "bell.ring", summary: "ring the bell", reason: "a program ran; what it changed is not recorded" },
  ]);
});

test("a rule that keeps a person from restoring files keeps an undo from it, and says so", async () => {
  await using desk = await open();
  desk.put("a.md", "before\n");
  const episode = await desk.run([["a.md", "after\n"]]);
  await desk.kit.call("gating.contracts.put", { id: "no-files", patterns: ["fs:restore"], reason: "x" });
  const undone = await desk.undo(episode);
  assert.deepEqual([undone.status, fates(undone)], ["partly", { "a.md": "out-of-reach" }]);
  assert.match(undone.files[0]?.detail ?? "", /no-files/);
});

test("only a person undoes, what exists, and what has ended", async () => {
  await using desk = await open();
  const codeOf = (input: object, caller = admin): Promise<string> =>
    desk.kit.call("undo.apply", input, caller).then(
      () => "ok",
      (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
    );
  const episode = await desk.run([["a.md", "x"]]);
  assert.equal(await codeOf({ episode: "nothing-like-it" }), "arw.not-found");
  assert.equal(
    await codeOf({ episode }, { kind: "agent", id: "scribe", grants: [{ key: "*" }] } as never),
    "arw.denied",
  );
  assert.equal(await codeOf({ episode }), "ok");
});
