import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "vitest";
import { createFileFolders } from "./folder.ts";
import { withoutOwn } from "./own-folder.ts";
import type { Folders } from "../../domains/fs/port.ts";

/** All paths, page by page. */
async function walked(folders: Folders, root: string, limit: number): Promise<readonly string[]> {
  const seen: string[] = [];
  let afterPath: string | null = "";
  for (let page = 0; afterPath !== null && page < 100; page += 1) {
    await using open = await folders.open(root, { signal: AbortSignal.timeout(20_000), isWritable: false });
    const options = { signal: AbortSignal.timeout(20_000), limit, ignoreFiles: true, entriesMax: 5 };
    const walk = open.walk(afterPath === "" ? options : { ...options, afterPath });
    for await (const entry of walk) seen.push(entry.path);
    afterPath = walk.nextAfterPath;
    assert.ok(!/token/.test(afterPath ?? ""), String(afterPath));
  }
  return seen;
}

test("no page of a folder ends at a name of the hub's own files, and each page goes on from the one before", async () => {
  const root = await mkdtemp(join(tmpdir(), "arw-own-"));
  try {
    const own = Array.from({ length: 40 }, (_each, n) => `state/token-${String(n).padStart(2, "0")}`);
    await mkdir(join(root, "state", "samples"), { recursive: true });
    for (const path of ["a.md", "b.md", "state/samples/s.md", "z.md", ...own]) await writeFile(join(root, path), "x");
    const folders = withoutOwn(createFileFolders(), {
      own: [join(root, "state")],
      open: [join(root, "state", "samples")],
    });
    for (const limit of [1, 2, 3, 100]) {
      const seen = await walked(folders, root, limit);
      assert.deepEqual(seen, ["a.md", "b.md", "state/samples", "state/samples/s.md", "z.md"]);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
