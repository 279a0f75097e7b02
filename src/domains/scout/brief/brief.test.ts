import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { test } from "vitest";
import { outlineText } from "../../text/outline.ts";
import { type BriefBuilder, createBriefBuilder } from "./builder.ts";
import { type Brief, briefPromise, briefSizeBytesMax, composeBrief } from "./compose.ts";
import type { BriefFile, Manifest } from "./findings.ts";

const todayMs = Date.UTC(2026, 8, 14);
const numRuns = 40;

function fileOf(path: string, text: string): BriefFile {
  return {
    path,
    sizeBytes: Buffer.byteLength(text),
    modifiedMs: todayMs,
    digest: `sha256:${createHash("sha256").update(text).digest("hex")}`,
    outline: outlineText({ path, text, todayMs }),
  };
}

function builderOf(files: readonly BriefFile[]): BriefBuilder {
  const builder = createBriefBuilder({ folderName: "garden-notes", todayMs, outputPath: "brief.md" });
  for (const file of files) builder.add(file);
  return builder;
}

function briefOf(files: readonly BriefFile[], previous: Manifest | null = null): Brief {
  return composeBrief(builderOf(files).findings({ previous }));
}

const textsOf = (brief: Brief, section: string): string[] =>
  brief.statements.filter((statement) => statement.section === section).map(({ text }) => text);

const sampleFolder = new URL("../../../../examples/garden-notes/", import.meta.url);
const goldenFile = new URL("./brief.golden.md", import.meta.url);

function sampleFiles(): BriefFile[] {
  const paths = readdirSync(sampleFolder, { recursive: true, encoding: "utf8" }).map((path) =>
    path.replaceAll("\\", "/"),
  );
  return paths
    .filter((path) => statSync(new URL(encodeURI(path), sampleFolder)).isFile())
    .map((path) => fileOf(path, readFileSync(new URL(encodeURI(path), sampleFolder), "utf8")));
}

test("the brief of the sample folder is the golden file", () => {
  const { text } = briefOf(sampleFiles());
  if (process.env.ARW_UPDATE_GOLDEN === "1") writeFileSync(goldenFile, text);
  assert.equal(text, readFileSync(goldenFile, "utf8"), "run again with ARW_UPDATE_GOLDEN=1 and read the difference");
});

test("every statement about the sample folder cites lines that exist", () => {
  const files = sampleFiles();
  const lineCounts = new Map(files.map(({ path, outline }) => [path, outline?.lineCount ?? 0]));
  for (const { text, citations } of briefOf(files).statements) {
    assert.ok(citations.length > 0, text);
    for (const { path, line } of citations)
      assert.ok(line >= 1 && line <= (lineCounts.get(path) ?? 0), `${path}:${line}`);
  }
});

const words = fc.constantFrom(
  "water",
  "beds",
  "the",
  "compost",
  "due 2026-10-01.",
  "TODO: mend",
  "who?",
  "\n",
  "\n# ",
  "\n- [ ] ",
  "[x](y.md)",
  "`",
  "<b>",
  "\u202e",
  "![a](b)",
);
const folders = fc.uniqueArray(
  fc.tuple(fc.stringMatching(/^[a-z `]{1,6}(?:\/[a-z\][*]{1,6})?\.(?:md|txt|ts)$/), fc.array(words, { maxLength: 60 })),
  { selector: ([path]) => path, maxLength: 8 },
);

test("the same files give the same bytes in whatever order they are added", () => {
  fc.assert(
    fc.property(folders, fc.infiniteStream(fc.nat(1000)), (written, chance) => {
      const files = written.map(([path, parts]) => fileOf(path, parts.join(" ")));
      const shuffled = files.map((file) => ({ file, at: chance.next().value ?? 0 })).toSorted((a, b) => a.at - b.at);
      assert.deepEqual(briefOf(shuffled.map(({ file }) => file)), briefOf(files));
    }),
    { numRuns },
  );
});

test("no file can put markup, links or hidden text into the brief", () => {
  const hostile = fc.string({
    unit: fc.constantFrom(
      ..."`*_[]()<>|\\#-+=~&!$:/@.x1 ".split(""),
      "\u202e",
      "\u200b",
      "\u0000",
      "\u001b[31m",
      "http://a.example",
      "www.a.example",
      "a@b.example",
      "&lt;",
      "](b)",
      "<script>",
      "word ",
      "\ud83d",
    ),
    maxLength: 60,
  });
  fc.assert(
    fc.property(hostile, hostile, (said, name) => {
      const outline = {
        ...fileOf("a.md", "").outline,
        todos: [{ line: 1, kind: "task", text: said, isDone: false }],
        orders: [{ line: 1, why: "speaks to an assistant", text: said }],
      };
      const { text } = briefOf([
        { ...fileOf(name === "" ? "a" : name, "x"), skippedReason: said, outline: outline as BriefFile["outline"] },
      ]);
      const line = text.split("\n").filter((item) => item.startsWith("- "));
      for (const item of line) assertTame(item.slice(2));
      assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\u200b\u202a-\u202e]/u);
      assert.ok(text.isWellFormed());
    }),
    { numRuns: numRuns * 5 },
  );
});

/** Reads an item the way Markdown does: escapes first, then code spans; what is left must hold no mark that does anything. */
function assertTame(item: string): void {
  let rest = "";
  for (let at = 0; at < item.length; ) {
    if (item[at] === "\\" && /[!-/:-@[-`{-~]/.test(item[at + 1] ?? "")) {
      at += 2;
      rest += "\u00b7";
      continue;
    }
    const row = /^`+/.exec(item.slice(at))?.[0];
    if (row === undefined) {
      rest += item[at++];
      continue;
    }
    const close = new RegExp(`(?<!\`)${row}(?!\`)`).exec(item.slice(at + row.length));
    assert.ok(close !== null, `an open code span in ${JSON.stringify(item)}`);
    at += row.length * 2 + close.index;
    rest += "\u00b7";
  }
  const bare = rest.replace(/^\*\*[^*]{1,60}\*\*/, "");
  assert.doesNotMatch(bare, /[<[\]|`*$]|:\/\/|www\.|\w@\w|~~|&\w+;|^[#+=>~-]|^\d+[.)]/, JSON.stringify(item));
}

test("copies are found by digest and near copies by their words, and told once", () => {
  const paragraph = Array.from({ length: 120 }, (_, index) => `word${index * 7}`).join(" ");
  const files = [
    fileOf("a.md", `${paragraph} end`),
    fileOf("b.md", `${paragraph} end`),
    fileOf("c.md", `${paragraph} fin`),
    fileOf("d.md", Array.from({ length: 120 }, (_, index) => `other${index}`).join(" ")),
  ];
  const { duplicates, nearDuplicates } = builderOf(files).findings();
  assert.deepEqual(
    duplicates.entries.map(({ paths }) => paths),
    [["a.md", "b.md"]],
  );
  assert.deepEqual(
    nearDuplicates.entries.map(({ paths }) => paths),
    [["a.md", "c.md"]],
  );
});

test("relative links are checked against the folder, and those that leave it are told apart", () => {
  const links =
    '[1](b%20c.md#part) [2](./sub/../b%20c.md "title") [2](a line of words) [3](sub/) [4](/sub/d.md?x=1) [5](page) [6](#here) [7](https://a.example) [8](gone.md) [9](../up.md) [10]({{ x }}) [11](brief.md)';
  const { brokenLinks, outsideLinks } = builderOf([
    fileOf("a.md", `${links}\n\n[8](gone.md)\n`),
    fileOf("b c.md", "b"),
    fileOf("sub/d.md", "[up](../a.md)"),
    fileOf("page.md", "page"),
    fileOf("brief.md", "[x](nowhere.md)"),
  ]).findings();
  assert.deepEqual(brokenLinks.entries, [
    {
      target: "gone.md",
      places: [
        { path: "a.md", line: 1 },
        { path: "a.md", line: 3 },
      ],
    },
  ]);
  assert.deepEqual(outsideLinks.entries, [{ target: "../up.md", places: [{ path: "a.md", line: 1 }] }]);
});

test("a second run tells what changed, and leaves its own brief out", () => {
  const first = builderOf([
    fileOf("a.md", "one"),
    fileOf("b.md", "two"),
    fileOf("c.md", "three"),
    fileOf("brief.md", "old"),
  ]);
  assert.deepEqual(
    first.manifest().files.map(({ path }) => path),
    ["a.md", "b.md", "c.md"],
  );
  const brief = briefOf(
    [fileOf("a.md", "one"), fileOf("b.md", "TWO"), fileOf("d.md", "four"), fileOf("brief.md", "new")],
    first.manifest(),
  );
  assert.deepEqual(textsOf(brief, "Changes since the last brief"), ["New: d.md", "Changed: b.md", "Gone: c.md"]);
  assert.match(brief.text, /1 new, 1 changed, 1 gone, 1 as before\./);
  assert.match(
    briefOf([fileOf("a.md", "one")], builderOf([fileOf("a.md", "one")]).manifest()).text,
    /Nothing changed; 1 file as before\./,
  );
});

test("files that were not read are counted by reason", () => {
  const skipped = (path: string): BriefFile => ({
    path,
    sizeBytes: 9,
    modifiedMs: 0,
    digest: null,
    outline: null,
    skippedReason: "not text",
  });
  assert.ok(textsOf(briefOf([skipped("a.png"), skipped("b.png")]), "Inventory").includes("2 files not read: not text"));
});

test("an empty folder has a brief too", () => {
  assert.equal(
    briefOf([]).text,
    `# Brief of garden-notes\n\n${briefPromise}\n\nThere is nothing to tell: the folder holds no files.\n`,
  );
});

test("a brief stays within its size, whatever the files hold, and counts the rest", () => {
  const files = Array.from({ length: 300 }, (_, index) =>
    fileOf(
      `${"deep/".repeat(20)}${"n".repeat(100)}${index}.md`,
      `# T${index}\n\n- [ ] ${"<[`*".repeat(60)}${index}\n\nDue 2026-10-01 ${"[".repeat(150)}. Who ${"*".repeat(150)} ${index}?\n\n[x](gone${index}.md)\n`,
    ),
  );
  const { text, statements } = briefOf(files);
  assert.ok(Buffer.byteLength(text) <= briefSizeBytesMax);
  assert.match(text, /… and \d+ more\./);
  assert.ok(statements.length > 50);
});

test("twenty thousand files fit, and near copies among them do not cost the square", { timeout: 30_000 }, () => {
  const builder = builderOf([]);
  const base = fileOf(
    "x.md",
    `# Note\n\n${Array.from({ length: 200 }, (_, index) => `word${index}`).join(" ")}.\n\n[a](gone.md)\n`,
  );
  for (let index = 0; index < 20_000; index++)
    builder.add({ ...base, path: `d${index % 100}/f${index}.md`, digest: `sha256:${index}` });
  const { nearDuplicates, brokenLinks } = builder.findings();
  assert.equal(nearDuplicates.entries[0]?.paths.length, 20_000);
  assert.equal(brokenLinks.count, 20_000);
});
