import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createLru } from "./lru.ts";

test("the map holds the keys used last, and reports each one it pushes out", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.tuple(fc.boolean(), fc.nat(9))), (max, steps) => {
      const evicted: number[] = [];
      const lru = createLru<number, string>(max, (key) => evicted.push(key));
      const gone: number[] = [];
      let model: number[] = [];
      for (const [isSet, key] of steps) {
        const isKnown = model.includes(key);
        if (isSet) lru.set(key, `v${key}`);
        else assert.equal(lru.get(key), isKnown ? `v${key}` : undefined);
        if (isSet || isKnown) model = [...model.filter((each) => each !== key), key];
        if (model.length > max) gone.push(model.shift() ?? -1);
      }
      assert.deepEqual(evicted, gone);
      assert.equal(lru.size, model.length);
      for (const key of model) assert.ok(lru.has(key));
    }),
  );
});

test("undefined is a value, and deleted or cleared entries are not reported", () => {
  const lru = createLru<string, undefined>(1, () => assert.fail("nothing was pushed out"));
  lru.set("a", undefined);
  assert.equal(lru.get("a"), undefined);
  assert.equal(lru.has("a"), true);
  assert.equal(lru.delete("a"), true);
  lru.set("b", undefined);
  lru.clear();
  assert.equal(lru.size, 0);
  assert.throws(() => createLru(0), RangeError);
});
