/** The folder contract on a real disk, in both confinements, and what only a disk can do to it. */
import assert from "node:assert/strict";
import { execFileSync, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { chmod, link, lstat, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "vitest";
import { createFileFolders } from "../../src/adapters/files/folder.ts";
import type { OpenFolder } from "../../src/domains/fs/port.ts";
import { FolderFault } from "../../src/domains/fs/port.ts";
import type { FolderFixture } from "./folder-suite.ts";
import { digestOf, folderContract, pathsOf, readText, refused, signal, walkAll } from "./folder-suite.ts";

interface DiskFixture extends FolderFixture {
  /** What lies beside the folder and must never be reached. */
  readonly outside: string;
  readonly base: string;
}

const isWindows = process.platform === "win32";
const isRoot = process.getuid?.() === 0;
const secret = "the secret outside";

for (const confinement of ["descriptors", "checked"] as const) {
  if (confinement === "descriptors" && process.platform !== "linux") continue;
  const make = () => makeOnDisk(confinement);
  if (!isWindows) folderContract(`files, ${confinement}`, make);
  describe.skipIf(isWindows)(`folder on disk: ${confinement}`, () => {
    hostileTests(make);
    changeTests(make);
    walkTests(make, confinement);
    strangerTests(make, confinement);
    if (confinement === "descriptors") raceTests(make);
  });
}

async function makeOnDisk(confinement: "descriptors" | "checked"): Promise<DiskFixture> {
  const base = await realpath(await mkdtemp(join(tmpdir(), "arw-folder-")));
  const [root, outside] = [join(base, "root"), join(base, "outside")];
  await mkdir(root);
  await mkdir(outside);
  await writeFile(join(outside, "inside"), secret);
  const descriptorsBefore = openDescriptors();
  const ready = async (path: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    return join(root, path);
  };
  return {
    folders: createFileFolders({ confinement }),
    base,
    root,
    outside,
    put: async (path, content) => writeFile(await ready(path), content),
    makeFolder: async (path) => void (await mkdir(join(root, path), { recursive: true })),
    makeLink: async (path, to) => symlink(to === "file" ? join(outside, "inside") : outside, await ready(path)),
    makePipe: async (path) => void execFileSync("mkfifo", [await ready(path)]),
    delete: (path) => rm(join(root, path), { recursive: true }),
    [Symbol.asyncDispose]: async () => {
      await rm(base, { recursive: true, force: true });
      assert.deepEqual(openDescriptors(), descriptorsBefore, "no descriptor may be left open");
    },
  };
}

/** Where each descriptor into a temporary folder leads; the rest belongs to the test runner. */
function openDescriptors(): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    const target = linkTarget(`/proc/self/fd/${fd}`);
    return target.includes("arw-folder-") ? [target] : [];
  });
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

type Make = () => Promise<DiskFixture>;

function hostileTests(make: Make): void {
  test("follows no link: out or in, at the end or in the middle, dangling or looping", async () => {
    await using fixture = await make();
    const { root, outside } = fixture;
    await fixture.put("real/file", "1");
    await symlink(join(outside, "inside"), join(root, "file-out"));
    await symlink(outside, join(root, "folder-out"));
    await symlink("real", join(root, "folder-in"));
    await symlink("real/file", join(root, "file-in"));
    await symlink("nowhere", join(root, "dangling"));
    await symlink("loop", join(root, "loop"));
    await symlink("/dev/zero", join(root, "zero"));
    await symlink("/proc/self/environ", join(root, "real/environ"));
    await using folder = await fixture.folders.open(root, { signal, isWritable: true });
    const paths = ["file-out", "folder-out/inside", "folder-in/file", "file-in", "dangling", "loop", "loop/x", "zero"];
    for (const path of [...paths, "real/environ", "folder-out/new"]) {
      await refused("link-refused", folder.readBytes(path, { signal, sizeBytesMax: 100 }));
      await refused("link-refused", folder.writeBytes(path, Buffer.from("!"), { signal, expectedDigest: null }));
      await refused("link-refused", folder.remove(path, { signal, expectedDigest: digestOf(secret) }));
    }
    assert.deepEqual(readdirSync(outside), ["inside"]);
    assert.equal(await readFile(join(outside, "inside"), "utf8"), secret);
  });

  test("opens no pipe, socket or device, and does not wait for one", async () => {
    await using fixture = await make();
    const server = createServer();
    await new Promise<void>((done) => server.listen(join(fixture.root, "socket"), done));
    await fixture.makePipe("pipe");
    const names = ["socket", "pipe", ...(canMakeDevices(fixture.root) ? ["device"] : [])];
    await using folder = await fixture.folders.open(fixture.root, { signal, isWritable: true });
    for (const path of names) {
      await refused("device-refused", folder.readBytes(path, { signal, sizeBytesMax: 100 }));
      await refused("device-refused", folder.writeBytes(path, Buffer.from("!"), { signal, expectedDigest: null }));
      assert.equal((await folder.stat(path, signal))?.kind, "other");
    }
    await new Promise((done) => server.close(done));
  });

  test("opens a root behind a link as the folder it names, and nothing but a folder", async () => {
    await using fixture = await make();
    await fixture.put("a", "1");
    await symlink(fixture.root, join(fixture.base, "alias"));
    await using folder = await fixture.folders.open(join(fixture.base, "alias"), { signal, isWritable: false });
    assert.equal(folder.root, fixture.root);
    await refused("not-a-file", fixture.folders.open(join(fixture.root, "a"), { signal, isWritable: false }));
  });

  test("reads names as they are, without meaning of their own", async () => {
    await using fixture = await make();
    await using folder = await fixture.folders.open(fixture.root, { signal, isWritable: true });
    for (const name of ["-rf", "$HOME", "%2e%2e", "~", "..a", "a..", "...", " a ", "*"]) {
      await folder.writeBytes(name, Buffer.from(name), { signal, expectedDigest: null });
      assert.equal(await readText(folder, name), name);
      assert.equal(await readFile(join(fixture.root, name), "utf8"), name);
    }
  });
}

function canMakeDevices(root: string): boolean {
  try {
    execFileSync("mknod", [join(root, "device"), "c", "1", "5"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function changeTests(make: Make): void {
  test("keeps the mode of a replaced file, but no set-user-id bit, and leaves no temporary file", async () => {
    await using fixture = await make();
    await fixture.put("tool", "1");
    await chmod(join(fixture.root, "tool"), 0o4751);
    await using folder = await fixture.folders.open(fixture.root, { signal, isWritable: true });
    await folder.writeBytes("tool", Buffer.from("2"), { signal, expectedDigest: digestOf("1") });
    assert.equal((await lstat(join(fixture.root, "tool"))).mode & 0o7777, 0o751);
    await folder.writeBytes("new", Buffer.from("2"), { signal, expectedDigest: null });
    assert.equal((await lstat(join(fixture.root, "new"))).nlink, 1);
    assert.deepEqual(readdirSync(fixture.root).toSorted(), ["new", "tool"]);
  });

  test("changes no file that has a second name", async () => {
    await using fixture = await make();
    await link(join(fixture.outside, "inside"), join(fixture.root, "twin"));
    await using folder = await fixture.folders.open(fixture.root, { signal, isWritable: true });
    const expectedDigest = digestOf(secret);
    await refused("link-refused", folder.writeBytes("twin", Buffer.from("!"), { signal, expectedDigest }));
    await refused("link-refused", folder.remove("twin", { signal, expectedDigest }));
    assert.equal(await readFile(join(fixture.outside, "inside"), "utf8"), secret);
  });

  test("leaves the old file and nothing else when the disk is full", async (context) => {
    await using fixture = await make();
    const unmount = mountSmall(fixture.root);
    context.skip(unmount === null, "SKIPPED, NOT TESTED: a full disk; mounting a small tmpfs needs root");
    try {
      await fixture.put("a", "old");
      await using folder = await fixture.folders.open(fixture.root, { signal, isWritable: true });
      const large = new Uint8Array(4 * 1024 * 1024);
      await refused("disk-full", folder.writeBytes("a", large, { signal, expectedDigest: digestOf("old") }));
      await refused("disk-full", folder.writeBytes("b", large, { signal, expectedDigest: null }));
      assert.equal(await readText(folder, "a"), "old");
      assert.deepEqual(readdirSync(fixture.root), ["a"]);
      await folder.writeBytes("a", Buffer.from("new"), { signal, expectedDigest: digestOf("old") });
    } finally {
      unmount?.();
    }
  });

  test("replaces nothing that is changed while the new bytes are being written", async () => {
    await using fixture = await make();
    await fixture.put("a", "old");
    await using folder = await fixture.folders.open(fixture.root, { signal, isWritable: true });
    // The write is asked for its signal when the old file was read and again just before the rename.
    let asked = 0;
    const late = new Proxy(signal, {
      get: (target, key) => {
        if (key !== "throwIfAborted") return Reflect.get(target, key, target);
        return () => {
          if (++asked === 3) execFileSync("sh", ["-c", 'printf mine > "$0"', join(fixture.root, "a")]);
        };
      },
    });
    const write = folder.writeBytes("a", Buffer.from("new"), { signal: late, expectedDigest: digestOf("old") });
    await refused("changed", write);
    assert.equal(await readText(folder, "a"), "mine");
    assert.deepEqual(readdirSync(fixture.root), ["a"]);
  });
}

/** Mounts a tmpfs of 1 MiB over `root`; null when that is not permitted. */
function mountSmall(root: string): (() => void) | null {
  if (process.platform !== "linux" || !isRoot) return null;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", root], { stdio: "ignore" });
  } catch {
    return null;
  }
  return () => void execFileSync("umount", ["--lazy", root]);
}

function walkTests(make: Make, confinement: "descriptors" | "checked"): void {
  test("pages through more names than it holds, and drops the names of outer folders", async () => {
    await using fixture = await make();
    const wanted: string[] = [];
    for (const outer of Array.from({ length: 9 }, (_, index) => `d${index}`)) {
      wanted.push(`${outer}/`);
      for (const inner of ["a", "b", "c", "d", "e"]) {
        await fixture.put(`${outer}/${inner}/file`, "");
        wanted.push(`${outer}/${inner}/`, `${outer}/${inner}/file`);
      }
    }
    const folders = createFileFolders({ confinement, walkLimits: { namesPerFolderMax: 2, namesHeldMax: 1 } });
    await using folder = await folders.open(fixture.root, { signal, isWritable: false });
    assert.deepEqual(await walkAll(folder), wanted);
    assert.deepEqual(await walkAll(folder, { afterPath: "d8/e" }), ["d8/e/file"]);
  });

  test("skips names that are not UTF-8 and says so", async (context) => {
    await using fixture = await make();
    await fixture.put("good", "1");
    const bad = Buffer.concat([Buffer.from(`${fixture.root}/bad`), Buffer.from([0xff, 0xfe])]);
    const isStored = await writeFile(bad, "1").then(
      () => true,
      () => false,
    );
    context.skip(!isStored, "SKIPPED, NOT TESTED: this file system stores no names that are not UTF-8");
    await using folder = await fixture.folders.open(fixture.root, { signal, isWritable: false });
    const walk = folder.walk({ signal, limit: 10, entriesMax: 10, ignoreFiles: true });
    assert.deepEqual(await pathsOf(walk), ["good"]);
    assert.deepEqual(walk.skipped, [{ path: "bad\\xff\\xfe", reason: "name-not-utf8" }]);
  });

  test("skips folders that are too deep and ignore files that are too large", async () => {
    await using fixture = await make();
    await fixture.put(`${"d/".repeat(140)}file`, "");
    await fixture.put("z/.gitignore", "x\n".repeat(200_000));
    await fixture.put("z/x", "");
    await using folder = await fixture.folders.open(fixture.root, { signal, isWritable: false });
    const walk = folder.walk({ signal, limit: 1_000, entriesMax: 1_000, ignoreFiles: true });
    assert.deepEqual((await pathsOf(walk)).slice(-3), ["z/", "z/.gitignore", "z/x"]);
    assert.deepEqual(
      walk.skipped.map((one) => one.reason),
      ["too-deep", "too-large"],
    );
  });

  test("goes on when entries vanish during the walk", async () => {
    await using fixture = await make();
    for (const path of ["a/1", "b/1", "c/1", "d"]) await fixture.put(path, "");
    await using folder = await fixture.folders.open(fixture.root, { signal, isWritable: false });
    const walk = folder.walk({ signal, limit: 100, entriesMax: 100, ignoreFiles: true });
    const paths: string[] = [];
    for await (const entry of walk) {
      if (paths.push(entry.path) === 1) await fixture.delete("b");
    }
    assert.deepEqual(paths, ["a", "a/1", "b", "c", "c/1", "d"]);
    assert.deepEqual(walk.skipped, [{ path: "b", reason: "vanished" }]);
  });

  test("ends and frees a walk that nobody finishes, when the folder is disposed", async () => {
    await using fixture = await make();
    for (const path of ["a/b/c/1", "a/b/c/2"]) await fixture.put(path, "");
    const folder = await fixture.folders.open(fixture.root, { signal, isWritable: false });
    const walk = folder.walk({ signal, limit: 100, entriesMax: 100, ignoreFiles: true });
    const entries = walk[Symbol.asyncIterator]();
    for (const path of ["a", "a/b", "a/b/c", "a/b/c/1"]) assert.equal((await entries.next()).value?.path, path);
    // Calls under way end first; a descriptor is not taken from under them.
    const reading = folder.readBytes("a/b/c/1", { signal, sizeBytesMax: 1 });
    await folder[Symbol.asyncDispose]();
    assert.equal((await reading).sizeBytes, 0);
    assert.equal((await entries.next()).done, true);
  });
}

function strangerTests(make: Make, confinement: "descriptors" | "checked"): void {
  test("skips what may not be read, and says so", async (context) => {
    await using fixture = await make();
    await fixture.put("closed/file", "1");
    await fixture.put("closed.txt", "1");
    await fixture.put("open/file", "1");
    await chmod(join(fixture.root, "closed"), 0o000);
    await chmod(join(fixture.root, "closed.txt"), 0o000);
    for (const path of [fixture.base, fixture.root]) await chmod(path, 0o755);
    const script = join(import.meta.dirname, "folder-stranger.ts");
    const nobody = isRoot ? { uid: 65_534, gid: 65_534 } : {};
    const canRun = spawnSync(process.execPath, ["--check", script], { ...nobody, cwd: "/" }).status === 0;
    context.skip(!canRun, "SKIPPED, NOT TESTED: unreadable files; another user cannot run this checkout");
    await chmod(fixture.root, isRoot ? 0o755 : 0o555);
    const output = execFileSync(process.execPath, [script, fixture.root, confinement], { ...nobody, cwd: "/" });
    await chmod(fixture.root, 0o755);
    await chmod(join(fixture.root, "closed"), 0o755);
    assert.deepEqual(JSON.parse(output.toString()), {
      paths: ["closed", "closed.txt", "open", "open/file"],
      skipped: [{ path: "closed", reason: "unreadable" }],
      read: "unreadable",
      write: "unreadable",
    });
  });
}

function raceTests(make: Make): void {
  test("is led outside by no swap of a folder or file for a link, however well timed", async () => {
    await using fixture = await make();
    const { root, outside } = fixture;
    await fixture.put("way/inside", "fine");
    await fixture.put("leaf", "fine");
    await symlink(outside, join(root, "way.link"));
    await symlink(join(outside, "inside"), join(root, "leaf.link"));
    await using folder = await fixture.folders.open(root, { signal, isWritable: true });
    const swapper = fork(join(import.meta.dirname, "folder-swapper.ts"), [root]);
    try {
      await once(swapper, "message");
      const tally = await race(folder);
      // Without both outcomes the race did not happen and nothing was proved.
      assert.ok(tally.done > 0 && tally.refused > 0, JSON.stringify(tally));
    } finally {
      const exit = once(swapper, "exit");
      swapper.kill("SIGKILL");
      await exit;
    }
    assert.deepEqual(readdirSync(outside), ["inside"]);
    assert.equal(await readFile(join(outside, "inside"), "utf8"), secret);
  });
}

/** Reads, writes and walks against the swapper; throws when anything from outside is seen. */
async function race(folder: OpenFolder): Promise<{ done: number; refused: number }> {
  const tally = { done: 0, refused: 0 };
  const attempt = async (use: () => Promise<unknown>) => {
    try {
      await use();
      tally.done++;
    } catch (error) {
      if (!(error instanceof FolderFault)) throw error;
      assert.ok(["link-refused", "not-found", "changed", "vanished"].includes(error.code), error.message);
      tally.refused++;
    }
  };
  const roundsMin = 300;
  const roundsMax = 3_000;
  const isProven = () => tally.done >= 20 && tally.refused >= 20;
  for (let round = 0; round < roundsMax && (round < roundsMin || !isProven()); round++) {
    for (const path of ["way/inside", "leaf"]) {
      await attempt(async () => assert.equal(await readText(folder, path), "fine"));
      // A link shows as a link of size 0, never as the file behind it, whose size is another.
      await attempt(async () => assert.ok([4, 0].includes((await folder.stat(path, signal))?.sizeBytes ?? 0)));
    }
    const path = `way/new-${round}`;
    await attempt(() => folder.writeBytes(path, Buffer.from("1"), { signal, expectedDigest: null }));
    const paths = await walkAll(folder, { limit: 50 });
    assert.ok(!paths.includes("way.link/inside"));
  }
  return tally;
}
