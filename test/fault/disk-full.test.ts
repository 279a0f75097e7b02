/** A disk that runs full stops the hub's writing, not the hub, and costs nothing that was acknowledged. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { openSqliteStore } from "../../src/adapters/sqlite/store.ts";
import { isProblem } from "../../src/contract/problem.ts";
import { verifyChain } from "../../src/kernel/verify.ts";
import { admin, makeKernel, until } from "../kit/kernel.ts";
import { loadDomain, Noted, Work } from "./load.ts";

const diskBytes = 3_000_000;
const ballastBytes = 1_500_000;
const paddingCharacters = 8000;
/** The disk holds fewer than this many notes. */
const notesMax = 1000;

/** A small file system of its own, or the reason why there is none. */
function mountSmallDisk(): { readonly folder: string; unmount(): void } | string {
  if (process.platform !== "linux") return "optional: a small disk is mounted on Linux alone";
  const folder = mkdtempSync(join(tmpdir(), "arw-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", folder], { stdio: "pipe" });
  } catch {
    rmSync(folder, { recursive: true });
    return "optional: mounting a file system is not permitted here";
  }
  return {
    folder,
    unmount() {
      execFileSync("umount", ["-l", folder], { stdio: "pipe" });
      rmSync(folder, { recursive: true });
    },
  };
}

test("on a full disk writes are refused with a name, and go on when there is space", async (context) => {
  const disk = mountSmallDisk();
  if (typeof disk === "string") {
    context.skip(disk);
    return;
  }
  const path = join(disk.folder, "journal.db");
  const ballast = join(disk.folder, "ballast");
  try {
    writeFileSync(ballast, Buffer.alloc(ballastBytes));
    const kit = await makeKernel({ store: openSqliteStore(path), domains: () => [loadDomain] });
    const acknowledged: string[] = [];
    const refused: string[] = [];
    const note = async (name: string): Promise<string> => {
      try {
        await kit.kernel.journal.emit(
          Noted,
          { name, padding: "x".repeat(paddingCharacters) },
          { caller: admin, corrId: "full", causeId: null },
        );
        acknowledged.push(name);
        return "ok";
      } catch (error) {
        refused.push(name);
        return isProblem(error) ? error.definition.code : String(error);
      }
    };
    const { taskId } = await kit.kernel.queue.enqueue({
      operation: Work,
      payload: { name: "late" },
      caller: admin,
      corrId: "late",
      delayMs: 1000,
    });
    let came = "ok";
    for (let index = 0; came === "ok" && index < notesMax; index += 1) came = await note(`before-${index}`);
    assert.equal(came, "arw.store-full");
    assert.equal(await note("while-full"), "arw.store-full");
    kit.clock.advance(1000);
    assert.equal((await kit.call("state.notes", {})).outcome.kind, "answer");
    await rm(ballast);
    assert.equal(await note("after"), "ok");
    kit.clock.advance(10_000);
    await until(() => kit.kinds().includes("task.finished"), "the task is done");
    const rows = new Map(
      kit.store.rows({ view: "notes", order: "asc", limit: 10_000 }).map(({ key, json }) => [key, json]),
    );
    await kit[Symbol.asyncDispose]();
    const store = openSqliteStore(path);
    assert.equal(verifyChain(store).fault, null);
    const names = store
      .events({ limit: 10_000, kinds: [Noted.kind] })
      .map((row) => (JSON.parse(row.data ?? "{}") as { name: string }).name);
    assert.deepEqual(names, acknowledged);
    assert.deepEqual(rows, new Map(acknowledged.toSorted().map((name) => [name, "1"])));
    assert.ok(refused.length >= 2 && taskId !== "");
    store[Symbol.dispose]();
  } finally {
    disk.unmount();
  }
});
