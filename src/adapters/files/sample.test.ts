import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, test } from "vitest";
import { createSampleFolder } from "./sample.ts";

test("the sample is laid out whole, also for many who ask at once, and without a former brief", async () => {
  const stateDir = await mkdtemp(join(tmpdir(), "arw-sample-"));
  onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
  const source = join(import.meta.dirname, "..", "..", "..", "examples", "garden-notes");
  const sample = createSampleFolder({ source, stateDir });
  const folder = await sample.layOut();
  await writeFile(join(folder, "brief.md"), "old");
  const answers = await Promise.all(Array.from({ length: 8 }, () => sample.layOut()));
  assert.deepEqual(new Set(answers), new Set([folder]));
  assert.equal(readFileSync(join(folder, "README.md"), "utf8"), readFileSync(join(source, "README.md"), "utf8"));
  assert.equal(existsSync(join(folder, "brief.md")), false);
});
