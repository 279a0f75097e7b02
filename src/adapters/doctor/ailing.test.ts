import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { openSqliteStore, storeFormat } from "../sqlite/store.ts";
import { createDoctor } from "./examine.ts";

test("what the running hub says is not well is a fault, however whole its files are", async () => {
  const stateDir = await mkdtemp(join(tmpdir(), "arw-ailing-"));
  try {
    openSqliteStore(join(stateDir, "journal.db"))[Symbol.dispose]();
    const examine = (ailing: readonly { readonly name: string; readonly detail: string }[]) =>
      createDoctor({
        stateDir,
        nowMs: () => 1,
        storeFormat,
        verifyTail: () => null,
        versions: { arw: "1.0.0", node: "24.21.0", nodeMin: "24.16.0" },
        holder: () => Promise.resolve("held"),
        ailing: () => Promise.resolve(ailing),
      }).examine();
    const levels = async (names: readonly string[]) =>
      (await examine(names.map((name) => ({ name, detail: "the disk is full" }))))
        .filter(({ name }) => ["store", "audit", "tee"].includes(name))
        .map(({ name, level }) => [name, level]);
    assert.deepEqual(await levels([]), [
      ["store", "ok"],
      ["audit", "ok"],
    ]);
    assert.deepEqual(await levels(["store", "audit", "tee"]), [
      ["store", "fault"],
      ["audit", "fault"],
      ["tee", "fault"],
    ]);
  } finally {
    await rm(stateDir, { recursive: true });
  }
});
