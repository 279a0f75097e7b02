/** Projects over real folders. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { admin, type Kit, makeKernel } from "../../../test/kit/kernel.ts";
import { createFileFolders } from "../../adapters/files/folder.ts";
import { createRedactor } from "../../base/redact.ts";
import type { Caller } from "../../contract/caller.ts";
import { isProblem } from "../../contract/problem.ts";
import { createFolderReader } from "../fs/reader.ts";
import { createFs } from "../fs/service.ts";
import { createProjects } from "./service.ts";

interface Opened extends AsyncDisposable {
  readonly kit: Kit;
  readonly folder: string;
}

async function open(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), "arw-projects-"));
  const reader = createFolderReader({ folders: createFileFolders(), redactor: createRedactor({ secrets: [] }) });
  const kit = await makeKernel({
    domains: (parts) => [createFs({ reader, recorder: () => parts.recorder }), createProjects({ parts })],
  });
  return {
    kit,
    folder,
    async [Symbol.asyncDispose]() {
      await kit[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const outputOf = async <T>(call: ReturnType<Kit["call"]>): Promise<T> => {
  const { outcome } = await call;
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: T }).output;
};
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );
const project = "garden";

test("a folder gets a name, is listed, and is forgotten without a file being touched", async () => {
  await using opened = await open();
  const { kit, folder } = opened;
  await writeFile(join(folder, "a.md"), "# A\n");
  assert.equal(await codeOf(kit.call("projects.create", { project, folder: join(folder, "nowhere") })), "fs.not-found");
  const made = await outputOf<{ title: string }>(kit.call("projects.create", { project, folder }));
  assert.equal(made.title, project);
  assert.equal(await codeOf(kit.call("projects.create", { project, folder: tmpdir() })), "projects.name-taken");
  assert.equal(await codeOf(kit.call("projects.create", { project, folder, title: "My garden" })), "ok");
  const { projects } = await outputOf<{ projects: { title: string; folder: string }[] }>(kit.call("projects.list", {}));
  assert.deepEqual(
    projects.map((each) => [each.title, each.folder]),
    [["My garden", folder]],
  );
  const { entries } = await outputOf<{ entries: { path: string }[] }>(kit.call("projects.tree", { project }));
  assert.deepEqual(
    entries.map(({ path }) => path),
    ["a.md"],
  );
  await kit.call("projects.forget", { project });
  assert.equal(await codeOf(kit.call("projects.tree", { project })), "arw.not-found");
  assert.equal(await readFile(join(folder, "a.md"), "utf8"), "# A\n");
});

test("files and notes are written only over what was read, and notes are told of", async () => {
  await using opened = await open();
  const { kit, folder } = opened;
  await kit.call("projects.create", { project, folder });
  const empty = await outputOf<{ text: string; digest: string | null }>(kit.call("projects.notes", { project }));
  assert.deepEqual([empty.text, empty.digest], ["", null]);
  const save = (text: string, expectedDigest: string | null) =>
    kit.call("projects.notes.save", { project, text, expectedDigest });
  const { digest } = await outputOf<{ digest: string }>(save("water the beans\n", null));
  assert.equal(await codeOf(save("lost\n", null)), "fs.changed");
  assert.equal(await codeOf(save("water the beans at noon\n", digest)), "ok");
  assert.equal(await codeOf(save("stale\n", digest)), "fs.changed");
  assert.equal(await readFile(join(folder, "notes.md"), "utf8"), "water the beans at noon\n");
  assert.equal(kit.kinds().filter((kind) => kind === "projects.notes.saved").length, 2);
  const read = await outputOf<{ text: string; digest: string }>(
    kit.call("projects.file", { project, path: "notes.md" }),
  );
  assert.equal(read.text.trim(), "water the beans at noon");
  const file = { project, path: "plan.md", text: "1. dig\n", expectedDigest: null };
  assert.equal(await codeOf(kit.call("projects.file.save", file)), "ok");
  assert.equal(await codeOf(kit.call("projects.file.save", { ...file, text: "2. sow\n" })), "fs.changed");
  assert.equal(await codeOf(kit.call("projects.file.save", { ...file, path: "../out.md" })), "fs.outside-folder");
});

test("a name opens nothing: an agent reaches a project's files only by what it was granted", async () => {
  await using opened = await open();
  const { kit, folder } = opened;
  await kit.call("projects.create", { project, folder });
  const agent = (grants: NonNullable<Caller["grants"]>): Caller => ({ kind: "agent", id: "scout", grants });
  assert.equal(await codeOf(kit.call("projects.tree", { project }, agent([]))), "arw.denied");
  assert.equal(
    await codeOf(kit.call("projects.create", { project: "own", folder }, agent([{ key: "*" }]))),
    "arw.denied",
  );
  assert.equal(await codeOf(kit.call("projects.forget", { project }, agent([{ key: "*" }]))), "arw.denied");
  assert.equal(await codeOf(kit.call("projects.tree", { project }, admin)), "ok");
});
