import assert from "node:assert/strict";
import fc from "fast-check";
import canonicalize from "canonicalize";
import { test } from "vitest";
import { runs } from "../../test/kit/runs.ts";
import { canonicalJson, digestOf, sha256Hex } from "./canonical-json.ts";

test("keys are sorted by UTF-16 code unit and numbers take their shortest form", () => {
  const value = { "\u20ac": 1e21, b: [-0, 1.5, true, null], a: { z: 1, y: undefined } };
  assert.equal(canonicalJson(value), '{"a":{"z":1},"b":[0,1.5,true,null],"\u20ac":1e+21}');
});

test("the order of insertion does not change the digest", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), fc.integer()), (record) => {
      const reversed = Object.fromEntries(Object.entries(record).toReversed());
      assert.equal(digestOf(reversed), digestOf(record));
    }),
  );
});

test("canonical text parses back to the value and is its own canonical form", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "grapheme" }), (value) => {
      const text = canonicalJson(value);
      assert.equal(canonicalJson(JSON.parse(text)), text);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("the quick way and the careful one write the same text of whatever there is", () => {
  const name = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("__proto__", "toJSON", "10", "9", "", "b", "a"),
  );
  const odd = fc.constantFrom(undefined, -0, Symbol.iterator, new Date(0), Object.create(null), new Number(3), () => 1);
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: "small" }, fc.jsonValue({ stringUnit: "grapheme" }), odd, tie("list"), tie("record")),
    list: fc.array(tie("value"), { maxLength: 4 }),
    record: fc
      .array(fc.tuple(name, tie("value")), { maxLength: 5 })
      .map((entries) => Object.fromEntries(entries) as object),
  }));
  const careful = (given: unknown): string => {
    try {
      return canonicalize(given) ?? "none";
    } catch {
      return "none";
    }
  };
  const quick = (given: unknown): string => {
    try {
      return canonicalJson(given);
    } catch {
      return "none";
    }
  };
  fc.assert(
    fc.property(value, (given) => assert.equal(quick(given), careful(given))),
    runs(300),
  );
  for (const given of [[1, "\ud800"], { "\udfff": 1 }, { b: { "10": 1, "9": 2 } }, { b: 1, a: [{ z: 1, y: NaN }] }])
    assert.equal(quick(given), careful(given));
  const deep = JSON.parse(`${'{"b":1,"a":['.repeat(500)}1${"]}".repeat(500)}`) as unknown;
  assert.equal(quick(deep), careful(deep));
});

test("what JSON cannot hold is refused", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  for (const value of [undefined, Number.NaN, [Infinity], "\ud800", cycle]) {
    assert.throws(() => canonicalJson(value), TypeError);
  }
});

test("text and bytes hash alike", () => {
  assert.equal(sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.equal(sha256Hex(new TextEncoder().encode("é")), sha256Hex("é"));
  assert.equal(digestOf({}), "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
});
