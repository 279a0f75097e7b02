import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { testSealer } from "../../../test/kit/sealer.ts";
import { isSealed, SealFault, sealBytes } from "./sealer.ts";

const bytes = fc.uint8Array({ maxLength: 300 });
const place = fc.string({ maxLength: 40 });

test("what is sealed opens again, in its place alone, in every process of the state and in no other state", () => {
  fc.assert(
    fc.property(bytes, fc.tuple(place, place), fc.nat(1000), (plain, [here, elsewhere], seed) => {
      const sealed = testSealer(seed).seal(plain, here);
      assert.ok(isSealed(sealed));
      assert.equal(sealed.length, plain.length + sealBytes);
      assert.deepEqual([...testSealer(seed + 1).open(sealed, here)], [...plain]);
      if (here !== elsewhere) assert.throws(() => testSealer().open(sealed, elsewhere), SealFault);
      assert.throws(() => testSealer(seed, 8).open(sealed, here), SealFault);
    }),
  );
});

test("a value with one bit changed, or cut anywhere, opens nowhere", () => {
  const sealer = testSealer();
  fc.assert(
    fc.property(bytes, fc.nat(), fc.nat(7), (plain, at, bit) => {
      const sealed = sealer.seal(plain, "x");
      const changed = Buffer.from(sealed);
      const index = at % changed.length;
      changed[index] = (changed[index] ?? 0) ^ (1 << bit);
      assert.throws(() => sealer.open(changed, "x"), SealFault);
      assert.throws(() => sealer.open(sealed.subarray(0, at % sealed.length), "x"), SealFault);
    }),
  );
});

test("no two values of any processes share salt and count, and equal ones look different", () => {
  const heads = new Set<string>();
  const values = new Set<string>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const sealer = testSealer(seed);
    for (let count = 0; count < 50; count += 1) {
      const sealed = sealer.seal(Buffer.from("the same"), "x");
      heads.add(sealed.toString("hex", 1, 21));
      values.add(sealed.toString("hex", 21));
    }
  }
  assert.deepEqual([heads.size, values.size], [1000, 1000]);
});

test("a name is the same in every process of a state, and another one in another state", () => {
  assert.equal(testSealer(1).nameOf("a"), testSealer(2).nameOf("a"));
  assert.notEqual(testSealer(1).nameOf("a"), testSealer(1).nameOf("b"));
  assert.notEqual(testSealer(1, 7).nameOf("a"), testSealer(1, 8).nameOf("a"));
  assert.match(testSealer().nameOf("a"), /^[0-9a-f]{64}$/);
});
