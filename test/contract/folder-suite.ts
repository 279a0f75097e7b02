/** What every adapter of the folder port must do. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, test } from "vitest";
import type { FolderFaultCode, Folders, FolderWalk, OpenFolder, WalkOptions } from "../../src/domains/fs/port.ts";
import { FolderFault } from "../../src/domains/fs/port.ts";

export interface FolderFixture extends AsyncDisposable {
  readonly folders: Folders;
  readonly root: string;
  /** Makes missing parents. */
  put(path: string, content: string | Uint8Array): Promise<void>;
  makeFolder(path: string): Promise<void>;
  /** A link to a file or folder outside that exists. */
  makeLink(path: string, to: "file" | "folder"): Promise<void>;
  makePipe(path: string): Promise<void>;
  delete(path: string): Promise<void>;
}

export const signal = new AbortController().signal;
export const digestOf = (content: string | Uint8Array) =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`;
const everything = { signal, limit: 100_000, entriesMax: 100_000, ignoreFiles: true } satisfies WalkOptions;

export const pathsOf = async (walk: FolderWalk): Promise<string[]> => {
  const paths: string[] = [];
  for await (const entry of walk) paths.push(entry.kind === "folder" ? `${entry.path}/` : entry.path);
  return paths;
};

export const walkAll = (folder: OpenFolder, options: Partial<WalkOptions> = {}): Promise<string[]> =>
  pathsOf(folder.walk({ ...everything, ...options }));

export async function refused(code: FolderFaultCode, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof FolderFault, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

export const readText = async (folder: OpenFolder, path: string): Promise<string> =>
  Buffer.from((await folder.readBytes(path, { signal, sizeBytesMax: 1_000_000 })).bytes).toString("utf8");

/** Everything that must not open anything, whatever the folder holds. */
const hostilePaths = [
  "",
  ".",
  "..",
  "../secret",
  "a/../../secret",
  "a/./b",
  "/etc/passwd",
  "a//b",
  "a/",
  "a\0b",
  `${"x/".repeat(5_000)}x`,
  "x".repeat(5_000),
];

export function folderContract(name: string, make: () => Promise<FolderFixture>): void {
  describe(`folder: ${name}`, () => {
    readingContract(make);
    writingContract(make);
    walkingContract(make);
    resumingContract(make);
  });
}

const opened = (fixture: FolderFixture, isWritable = true) =>
  fixture.folders.open(fixture.root, { signal, isWritable });

function readingContract(make: () => Promise<FolderFixture>): void {
  test("reads a whole file, or its head, and says which", async () => {
    await using fixture = await make();
    await fixture.put("notes/a.txt", "hello");
    await using folder = await opened(fixture, false);
    const whole = await folder.readBytes("notes/a.txt", { signal, sizeBytesMax: 5 });
    assert.equal(Buffer.from(whole.bytes).toString(), "hello");
    assert.deepEqual([whole.sizeBytes, whole.isTruncated, whole.digest], [5, false, digestOf("hello")]);
    const head = await folder.readBytes("notes/a.txt", { signal, sizeBytesMax: 4 });
    assert.equal(Buffer.from(head.bytes).toString(), "hell");
    assert.deepEqual([head.sizeBytes, head.isTruncated, head.digest], [5, true, null]);
    assert.ok(Number.isInteger(head.modifiedMs));
  });

  test("refuses every text that is not a path inside", async () => {
    await using fixture = await make();
    await fixture.put("a/b", "1");
    await using folder = await opened(fixture);
    for (const path of hostilePaths) {
      await refused("outside-folder", folder.readBytes(path, { signal, sizeBytesMax: 1 }));
      await refused("outside-folder", folder.writeBytes(path, new Uint8Array(), { signal, expectedDigest: null }));
      await refused("outside-folder", folder.remove(path, { signal, expectedDigest: digestOf("") }));
      if (path !== "") await refused("outside-folder", folder.stat(path, signal));
    }
  });

  test("tells what is missing, what is a folder, what is a link and what is a device", async () => {
    await using fixture = await make();
    await fixture.put("file", "1");
    await fixture.makeFolder("folder");
    await fixture.makeLink("link", "file");
    await fixture.makeLink("way", "folder");
    await fixture.makePipe("pipe");
    await using folder = await opened(fixture);
    const read = (path: string) => folder.readBytes(path, { signal, sizeBytesMax: 10 });
    await refused("not-found", read("none"));
    await refused("not-found", read("none/none"));
    await refused("not-a-file", read("folder"));
    await refused("not-a-file", read("file/below"));
    await refused("link-refused", read("link"));
    await refused("link-refused", read("way/inside"));
    await refused("device-refused", read("pipe"));
    const kinds = await Promise.all(
      ["", "file", "folder", "link", "pipe", "none", "none/none"].map((path) => folder.stat(path, signal)),
    );
    assert.deepEqual(
      kinds.map((entry) => entry?.kind ?? null),
      ["folder", "file", "folder", "link", "other", null, null],
    );
    await refused("link-refused", folder.stat("way/inside", signal));
  });

  test("opens no folder that is missing or named by a relative path", async () => {
    await using fixture = await make();
    await refused("not-found", fixture.folders.open(`${fixture.root}/none`, { signal, isWritable: false }));
    await refused("outside-folder", fixture.folders.open("relative", { signal, isWritable: false }));
  });

  test("rethrows the reason of an abort", async () => {
    await using fixture = await make();
    await fixture.put("a", "1");
    await using folder = await opened(fixture);
    const gone = AbortSignal.abort("caller left");
    await assert.rejects(folder.readBytes("a", { signal: gone, sizeBytesMax: 1 }), isReason);
    await assert.rejects(folder.stat("a", gone), isReason);
    await assert.rejects(folder.writeBytes("b", Buffer.from("1"), { signal: gone, expectedDigest: null }), isReason);
    await assert.rejects(walkAll(folder, { signal: gone }), isReason);
    assert.deepEqual(await walkAll(folder), ["a"]);
  });
}

function writingContract(make: () => Promise<FolderFixture>): void {
  test("creates, replaces and removes only what the caller knows", async () => {
    await using fixture = await make();
    await using folder = await opened(fixture);
    const write = (text: string, expectedDigest: string | null) =>
      folder.writeBytes("a", Buffer.from(text), { signal, expectedDigest });
    await refused("changed", write("one", digestOf("zero")));
    assert.deepEqual(await write("one", null), { before: null, digest: digestOf("one") });
    await refused("changed", write("two", null));
    await refused("changed", write("two", digestOf("zero")));
    const change = await write("two", digestOf("one"));
    assert.equal(Buffer.from(change.before ?? []).toString(), "one");
    assert.equal(await readText(folder, "a"), "two");
    await refused("changed", folder.remove("a", { signal, expectedDigest: digestOf("one") }));
    const removal = await folder.remove("a", { signal, expectedDigest: digestOf("two") });
    assert.deepEqual([Buffer.from(removal.before ?? []).toString(), removal.digest], ["two", null]);
    assert.deepEqual(await walkAll(folder), []);
    await refused("changed", folder.remove("a", { signal, expectedDigest: digestOf("two") }));
  });

  test("makes parent folders only when told", async () => {
    await using fixture = await make();
    await using folder = await opened(fixture);
    const write = (path: string, canMakeFolders: boolean) =>
      folder.writeBytes(path, Buffer.from("1"), { signal, expectedDigest: null, canMakeFolders });
    await refused("not-found", write("a/b/c", false));
    assert.deepEqual(await walkAll(folder), []);
    await write("a/b/c", true);
    await write("a/b/d", true);
    assert.deepEqual(await walkAll(folder), ["a/", "a/b/", "a/b/c", "a/b/d"]);
  });

  test("removes the folders above a file as far as they are empty, and only when told", async () => {
    await using fixture = await make();
    await using folder = await opened(fixture);
    const write = (path: string) =>
      folder.writeBytes(path, Buffer.from("1"), { signal, expectedDigest: null, canMakeFolders: true });
    const remove = (path: string, emptyFoldersMax?: number) =>
      folder.remove(path, {
        signal,
        expectedDigest: digestOf("1"),
        ...(emptyFoldersMax === undefined ? {} : { emptyFoldersMax }),
      });
    for (const path of ["a/b/c/one", "a/b/two", "d/e/three"]) await write(path);
    await remove("a/b/c/one", 3);
    assert.deepEqual(await walkAll(folder), ["a/", "a/b/", "a/b/two", "d/", "d/e/", "d/e/three"]);
    await remove("a/b/two");
    await remove("d/e/three", 1);
    assert.deepEqual(await walkAll(folder), ["a/", "a/b/", "d/"]);
    await write("d/four");
    await remove("d/four", 9);
    assert.deepEqual(await walkAll(folder), ["a/", "a/b/"]);
  });

  test("writes through no link, into no device and over no folder", async () => {
    await using fixture = await make();
    await fixture.put("file", "1");
    await fixture.makeFolder("folder");
    await fixture.makeLink("link", "file");
    await fixture.makeLink("way", "folder");
    await fixture.makePipe("pipe");
    await using folder = await opened(fixture);
    const write = (path: string) =>
      folder.writeBytes(path, Buffer.from("2"), { signal, expectedDigest: null, canMakeFolders: true });
    await refused("link-refused", write("link"));
    await refused("link-refused", write("way/new"));
    await refused("device-refused", write("pipe"));
    await refused("not-a-file", write("folder"));
    await refused("not-a-file", write("file/below"));
    assert.deepEqual(await walkAll(folder), ["file", "folder/", "link", "pipe", "way"]);
  });

  test("writes nothing in a folder opened for reading", async () => {
    await using fixture = await make();
    await fixture.put("a", "1");
    await using folder = await opened(fixture, false);
    await refused("read-only", folder.writeBytes("b", Buffer.from("1"), { signal, expectedDigest: null }));
    await refused("read-only", folder.remove("a", { signal, expectedDigest: digestOf("1") }));
    assert.deepEqual(await walkAll(folder), ["a"]);
  });

  test("lets exactly one of two writers with the same expectation win", async () => {
    await using fixture = await make();
    await using folder = await opened(fixture);
    const tries = await Promise.allSettled(
      ["one", "two"].map((text) => folder.writeBytes("a", Buffer.from(text), { signal, expectedDigest: null })),
    );
    assert.deepEqual(tries.map((one) => one.status).toSorted(), ["fulfilled", "rejected"]);
    const winner = tries[0]?.status === "fulfilled" ? "one" : "two";
    assert.equal(await readText(folder, "a"), winner);
  });

  test("refuses calls once disposed, and disposes twice", async () => {
    await using fixture = await make();
    await fixture.put("a", "1");
    await using folder = await opened(fixture);
    await folder[Symbol.asyncDispose]();
    await assert.rejects(folder.stat("a", signal), { name: "AssertionError" });
  });
}

function walkingContract(make: () => Promise<FolderFixture>): void {
  test("walks depth first, in the order of the bytes of names, and follows no link", async () => {
    await using fixture = await make();
    for (const path of ["b", "a/z", "a.txt", "a/b/c", "B", "ä", "\u{1f600}", "\uffee", "a b"]) {
      await fixture.put(path, path);
    }
    await fixture.makeLink("link", "file");
    await fixture.makeLink("way", "folder");
    await fixture.makePipe("pipe");
    await fixture.makeFolder("empty");
    await using folder = await opened(fixture);
    const walk = folder.walk(everything);
    assert.deepEqual(await pathsOf(walk), [
      "B",
      "a/",
      "a/b/",
      "a/b/c",
      "a/z",
      "a b",
      "a.txt",
      "b",
      "empty/",
      "link",
      "pipe",
      "way",
      "ä",
      "\uffee",
      "\u{1f600}",
    ]);
    assert.deepEqual([walk.skippedCount, walk.skipped, walk.nextAfterPath], [0, [], null]);
  });

  test("respects ignore files, the nested ones in their folder, and never sees .git", async () => {
    await using fixture = await make();
    await fixture.put(".gitignore", "# comment\n\n*.log\nbuild/\n/top\n!keep.log\n");
    await fixture.put("x[1]/.gitignore", "!build/\n   \n!\n/\nlocal\n/own/only\n*.tmp\n!keep.tmp\r\n");
    for (const path of [
      "a.log",
      "keep.log",
      "top",
      "build/out",
      ".git/config",
      "deep/top",
      "deep/a.log",
      "deep/.git",
      "local",
      "x[1]/build/out",
      "x[1]/local/inner",
      "x[1]/deep/local",
      "x[1]/own/only",
      "x[1]/deep/own/only",
      "x[1]/a.tmp",
      "x[1]/keep.tmp",
      "x1/local",
    ]) {
      await fixture.put(path, "");
    }
    await using folder = await opened(fixture);
    assert.deepEqual(await walkAll(folder), [
      ".gitignore",
      "deep/",
      "deep/top",
      "keep.log",
      "local",
      "x1/",
      "x1/local",
      "x[1]/",
      "x[1]/.gitignore",
      "x[1]/build/",
      "x[1]/build/out",
      "x[1]/deep/",
      "x[1]/deep/own/",
      "x[1]/deep/own/only",
      "x[1]/keep.tmp",
      "x[1]/own/",
    ]);
    const all = await walkAll(folder, { ignoreFiles: false });
    assert.ok(all.includes("a.log") && all.includes("build/out") && !all.some((path) => path.includes(".git/")));
  });

  test("tells of the files that ignore files leave out, without entering folders that are left out", async () => {
    await using fixture = await make();
    await fixture.put(".gitignore", ".env\nbuild/\n");
    for (const path of [".env", "a/.env", "a/kept.md", "build/.env"]) await fixture.put(path, "x");
    await using folder = await opened(fixture);
    const ignored: string[] = [];
    await pathsOf(folder.walk({ ...everything, onIgnored: (path) => void ignored.push(path) }));
    assert.deepEqual(ignored, [".env", "a/.env"]);
  });

  test("says where a walk stopped, also at ignored entries and when the caller leaves early", async () => {
    await using fixture = await make();
    await fixture.put(".gitignore", "i*\n");
    for (const path of ["i1", "i2", "i3", "z"]) await fixture.put(path, "");
    await using folder = await opened(fixture);
    const small = folder.walk({ ...everything, entriesMax: 3 });
    assert.deepEqual(await pathsOf(small), [".gitignore"]);
    assert.equal(small.nextAfterPath, "i2");
    assert.deepEqual(await walkAll(folder, { afterPath: "i2", entriesMax: 2 }), ["z"]);
    const left = folder.walk(everything);
    for await (const entry of left) if (entry.path !== "") break;
    assert.equal(left.nextAfterPath, ".gitignore");
  });
}

const isReason = (error: unknown) => error === "caller left";

/** A file cannot be a folder too: the first comer stays. */
const isFree = (path: string, others: readonly string[]) =>
  others.every((other) => !other.startsWith(`${path}/`) && !path.startsWith(`${other}/`));

function resumingContract(make: () => Promise<FolderFixture>): void {
  const step = fc.constantFrom("a", "b", "a.b", "Z", "é", "\u{10000}", "\uffff");
  const paths = fc.uniqueArray(
    fc.array(step, { minLength: 1, maxLength: 4 }).map((steps) => steps.join("/")),
    { maxLength: 24 },
  );

  test("pages put together are the whole walk, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(paths, fc.integer({ min: 1, max: 7 }), async (wanted, limit) => {
        await using fixture = await make();
        const files: string[] = [];
        for (const path of wanted) if (isFree(path, files)) files.push(path);
        for (const path of files) await fixture.put(path, "");
        await using folder = await opened(fixture);
        const whole = await walkAll(folder);
        assert.deepEqual(whole.filter((path) => !path.endsWith("/")).toSorted(), files.toSorted());
        const pages: string[] = [];
        for (let afterPath: string | null = ""; afterPath !== null; ) {
          const page: FolderWalk = folder.walk({ ...everything, afterPath, limit });
          pages.push(...(await pathsOf(page)));
          afterPath = page.nextAfterPath;
        }
        assert.deepEqual(pages, whole);
      }),
      { numRuns: 25 },
    );
  });

  test("goes on behind a path that is gone, or was turned into something else", async () => {
    await using fixture = await make();
    for (const path of ["a/1", "b/1", "b/2", "c"]) await fixture.put(path, "");
    await using folder = await opened(fixture);
    assert.deepEqual(await walkAll(folder, { afterPath: "b/1" }), ["b/2", "c"]);
    assert.deepEqual(await walkAll(folder, { afterPath: "b" }), ["b/1", "b/2", "c"]);
    assert.deepEqual(await walkAll(folder, { afterPath: "a/9/none" }), ["b/", "b/1", "b/2", "c"]);
    await fixture.delete("b");
    assert.deepEqual(await walkAll(folder, { afterPath: "b/1" }), ["c"]);
    await fixture.put("b", "");
    assert.deepEqual(await walkAll(folder, { afterPath: "b/1" }), ["c"]);
    assert.deepEqual(await walkAll(folder, { afterPath: "zzz" }), []);
  });
}
