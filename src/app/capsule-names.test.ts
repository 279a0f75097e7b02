import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { withCapsulePaths } from "./capsule-names.ts";

test("a file takes the place of no name, and is meant by its path", async () => {
  const folder = mkdtempSync(join(tmpdir(), "arw-names-"));
  try {
    const names = ["last", "01a20a03", "sha256:00ff", "run.capsule"];
    for (const name of names) writeFileSync(join(folder, name), "");
    const resolvePath = (path: string): string => join(folder, path);
    const meant = async (typed: string) => (await withCapsulePaths("a")({ a: typed, b: typed }, { resolvePath }))["a"];
    for (const name of names.slice(0, 3)) {
      assert.equal(await meant(name), name);
      assert.equal(await meant(`./${name}`), join(folder, name));
    }
    assert.equal(await meant("run.capsule"), join(folder, "run.capsule"));
    assert.equal(await meant("absent.capsule"), "absent.capsule");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
