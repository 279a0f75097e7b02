import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, test } from "vitest";
import { generatedMark, parseSource } from "../tidy/source.ts";
import { hashFile, jsonFile, markdownFile, staleFiles, writeFiles } from "./files.ts";
import { notices } from "./notices.ts";
import { domainsPage } from "./reference.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "arw-gen-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function place(root: string, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(root, file, ".."), { recursive: true });
    writeFileSync(join(root, file), text);
  }
}

test("every form says in its first line that it is generated, and JSON stays JSON", () => {
  for (const text of [markdownFile("# A"), hashFile("a: 1"), jsonFile({ a: [1], b: {} })]) {
    assert.ok(text.slice(0, text.indexOf("\n")).includes(generatedMark), text);
    assert.ok(text.endsWith("\n") && !text.endsWith("\n\n"));
  }
  const { $comment: _mark, ...rest } = JSON.parse(jsonFile({ a: [1], b: {} })) as Record<string, unknown>;
  assert.deepEqual(rest, { a: [1], b: {} });
});

test("missing, changed and stray files are stale; writing makes them fresh and leaves others alone", () => {
  const root = temporaryFolder();
  place(root, { "spec/old.md": "old", "spec/a.md": "changed", "docs/reference/b.md": "b", "docs/guide.md": "by hand" });
  const files = new Map([
    ["spec/a.md", "a"],
    ["spec/new/c.md", "c"],
    ["docs/reference/b.md", "b"],
  ]);
  assert.deepEqual(staleFiles(root, files), ["spec/a.md", "spec/new/c.md", "spec/old.md"]);
  assert.deepEqual(writeFiles(root, files), ["spec/a.md", "spec/new/c.md", "spec/old.md"]);
  assert.deepEqual(staleFiles(root, files), []);
  assert.deepEqual(writeFiles(root, files), []);
  assert.equal(readFileSync(join(root, "docs/guide.md"), "utf8"), "by hand");
});

test("notices name what is loaded and what is bundled, with nested versions, and print equal licences once", () => {
  const root = temporaryFolder();
  const manifest = (name: string, dependencies = {}, version = "1.0.0") =>
    JSON.stringify({ name, version, license: "MIT", dependencies });
  place(root, {
    "package.json": manifest("arw", { first: "1" }),
    "node_modules/first/package.json": manifest("first", { deep: "1", gone: "1" }),
    "node_modules/first/LICENSE": "Be kind.\r\n",
    "node_modules/first/node_modules/deep/package.json": manifest("deep", { first: "1" }, "2.0.0"),
    "node_modules/first/node_modules/deep/license.md": "Be kind.",
    "node_modules/deep/package.json": manifest("deep"),
    "node_modules/shown/package.json": manifest("shown"),
    "node_modules/unused/package.json": manifest("unused"),
  });
  const sources = [
    parseSource(
      "web/src/a.ts",
      'import { a } from "shown/part";\nimport type { B } from "unused";\nimport { c } from "@arw/client";',
    ),
    parseSource("web/src/a.test.ts", 'import { a } from "unused";'),
  ];
  const text = notices(root, sources);
  assert.deepEqual(text.match(/^- .*$/gm), ["- deep 2.0.0, MIT", "- first 1.0.0, MIT", "- shown 1.0.0, MIT"]);
  assert.deepEqual(text.match(/^## .*$/gm), ["## deep, first"]);
});

test("the page of domains names each use once", () => {
  const page = domainsPage([{ from: "scout", to: "fs", kind: "calls", names: ["List", "Read"] }]);
  assert.match(page, /\| scout \| calls \| fs \| `List`, `Read` \|/);
});
