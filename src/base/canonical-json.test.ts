import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
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
