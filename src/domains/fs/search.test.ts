import assert from "node:assert/strict";
import { test } from "vitest";
import { type Kit, makeKernel } from "../../../test/kit/kernel.ts";
import { createMemoryFolders } from "../../adapters/files/memory-folder.ts";
import { createRedactor } from "../../base/redact.ts";
import type { Static } from "../../contract/schema.ts";
import { isProblem } from "../../contract/problem.ts";
import type { Search } from "./contract.ts";
import { createFolderReader } from "./reader.ts";
import { createFs } from "./service.ts";

const folder = "/home/ada/notes";
const secret = "tulip-4711-quiet-harbour";
type Found = Static<typeof Search.output>;

async function open(files: Readonly<Record<string, string | Uint8Array>>) {
  const folders = createMemoryFolders();
  const reader = createFolderReader({ folders, redactor: createRedactor() });
  const kit = await makeKernel({ domains: (parts) => [createFs({ reader, recorder: () => parts.recorder })] });
  for (const [path, text] of Object.entries(files)) folders.tree(folder).put(path, text);
  return kit;
}

async function search(kit: Kit, words: string, input: object = {}): Promise<Found> {
  const { outcome } = await kit.call("fs.search", { folder, words, ...input });
  assert.equal(outcome.kind, "answer");
  return (outcome as { output: Found }).output;
}
const places = ({ found }: Found) => found.map(({ path, line }) => `${path}:${line}`);

test("lines that hold all words are found, with what stands around them", async () => {
  await using kit = await open({ "a.md": "one\nThe old Rose\nthree", "b/c.txt": "rose\nold\nrose, so old\n" });
  assert.deepEqual(places(await search(kit, "old rose")), ["a.md:2", "b/c.txt:3"]);
  assert.deepEqual(places(await search(kit, "old rose", { files: "b/*.txt" })), ["b/c.txt:3"]);
  const { found, searchedFiles, nextAfterPath } = await search(kit, "rose", { around: 1, files: "A.md" });
  assert.deepEqual(found, [{ path: "a.md", line: 2, text: "The old Rose", before: ["one"], after: ["three"] }]);
  assert.deepEqual([searchedFiles, nextAfterPath], [1, null]);
});

test("what .gitignore leaves out, .git and what is no text are not searched", async () => {
  await using kit = await open({
    ".gitignore": "out\n",
    "out/a.md": "rose",
    ".git/config": "rose",
    "picture.gif": "GIF89a\u0000\u0000rose",
    "a.md": "rose",
  });
  assert.deepEqual(places(await search(kit, "rose")), ["a.md:1"]);
});

test("secrets are cut out of found lines, and nobody finds a line by one", async () => {
  await using kit = await open({ ".env": `KEY=${secret}\n`, "a.md": `the key is ${secret}, yes\n` });
  const { found } = await search(kit, "key", { around: 2 });
  assert.equal(found.length, 2);
  assert.ok(!JSON.stringify(found).includes("4711"));
  assert.deepEqual(places(await search(kit, "tulip-4711")), []);
});

test("an answer is bounded, says what it leaves out, and the next one goes on", async () => {
  const many = Array.from({ length: 30 }, () => "rose").join("\n");
  await using kit = await open({ "a.md": many, "b.md": many, "c.md": `${"x".repeat(5000)}rose${"y".repeat(5000)}` });
  const first = await search(kit, "rose", { limit: 25 });
  assert.deepEqual([first.found.length, first.nextAfterPath], [25, "b.md"]);
  assert.deepEqual(first.more, [
    { path: "a.md", lines: 10 },
    { path: "b.md", lines: 25 },
  ]);
  const second = await search(kit, "rose", { limit: 25, afterPath: "b.md" });
  assert.deepEqual([second.found.length, second.nextAfterPath], [1, null]);
  assert.match(second.found[0]?.text ?? "", /^x{80}rosey{216}$/);
});

test("a word is needed", async () => {
  await using kit = await open({});
  await assert.rejects(search(kit, ' "" * '), (error) => isProblem(error) && error.definition.code === "fs.no-words");
});
