import assert from "node:assert/strict";
import { test } from "vitest";
import { type Kit, makeKernel, turn } from "../../../test/kit/kernel.ts";
import { createMemoryFolders } from "../../adapters/files/memory-folder.ts";
import { createRedactor } from "../../base/redact.ts";
import type { Caller } from "../../contract/caller.ts";
import { isProblem } from "../../contract/problem.ts";
import { createFolderReader } from "./reader.ts";
import { createFs } from "./service.ts";

const folder = "/home/ada/notes";
const secret = "tulip-4711-quiet-harbour";

async function open() {
  const folders = createMemoryFolders();
  const redactor = createRedactor();
  const reader = createFolderReader({ folders, redactor });
  const kit = await makeKernel({ domains: (parts) => [createFs({ reader, recorder: () => parts.recorder })] });
  return { ...kit, tree: folders.tree(folder), redactor };
}

async function answer<T>(kit: Kit, operationId: string, input: object): Promise<T> {
  const { outcome } = await kit.call(operationId, { folder, ...input });
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: T }).output;
}
const codeOf = (kit: Kit, operationId: string, input: object) =>
  kit.call(operationId, { folder, ...input }).then(
    () => "ok",
    (error: unknown) => (isProblem(error) ? error.definition.code : String(error)),
  );

interface ReadAnswer {
  readonly text: string;
  readonly fromLine: number;
  readonly toLine: number;
  readonly totalLines: number;
  readonly digest: string;
  readonly isTruncated: boolean;
}
interface Written {
  readonly digest: string;
  readonly beforeRef: string | null;
  readonly isChanged: boolean;
}

test("a text is read window by window, and the windows join to the whole", async () => {
  await using kit = await open();
  const lines = Array.from({ length: 25 }, (_, index) => `line ${index + 1}`);
  kit.tree.put("a.md", lines.join("\n"));
  const seen: string[] = [];
  let fromLine = 1;
  for (let isMore = true; isMore; ) {
    const page: ReadAnswer = await answer(kit, "fs.read", { path: "a.md", fromLine, lines: 10 });
    assert.deepEqual([page.fromLine, page.totalLines], [fromLine, 25]);
    seen.push(page.text);
    fromLine = page.toLine + 1;
    isMore = page.isTruncated;
  }
  assert.equal(seen.join("\n"), lines.join("\n"));
});

test("what is no text, not there, outside or git's own is refused, for reading as for writing", async () => {
  await using kit = await open();
  kit.tree.put("image.png", new Uint8Array([137, 80, 78, 71, 0, 0, 1]));
  kit.tree.put("deep/.git/hooks/pre-commit", "x");
  kit.tree.make("link", "link");
  const codes: Record<string, string> = {
    "image.png": "fs.refused",
    "none.md": "fs.not-found",
    link: "fs.refused",
    "../outside.md": "fs.outside-folder",
    "/etc/passwd": "fs.outside-folder",
    "deep/.git/hooks/pre-commit": "fs.outside-folder",
    "deep/.GIT/config": "fs.outside-folder",
  };
  for (const [path, code] of Object.entries(codes)) assert.equal(await codeOf(kit, "fs.read", { path }), code, path);
  for (const path of ["../outside.md", "/etc/passwd", ".git/hooks/pre-commit", "deep/.Git/config", "a/../../b"]) {
    assert.equal(await codeOf(kit, "fs.write", { path, text: "x" }), "fs.outside-folder", path);
  }
  assert.equal(await codeOf(kit, "fs.write", { path: "link", text: "x" }), "fs.refused");
});

test("a write keeps what was there, tells whether it changed anything, and makes missing folders", async () => {
  await using kit = await open();
  const write = (path: string, text: string, more: object = {}) =>
    answer<Written>(kit, "fs.write", { path, text, ...more });
  const made = await write("new/plan.md", "one\n");
  const changed = await write("new/plan.md", "two\n");
  const same = await write("new/plan.md", "two\n");
  assert.deepEqual([made.beforeRef, made.isChanged, changed.isChanged, same.isChanged], [null, true, true, false]);
  assert.equal(new TextDecoder().decode((await kit.blobs.get(changed.beforeRef ?? "")) ?? undefined), "one\n");
  assert.equal((await answer<ReadAnswer>(kit, "fs.read", { path: "new/plan.md" })).digest, changed.digest);
});

test("a file that is not what the caller saw is left alone", async () => {
  await using kit = await open();
  kit.tree.put("a.md", "mine\n");
  const seen = await answer<ReadAnswer>(kit, "fs.read", { path: "a.md" });
  kit.tree.put("a.md", "theirs\n");
  assert.equal(await codeOf(kit, "fs.write", { path: "a.md", text: "x", expectedDigest: seen.digest }), "fs.changed");
  assert.equal(await codeOf(kit, "fs.write", { path: "a.md", text: "x", expectedDigest: null }), "fs.changed");
  assert.equal(await codeOf(kit, "fs.write", { path: "b.md", text: "x", expectedDigest: seen.digest }), "fs.changed");
  assert.equal((await answer<ReadAnswer>(kit, "fs.read", { path: "a.md" })).text, "theirs\n");
  assert.equal(await codeOf(kit, "fs.write", { path: "b.md", text: "x", expectedDigest: null }), "ok");
});

test("a person is shown the exact change before an agent writes anything", async () => {
  await using kit = await open();
  kit.tree.put("a.md", "one\ntwo\n");
  const agent: Caller = { kind: "agent", id: "scout", grants: [{ key: "fs:read", folder }] };
  const came = kit.call("fs.write", { folder, path: "a.md", text: "one\nthree\n" }, agent);
  const asked = (await kit.next("approvals.requested", () => true)).data as {
    approvalId: string;
    summary: string;
    diff: string;
    canUndo: boolean;
  };
  await turn();
  assert.match(asked.summary, /^Replace a\.md \(10 B, \+1 −1 lines\)$/);
  assert.match(asked.diff, /^-two$/m);
  assert.match(asked.diff, /^\+three$/m);
  assert.deepEqual(
    [asked.canUndo, (await answer<ReadAnswer>(kit, "fs.read", { path: "a.md" })).text],
    [true, "one\ntwo\n"],
  );
  await kit.call("approvals.decide", { approvalId: asked.approvalId, decision: "allow" });
  assert.equal((await came).outcome.kind, "answer");
  assert.equal((await answer<ReadAnswer>(kit, "fs.read", { path: "a.md" })).text, "one\nthree\n");
});

test("a listing is walked page by page, names what it skips, and leaves out what .gitignore leaves out", async () => {
  await using kit = await open();
  for (const path of ["a.md", "b/c.md", "b/d.md", "build/x.js", "z.md"]) kit.tree.put(path, path);
  kit.tree.put(".gitignore", "build/\n");
  const seen: string[] = [];
  let afterPath: string | null = "";
  while (afterPath !== null) {
    const page: { entries: { path: string }[]; nextAfterPath: string | null } = await answer(kit, "fs.list", {
      limit: 2,
      ...(afterPath === "" ? {} : { afterPath }),
    });
    assert.ok(page.entries.length <= 2);
    seen.push(...page.entries.map((each) => each.path));
    afterPath = page.nextAfterPath;
  }
  assert.deepEqual(seen, [".gitignore", "a.md", "b", "b/c.md", "b/d.md", "z.md"]);
});

test("secrets of environment files are cut out of every text, also when .gitignore hides the file", async () => {
  await using kit = await open();
  kit.tree.put(".gitignore", ".env*\n");
  kit.tree.put(".env", `HARBOUR_TOKEN=${secret}\n`);
  kit.tree.put("diary.md", `I use ${secret} for the harbour.\n`);
  const { text } = await answer<ReadAnswer>(kit, "fs.read", { path: "diary.md" });
  assert.ok(!text.includes(secret) && text.startsWith("I use "), text);
  assert.ok(!kit.redactor.text(`elsewhere ${secret}`).includes(secret));
});
