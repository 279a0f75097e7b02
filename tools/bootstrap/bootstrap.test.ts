import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, test } from "vitest";
import { chooseEntry } from "../../bin/entry.mjs";
import { commands } from "./commands.mjs";
import { withLock } from "./lock.mjs";
import { howToGetNode, isAtLeast, nodeVersionMin, privateNodeBinary, privateNodePackage } from "./node-choice.mjs";
import { installLocked } from "./npm.mjs";
import { explain } from "./problem.mjs";
import { fingerprint, isStamped, removeStamp, writeStamp } from "./stamp.mjs";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "arw-bootstrap-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("the choice of Node", () => {
  test("versions compare by number, not by text", () => {
    const newEnough = ["v24.16.0", "24.16.0", "v24.100.0", "v26.0.0", "v24.16.1-nightly.2026"];
    const tooOld = ["v20.20.2", "v24.9.0", "v24.15.9", "v24.16.0-rc.1", "v8.0.0"];
    assert.deepEqual(
      newEnough.filter((version) => !isAtLeast(version, nodeVersionMin)),
      [],
    );
    assert.deepEqual(
      tooOld.filter((version) => isAtLeast(version, nodeVersionMin)),
      [],
    );
  });

  test("comparing is a total order over releases", () => {
    const release = fc.tuple(fc.nat(200), fc.nat(200), fc.nat(200)).map((parts) => parts.join("."));
    fc.assert(
      fc.property(release, release, (a, b) => {
        assert.ok(isAtLeast(a, b) || isAtLeast(b, a));
        assert.equal(isAtLeast(a, b) && isAtLeast(b, a), a === b);
      }),
    );
  });

  test("a platform has a package that the lock file names, or advice", () => {
    const lock: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "../node/package-lock.json"), "utf8"));
    const locked = JSON.stringify(lock);
    for (const [platform, architecture] of [
      ["linux", "x64"],
      ["linux", "arm64"],
      ["darwin", "x64"],
      ["win32", "x64"],
    ] as const) {
      assert.ok(locked.includes(`node_modules/${privateNodePackage(platform, architecture)}"`));
    }
    assert.equal(privateNodePackage("darwin", "arm64"), undefined);
    assert.equal(privateNodePackage("toString", ""), undefined);
    assert.match(
      howToGetNode({ version: "v20.1.0", platform: "darwin", architecture: "arm64" }),
      /brew install node@24/,
    );
    assert.deepEqual(["win32", "linux"].map(privateNodeBinary), ["bin/node.exe", "bin/node"]);
  });
});

describe("stamps", () => {
  const print = () => fingerprint({ root, words: ["v24"], paths: ["lock.json", "web"] });

  test("a print changes with content, name, new files and words, not with build output", () => {
    mkdirSync(join(root, "web/dist"), { recursive: true });
    writeFileSync(join(root, "lock.json"), "{}");
    writeFileSync(join(root, "web/a.ts"), "1");
    const seen = [print()];
    writeFileSync(join(root, "web/dist/out.js"), "ignored");
    assert.equal(print(), seen[0]);
    writeFileSync(join(root, "web/a.ts"), "2");
    seen.push(print());
    writeFileSync(join(root, "web/b.ts"), "");
    seen.push(print());
    writeFileSync(join(root, "lock.json"), "{ }");
    seen.push(print(), fingerprint({ root, words: ["v26"], paths: ["lock.json", "web"] }));
    assert.equal(new Set(seen).size, 5);
  });

  test("a part is set up only between its stamp being written and removed", () => {
    const path = join(root, ".arw/part");
    assert.equal(isStamped(path, "abc"), false);
    writeStamp(path, "abc");
    assert.deepEqual([isStamped(path, "abc"), isStamped(path, "abd")], [true, false]);
    removeStamp(path);
    assert.equal(isStamped(path, "abc"), false);
  });
});

describe("the set-up lock", () => {
  const path = () => join(root, ".arw/lock");
  const never = (holder: string) => assert.fail(`waited for ${holder}`);

  test("holders follow each other and leave nothing behind", async () => {
    const order: string[] = [];
    const waited: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = withLock({ path: path(), onWait: never }, async () => {
      await gate.promise;
      order.push("first");
    });
    const onWait = (holder: string) => {
      waited.push(holder);
      gate.resolve();
    };
    const second = withLock({ path: path(), onWait }, async () => {
      order.push("second");
    });
    await Promise.all([first, second]);
    assert.deepEqual([order, waited, existsSync(path())], [["first", "second"], [String(process.pid)], false]);
  });

  test("a lock whose holder died, or lives but fell silent, is taken over", async () => {
    mkdirSync(join(root, ".arw"));
    // No process has this number: it is above every system's ceiling.
    writeFileSync(path(), "2147483646");
    assert.equal(await withLock({ path: path(), onWait: never }, async () => "dead"), "dead");
    writeFileSync(path(), String(process.pid));
    utimesSync(path(), new Date(0), new Date(0));
    assert.equal(await withLock({ path: path(), onWait: never }, async () => "silent"), "silent");
  });

  test("waiting has an end that names the file to delete", async () => {
    mkdirSync(join(root, ".arw"));
    writeFileSync(path(), String(process.pid));
    const waiting = withLock({ path: path(), onWait: () => undefined, waitMs: 0 }, async () => "never");
    await assert.rejects(waiting, (error: Error) => error.message.includes(path()));
  });
});

test("known failures of npm get advice, unknown ones none", () => {
  assert.match(explain("npm error code ENOTFOUND\nnpm error network") ?? "", /cannot be reached/);
  assert.match(explain("npm error code ENOSPC") ?? "", /disk is full/);
  assert.match(explain("npm error code EINTEGRITY") ?? "", /recorded hash/);
  assert.equal(explain("npm error something else"), undefined);
});

test("the arw command runs the hub without words, and the command line with them", () => {
  const cases: readonly (readonly [given: string, name: string, rest: string])[] = [
    ["", "main", ""],
    ["start --port 1", "main", "--port 1"],
    ["hub", "main", ""],
    ["hub --port 1", "main", "--port 1"],
    ["--port 1", "main", "--port 1"],
    ["--port", "main", "--port"],
    ["--portable --deny fs:write", "main", "--portable --deny fs:write"],
    ["--state-dir /a start", "main", "--state-dir /a"],
    ["hub start --port 1", "cli", "hub start --port 1"],
    ["hub --help", "cli", "hub --help"],
    ["brief x", "cli", "brief x"],
    ["--help", "cli", "--help"],
    // What both take may stand before the command, too.
    ["--state-dir /a --portable brief x", "cli", "--state-dir /a --portable brief x"],
    ["--port=1 --json episodes", "cli", "--port=1 --json episodes"],
  ];
  for (const [given, name, rest] of cases) {
    const wanted = { name, rest: rest.split(" ").filter((each) => each !== "") };
    assert.deepEqual(chooseEntry(given.split(" ").filter((each) => each !== "")), wanted, given);
  }
});

test("every npm script is a command that passes its arguments on", () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const expected = Object.keys(commands).map((name) => [name, `node tools/bootstrap/run.mjs ${name}`]);
  // `npm pack` bundles first.
  const prepack = "node tools/bootstrap/run.mjs package --bundle";
  assert.deepEqual(manifest.scripts, { ...Object.fromEntries(expected), prepack });
  for (const command of Object.values(commands)) assert.equal(command(["zz", "--given"]).line.at(-1), "--given");
});

test("the lock file covers every platform: each optional package that it names is locked too", () => {
  const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
  };
  const isLocked = (name: string, from: string) =>
    packages[`node_modules/${name}`] !== undefined || packages[`${from}/node_modules/${name}`] !== undefined;
  const missing = Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(name, from)),
  );
  assert.deepEqual(missing, []);
});

test("a linked folder of packages is refused, and what it leads to stays", async () => {
  const clone = join(root, "clone");
  const shared = join(root, "shared");
  for (const folder of [clone, shared]) mkdirSync(folder);
  writeFileSync(join(shared, "package"), "kept");
  symlinkSync(shared, join(clone, "node_modules"));
  await assert.rejects(installLocked({ folder: clone, nodePath: process.execPath }), /is a link to .*Remove the link/);
  assert.equal(readFileSync(join(shared, "package"), "utf8"), "kept");
});
