import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "vitest";
import type { IgnoreRules } from "./ignore-rules.ts";
import { createIgnoreRules } from "./ignore-rules.ts";

const folders = ["", "a", "a/b", "a/[x]", "a/b/!c"];
const names = ["a", "b", "x", "!c", "x.log", "#d"];
const patterns = fc.constantFrom(
  "*",
  "!*",
  "*/",
  "!*/",
  "a",
  "/a",
  "a/",
  "!a",
  "b/x",
  "/b/x",
  "**/x",
  "a/**",
  "a/**/x",
  "*.log",
  "!x.log",
  "?",
  "\\!c",
  "\\#d",
  "#d",
  "[x]",
  "[!a]",
  "",
  " ",
  "!",
  "/",
  "x ",
  "x\\ ",
  "!/b/",
  "**",
  "B",
  "/*",
  "!/a",
);

/** Ignored by our rules, as a walk decides it: nothing below an ignored folder is looked at. */
function ours(files: ReadonlyMap<string, string>, path: string): boolean {
  let rules: IgnoreRules = createIgnoreRules(false).within("", files.get("") ?? "");
  const steps = path.split("/");
  for (let depth = 1; depth <= steps.length; depth++) {
    const part = steps.slice(0, depth).join("/");
    if (rules.isIgnored(part, depth < steps.length)) return true;
    rules = rules.within(part, files.get(part) ?? "");
  }
  return false;
}

test("nested ignore files decide as git does", (context) => {
  context.skip(spawnSync("git", ["--version"]).status !== 0, "SKIPPED, NOT TESTED: there is no git here");
  const base = mkdtempSync(join(tmpdir(), "arw-ignore-"));
  try {
    execFileSync("git", ["init", "--quiet", base]);
    for (const folder of folders) mkdirSync(join(base, folder), { recursive: true });
    const paths = folders.flatMap((folder) => names.map((name) => (folder === "" ? name : `${folder}/${name}`)));
    const leaves = paths.filter((path) => !folders.includes(path));
    const lines = fc.array(patterns, { maxLength: 4 }).map((all) => all.join("\n"));
    fc.assert(
      fc.property(fc.tuple(lines, lines, lines, lines, lines), (texts) => {
        const files = new Map(folders.map((folder, index) => [folder, texts[index] ?? ""]));
        for (const [folder, text] of files) writeFileSync(join(base, folder, ".gitignore"), text);
        const git = spawnSync(
          "git",
          ["-c", "core.excludesFile=/dev/null", "check-ignore", "--stdin", "-z", "--no-index"],
          {
            cwd: base,
            input: `${leaves.join("\0")}\0`,
          },
        );
        const ignored = git.stdout
          .toString()
          .split("\0")
          .filter((path) => path !== "");
        assert.deepEqual(
          leaves.filter((path) => ours(files, path)),
          ignored,
        );
      }),
      { numRuns: 60 },
    );
  } finally {
    rmSync(base, { recursive: true });
  }
});
