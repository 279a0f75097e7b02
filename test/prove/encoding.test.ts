/** The formulas that proofs are about, held against the engine that decides: the same answer for every policy and every call. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { decide, holds } from "../../src/domains/prove/decide.ts";
import { encodeAll } from "../../src/domains/prove/questions.ts";
import { all } from "../../src/domains/prove/formula.ts";
import { decidesAmong, verdictsOf } from "../../src/domains/prove/in-force.ts";
import { pointOf, witnessOf } from "../../src/domains/prove/space.ts";
import { runs } from "../kit/runs.ts";
import { call, conditions, nowMs, policyText, readOwn, soakUntilMs, space } from "./kit.ts";

const told = { nowMs, runs: new Set<string>() };
const limits = { timeout: 300_000 };
const soakMsMax = 3_600_000;
const msLeft = (): number => Math.max(1000, Math.min(soakMsMax, soakUntilMs - Date.now()));
/** Reading a set takes Cedar longer than all of its calls. */
const callsEach = process.env["ARW_SOAK"] === "1" ? 500 : 280;
const isSoak = process.env["ARW_SOAK"] === "1";

test("what the formulas say of a call is what the engine says of it", { timeout: soakMsMax }, async () => {
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.uniqueArray(policyText, { maxLength: 20 }),
      fc.array(call, { minLength: callsEach, maxLength: callsEach }),
      async (hasDefaults, texts, calls) => {
        const book = await readOwn(texts, hasDefaults);
        const encoded = encodeAll(book.policies, space);
        assert.deepEqual(
          encoded.filter(({ notModelled }) => notModelled !== null),
          [],
        );
        const { allows, asks } = verdictsOf(encoded);
        for (const each of calls) {
          asked += 1;
          const point = pointOf(each);
          const about = () => `${JSON.stringify(each)}\n${texts.join("\n")}`;
          assert.ok(holds(space.possible, point), `is no call: ${about()}`);
          const said = await book.rule(each);
          assert.equal(holds(allows, point) ? "allow" : holds(asks, point) ? "ask" : "deny", said.effect, about());
          if (encoded.some(({ id }) => id === said.rule))
            assert.ok(holds(decidesAmong(encoded, said.rule), point), `${said.rule} decides ${about()}`);
        }
      },
    ),
    // A soak counts calls here, and not minutes.
    { numRuns: isSoak ? 210 : 4, interruptAfterTimeLimit: msLeft() },
  );
  assert.ok(asked >= (isSoak ? 100_000 : 1000) || Date.now() > soakUntilMs);
});

test(
  "each kind of condition is modelled, and a call that it decides about is found and confirmed",
  limits,
  async () => {
    // Each for a caller of its own, so that none stands before another; only persons take in rules of others.
    const whoOf = (when: string, place: number): string =>
      when.includes("principal")
        ? "principal is Agent"
        : `principal == ${when.includes("capsule") ? "Person" : "Agent"}::"x${place}"`;
    const texts = conditions.map(
      (when, place) => `@id("c${place}") permit (${whoOf(when, place)}, action, resource) ${when};`,
    );
    const book = await readOwn(texts, false);
    const encoded = encodeAll(book.policies, space);
    for (const [place, when] of conditions.entries()) {
      assert.equal(encoded[place]?.notModelled, null, when);
      const found = decide(all([decidesAmong(encoded, `c${place}`), space.possible]), space.domains);
      assert.ok(found.kind === "point", when);
      const witness = witnessOf(found.point, told);
      assert.equal((await book.rule(witness)).rule, `c${place}`, `${when} ${JSON.stringify(witness)}`);
    }
  },
);

test("what the solver finds, the engine confirms; what it finds nowhere, no call is", limits, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(policyText, { minLength: 1, maxLength: 6 }),
      fc.array(call, { maxLength: 20 }),
      async (texts, calls) => {
        const book = await readOwn(texts, false);
        const encoded = encodeAll(book.policies, space);
        for (const { id } of encoded) {
          const formula = all([decidesAmong(encoded, id), space.possible]);
          const found = decide(formula, space.domains);
          if (found.kind === "point") {
            const witness = witnessOf(found.point, told);
            assert.equal((await book.rule(witness)).rule, id, `${JSON.stringify(witness)}\n${texts.join("\n")}`);
          } else {
            assert.equal(found.kind, "none", texts.join("\n"));
            for (const each of calls) assert.notEqual((await book.rule(each)).rule, id, JSON.stringify(each));
          }
        }
      },
    ),
    runs(4),
  );
});
