import assert from "node:assert/strict";
import { posix, win32 } from "node:path";
import fc from "fast-check";
import { test } from "vitest";
import {
  isInside,
  normaliseRelative,
  type Platform,
  relativePathProblem,
  samePath,
  stateDirFor,
} from "./path-rules.ts";

const platforms: Platform[] = ["linux", "darwin", "win32"];
const platform = fc.constantFrom(...platforms);
const rulesOf = (each: Platform) => (each === "win32" ? win32 : posix);
const rootOf = (each: Platform) => (each === "win32" ? "C:\\grant" : "/grant");
const piece = fc.oneof(
  fc.constantFrom(
    "a",
    "B",
    "..",
    ".",
    "/",
    "\\",
    "//",
    ":",
    "C:",
    "nul",
    "com1.txt",
    " ",
    "...",
    "é",
    "\u0000",
    "~",
    "*",
  ),
  fc.string({ maxLength: 4 }),
);
const hostile = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));

test("what is allowed stays inside the folder, before and after normalising", () => {
  fc.assert(
    fc.property(hostile, platform, (path, each) => {
      if (relativePathProblem(path, each) !== null) return;
      const rules = rulesOf(each);
      const normal = normaliseRelative(path, each);
      for (const spelling of [path, normal]) {
        assert.ok(isInside(rootOf(each), rules.join(rootOf(each), spelling), each));
        assert.ok(isInside(rootOf(each), rules.resolve(rootOf(each), spelling), each));
      }
      assert.equal(normaliseRelative(normal, each), normal);
      assert.ok(samePath(rules.join(rootOf(each), path), rules.join(rootOf(each), normal), each));
    }),
    { numRuns: 300 },
  );
});

test("plain names are allowed everywhere, whatever stands between them", () => {
  for (const each of platforms) {
    for (const path of ["a", "a/b.txt", "notes/ü/日本.md", ".env", "..a", "a..b", "./a", "a/", "console.ts", "com10"]) {
      assert.equal(relativePathProblem(path, each), null, path);
    }
  }
  assert.equal(normaliseRelative(".//a/./b/", "linux"), "a/b");
  assert.equal(normaliseRelative("a\\b/c", "win32"), "a/b/c");
  assert.equal(normaliseRelative("a\\b", "linux"), "a\\b");
  assert.equal(normaliseRelative("./", "darwin"), ".");
});

test("every platform refuses what leaves the folder, forges lines or is too long", () => {
  const refused: [string, RegExp][] = [
    ["", /empty/],
    ["/etc/passwd", /absolute/],
    ["..", /leaves/],
    ["a/../../b", /leaves/],
    ["a/..", /leaves/],
    ["a\u0000b", /control/],
    ["a\nb", /control/],
    ["a\u009bb", /control/],
    ["\ud800", /Unicode/],
    ["é".repeat(128), /255 bytes/],
    ["a/".repeat(2_049), /4096 bytes/],
  ];
  for (const each of platforms) {
    for (const [path, why] of refused)
      assert.match(relativePathProblem(path, each) ?? "allowed", why, path.slice(0, 9));
    assert.throws(() => normaliseRelative("..", each), RangeError);
  }
  assert.equal(relativePathProblem("a".repeat(255), "linux"), null);
});

test("Windows refuses drives, shares, devices, streams and names it would rewrite", () => {
  const refused = [
    "C:\\a",
    "c:a",
    "\\a",
    "\\\\server\\share",
    "\\\\?\\C:\\a",
    "a\\..\\..\\b",
    "NUL",
    "nul.txt",
    "a\\Con",
    "CON .txt",
    "com1",
    "COM\u00b9.log",
    "lpt9.a.b",
    "AUX ",
    "a.",
    "a ",
    "a/.. /b",
    "...",
    "file.txt:stream",
    "a?b",
    "a*",
    "CONIN$",
  ];
  for (const path of refused) assert.notEqual(relativePathProblem(path, "win32"), null, path);
  for (const path of ["c:a", "NUL", "a.", "file.txt:stream"])
    assert.equal(relativePathProblem(path, "linux"), null, path);
});

test("letter case folds on macOS and Windows only", () => {
  assert.deepEqual(
    platforms.map((each) => samePath("/Users/Ann/É", "/users/ann/é", each)),
    [false, true, true],
  );
  assert.ok(samePath("/a/cafe\u0301", "/a/caf\u00e9", "darwin"));
  assert.ok(samePath("C:\\A\\b\\", "c:/a/./b", "win32"));
  assert.ok(!samePath("/a/b", "/a/c", "linux"));
});

test("inside means the root or below it, not a neighbour with the same beginning", () => {
  for (const each of platforms) {
    const root = rootOf(each);
    const join = rulesOf(each).join;
    assert.ok(isInside(root, root, each));
    assert.ok(isInside(root, join(root, "a", "b"), each));
    assert.ok(!isInside(root, `${root}ed`, each));
    assert.ok(!isInside(root, `${root}/../other`, each));
    assert.ok(!isInside(root, "a", each));
    assert.ok(!isInside("grant", "grant", each));
  }
  assert.ok(isInside("/", "/etc", "linux"));
  assert.ok(isInside("C:\\", "c:\\windows", "win32"));
  assert.ok(!isInside("C:\\", "D:\\", "win32"));
});

test("the state folder follows the custom of each platform and ignores relative overrides", () => {
  const at = (each: Platform, home: string, env: Record<string, string>) =>
    stateDirFor({ platform: each, env, home, appName: "arw" });
  assert.equal(at("linux", "/home/ann", {}), "/home/ann/.local/state/arw");
  assert.equal(at("linux", "/home/ann", { XDG_STATE_HOME: "/state" }), "/state/arw");
  assert.equal(at("linux", "/home/ann", { XDG_STATE_HOME: "state" }), "/home/ann/.local/state/arw");
  assert.equal(at("darwin", "/Users/ann", { XDG_STATE_HOME: "/x" }), "/Users/ann/Library/Application Support/arw");
  assert.equal(at("win32", "C:\\Users\\ann", { LOCALAPPDATA: "D:\\local" }), "D:\\local\\arw");
  assert.equal(at("win32", "C:\\Users\\ann", { LOCALAPPDATA: "local" }), "C:\\Users\\ann\\AppData\\Local\\arw");
});
