import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { applyPatch, diffJson, formatPointer, type Patch, parsePointer, valueAtPointer } from "./json-patch.ts";

const key = fc.oneof(fc.constantFrom("a", "b", "__proto__", "constructor", "a/b", "~1", ""), fc.string());
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, 0, 1, "x"),
    fc.array(tie("json"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("json")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

test("applying the difference gives the new value and leaves the old one alone", () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const kept = JSON.stringify(before);
      assert.deepEqual(applyPatch(before, diffJson(before, after)), after);
      assert.equal(JSON.stringify(before), kept);
    }),
  );
});

test("equal values have no difference, and one is never much longer than the new value", () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      assert.deepEqual(diffJson(before, structuredClone(before)), []);
      const length = JSON.stringify(diffJson(before, after)).length;
      assert.ok(length <= 2 * JSON.stringify(after).length + 100);
    }),
  );
});

test("small changes in a large row are small patches", () => {
  const before = { id: "m1", text: "x".repeat(200), state: { receivedBytes: 1, "a/b~c": 1 }, tags: ["a", "b", "c"] };
  const after = { id: "m1", text: "x".repeat(200), state: { receivedBytes: 2 }, tags: ["a", "x"], isReady: true };
  const patches: Patch[] = [
    { op: "replace", path: "/state", value: { receivedBytes: 2 } },
    { op: "replace", path: "/tags", value: ["a", "x"] },
    { op: "add", path: "/isReady", value: true },
  ];
  assert.deepEqual(diffJson(before, after), patches);
  const long = Array.from({ length: 100 }, (_, index) => index);
  assert.deepEqual(diffJson({ long }, { long: long.slice(0, 98) }), [
    { op: "remove", path: "/long/99" },
    { op: "remove", path: "/long/98" },
  ]);
  assert.deepEqual(diffJson({ long }, { long: [...long, "new"] }), [{ op: "add", path: "/long/100", value: "new" }]);
});

test("the examples of RFC 6902 hold", () => {
  const cases: [unknown, Patch[], unknown][] = [
    [{ foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { foo: "bar", baz: "qux" }],
    [{ foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], { foo: ["bar", "qux", "baz"] }],
    [{ foo: ["bar"] }, [{ op: "add", path: "/foo/-", value: ["a"] }], { foo: ["bar", ["a"]] }],
    [{ foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], { foo: ["bar", "baz"] }],
    [{ a: ["all", "grass", "eat"] }, [{ op: "move", from: "/a/1", path: "/a/2" }], { a: ["all", "eat", "grass"] }],
    [{ a: { b: 1 } }, [{ op: "copy", from: "/a", path: "/c" }], { a: { b: 1 }, c: { b: 1 } }],
    [{ "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
    [{ a: 1 }, [{ op: "replace", path: "", value: [2] }], [2]],
  ];
  for (const [document, patches, expected] of cases) assert.deepEqual(applyPatch(document, patches), expected);
});

test("places that do not exist and tests that fail are refused", () => {
  const cases: [unknown, Patch][] = [
    [{ a: 1 }, { op: "add", path: "/b/c", value: 1 }],
    [{ a: 1 }, { op: "remove", path: "/toString" }],
    [{ a: 1 }, { op: "replace", path: "/b", value: 1 }],
    [{ a: 1 }, { op: "test", path: "/a", value: "1" }],
    [{ a: 1 }, { op: "remove", path: "" }],
    [{ a: { b: 1 } }, { op: "move", from: "/a", path: "/a/b" }],
    [[1], { op: "add", path: "/2", value: 1 }],
    [[1], { op: "replace", path: "/-", value: 1 }],
    [[1], { op: "remove", path: "/01" }],
    [{ a: 1 }, { op: "remove", path: "a" }],
    [{ a: 1 }, { op: "remove", path: "/~2" }],
  ];
  for (const [document, patch] of cases) assert.throws(() => applyPatch(document, [patch]), RangeError);
});

test("__proto__ is a member like any other and never reaches a prototype", () => {
  const hostile = JSON.parse('{"__proto__":{"isAdmin":true}}');
  const patched = applyPatch({}, diffJson({}, hostile)) as object;
  assert.equal(JSON.stringify(patched), JSON.stringify(hostile));
  assert.equal(Object.getPrototypeOf(patched), Object.prototype);
  assert.throws(() => applyPatch({}, [{ op: "add", path: "/__proto__/isAdmin", value: true }]), RangeError);
  assert.equal(Object.hasOwn(Object.prototype, "isAdmin"), false);
});

test("documents deeper than the bound are replaced, not walked", () => {
  const deep = (leaf: string): unknown => JSON.parse(`${"[".repeat(20_000)}"${leaf}"${"]".repeat(20_000)}`);
  const [before, after] = [deep("a"), deep("b")];
  assert.ok(diffJson(before, after).length === 1);
});

test("pointers survive the round trip", () => {
  fc.assert(fc.property(fc.array(key), (tokens) => assert.deepEqual(parsePointer(formatPointer(tokens)), tokens)));
  assert.equal(valueAtPointer({ "a/b": [{ "~": 5 }] }, "/a~1b/0/~0"), 5);
});
