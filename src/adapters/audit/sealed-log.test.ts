/** The audit log of an encrypted state: it rotates, mends, lists and verifies as in plain, and tells a thief nothing. */
import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { testSealer } from "../../../test/kit/sealer.ts";
import { auditPaths, openAuditLog } from "./audit-log.ts";
import { chained, firstHead, plainLines, sealedLines } from "./chain.ts";

const words = "the heron stands";
const entry = (why: string) =>
  ({ timeMs: 1, caller: "person:admin", operation: "a.b", outcome: "answered", why: `${words} ${why}` }) as const;

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "arw-audit-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const open = (folder: string, seed: number) =>
  openAuditLog({ folder, sizeBytesMax: 2000, nowMs: () => 1, lines: sealedLines(testSealer(seed)) });

test("rows of several hubs hold together across files, and no file has a word of them", async () => {
  await using folder = await temporaryFolder();
  for (let seed = 1; seed <= 3; seed += 1) {
    using log = open(folder.path, seed);
    for (let row = 0; row < 4; row += 1) log.append(entry(`${seed}-${row}`));
    assert.equal((await log.verify()).fault, null);
    assert.equal((await log.list({ limit: 100 }))[0]?.why, `${words} ${seed}-3`);
  }
  const texts = await Promise.all(auditPaths(folder.path).map((path) => readFile(path, "utf8").catch(() => "")));
  assert.ok(texts.filter((text) => text !== "").length > 1, "it rotated");
  assert.equal(texts.join("").includes("heron"), false);
});

test("a torn end is cut off, and a row that somebody changed, moved or put in is found", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "audit.log");
  {
    using log = open(folder.path, 1);
    for (const why of ["1", "2", "3"]) log.append(entry(why));
  }
  const whole = await readFile(path, "utf8");
  await appendFile(path, "AbCd");
  {
    using log = open(folder.path, 2);
    assert.match(log.health().detail, /damaged and cut off/);
    assert.equal((await log.verify()).fault, null);
  }
  const [first = "", second = "", third = ""] = whole.split("\n");
  const forged = plainLines.lineOf(chained(entry("forged"), firstHead)).trimEnd();
  for (const lines of [
    [second, first, third],
    [first, third],
    [forged, second, third],
    [first, `${second.slice(0, -4)}AAAA`, third],
  ]) {
    await writeFile(path, `${lines.join("\n")}\n`);
    using log = open(folder.path, 3);
    assert.notEqual((await log.verify()).fault, null);
  }
});
