import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { createIds, isCorrelationId, isUuid, parseTraceparent } from "./ids.ts";

const bytesOf = (fill: number) => (count: number) => new Uint8Array(count).fill(fill);

test("ids only grow, whatever the clock and the dice do", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: -5, max: 2 ** 45 }), fc.nat(255))), (steps) => {
      let at = 0;
      const ids = createIds({
        now: () => steps[at]?.[0] ?? 0,
        randomBytes: (count) => bytesOf(steps[at]?.[1] ?? 0)(count),
      });
      const made = steps.map((_, index) => {
        at = index;
        return ids.next();
      });
      assert.deepEqual(made, made.toSorted());
      assert.equal(new Set(made).size, made.length);
      for (const id of made) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
});

test("ten thousand ids of one millisecond keep their order by borrowing the next ones", () => {
  const ids = createIds({ now: () => 1_700_000_000_000, randomBytes: bytesOf(0xff) });
  const made = Array.from({ length: 10_000 }, () => ids.next());
  assert.deepEqual(made, made.toSorted());
  assert.equal(new Set(made).size, 10_000);
});

test("the layout is that of RFC 9562", () => {
  const ids = createIds({ now: () => 0x017f22e279b0, randomBytes: bytesOf(0) });
  assert.equal(ids.next(), "017f22e2-79b0-7000-8000-000000000000");
  assert.equal(ids.next(), "017f22e2-79b0-7001-8000-000000000000");
  assert.throws(() => createIds({ now: () => 0, randomBytes: () => new Uint8Array(3) }).next(), RangeError);
});

test("UUIDs and correlation ids are told from other text", () => {
  assert.ok(isUuid("017F22E2-79b0-7000-8000-000000000000"));
  for (const text of ["", "017f22e279b070008000000000000000", "017f22e2-79b0-7000-8000-00000000000g"])
    assert.ok(!isUuid(text));
  assert.ok(isCorrelationId("run-1.a_B"));
  for (const text of ["", "a b", "a\n", "a/b", "é", "a".repeat(65)]) assert.ok(!isCorrelationId(text));
});

test("a traceparent gives its ids, and everything else gives null", () => {
  const [traceId, parentId] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
  assert.deepEqual(parseTraceparent(`00-${traceId}-${parentId}-01`), { traceId, parentId });
  assert.deepEqual(parseTraceparent(`01-${traceId}-${parentId}-01-more`), { traceId, parentId });
  const refused = [
    "",
    `00-${traceId}-${parentId}-01-more`,
    `ff-${traceId}-${parentId}-01`,
    `00-${"0".repeat(32)}-${parentId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${parentId}-01`,
    `00-${traceId}-${parentId}`,
  ];
  for (const header of refused) assert.equal(parseTraceparent(header), null, header);
});
