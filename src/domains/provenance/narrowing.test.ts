/** Whatever comes in: it is refused, or it denies more than was denied before. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { adopt, came, open } from "../../../test/kit/capsule-hub.ts";
import { createIssuer } from "../../../test/kit/capsules.ts";
import { admin, startMs } from "../../../test/kit/kernel.ts";
import type { Caller } from "../../contract/caller.ts";

test("whatever a trusted issuer signs is a capsule or is refused", async () => {
  const parent = createIssuer("parent");
  await using kit = await open({ trusts: [parent] });
  const good = parent.capsule();
  const field = fc.constantFrom(...Object.keys(good));
  const hostile = fc.oneof(
    fc.jsonValue({ maxDepth: 4 }),
    fc.tuple(field, fc.jsonValue({ maxDepth: 2 })).map(([name, value]) => ({ ...good, [name]: value })),
    fc
      .array(fc.dictionary(fc.constantFrom("id", "patterns", "validToMs", "tagsAny"), fc.jsonValue({ maxDepth: 1 })))
      .map((contracts) => ({ ...good, contracts })),
    field.map((name) => Object.fromEntries(Object.entries(good).filter(([each]) => each !== name))),
  );
  await fc.assert(
    fc.asyncProperty(hostile, async (value) => {
      const said = await came(adopt(kit, parent.sealed(value)));
      assert.match(
        said,
        /^(passed|malformed|too-large|bad-signature|future-dated|expired|lease-too-long|ttl|replayed|widening)$/,
      );
    }),
    runs(100),
  );
});

const pattern = fc.constantFrom(
  "*",
  "probe:*",
  "probe:act",
  "probe:act*",
  "probe:look",
  "io:egress:*",
  "emit:*",
  "task:*",
);
const anyCapsule = fc.record({
  id: fc.constantFrom("a", "b"),
  version: fc.integer({ min: 1, max: 3 }),
  notAfterMs: fc.integer({ min: 1, max: 3 }).map((hours) => startMs + hours * 3_600_000),
  denies: fc.array(pattern, { maxLength: 3 }),
  contracts: fc.array(
    fc.record(
      {
        id: fc.constantFrom("x", "y"),
        patterns: fc.array(pattern, { minLength: 1, maxLength: 2 }),
        subjectAgent: fc.constantFrom("scout", "else"),
        subjectRole: fc.constantFrom("edge", "root"),
        validFromMs: fc.constantFrom(startMs - 1, startMs + 1000),
        validToMs: fc.constantFrom(startMs + 500, startMs + 5_000_000),
        autoRenewSecs: fc.constantFrom(0, 5),
        immutable: fc.boolean(),
      },
      { requiredKeys: ["id", "patterns"] },
    ),
    { maxLength: 2 },
  ),
});

test("adoption only ever narrows: whatever is adopted in whatever order, no call that was denied passes", async () => {
  const parent = createIssuer("parent");
  const keys = [
    "probe:look",
    "probe:act",
    "probe:actTwice",
    "io:egress:probe:act",
    "emit:probe:done",
    "task:probe:act",
  ];
  const callers: readonly Caller[] = [admin, { kind: "agent", id: "scout" }, { kind: "node", id: "n" }];
  const moments = [startMs, startMs + 1000, startMs + 3_599_999];
  await fc.assert(
    fc.asyncProperty(fc.array(anyCapsule, { minLength: 1, maxLength: 6 }), async (capsules) => {
      await using kit = await open({ trusts: [parent], deny: ["probe:actTwice"] });
      const denied = () =>
        moments.flatMap((atMs) =>
          callers.flatMap((caller) =>
            keys
              .filter((key) => kit.gating.gate.foresee(key, { caller, tags: [], atMs }) !== null)
              .map((key) => `${atMs} ${caller.kind} ${key}`),
          ),
        );
      for (const capsule of capsules) {
        const before = denied();
        const said = await came(adopt(kit, parent.envelope(capsule)));
        const after = new Set(denied());
        assert.deepEqual(
          before.filter((each) => !after.has(each)),
          [],
          said,
        );
        if (said !== "passed" && said !== "arw.denied") assert.equal(after.size, before.length, said);
      }
    }),
    runs(60),
  );
});
