/** Permits that answer questions by name, as formulas: the same answer as the engine's, and the same rule that gives it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { holds } from "../../src/domains/prove/decide.ts";
import { decidesAmong, verdictsOf } from "../../src/domains/prove/in-force.ts";
import { encodeAll } from "../../src/domains/prove/questions.ts";
import { pointOf } from "../../src/domains/prove/space.ts";
import { runs } from "../kit/runs.ts";
import { call, policyText, readOwn, space } from "./kit.ts";

const limits = { timeout: 120_000 };
const callsEach = 100;

/** Those that ask are named q0, q1, …; the others answer some of them. */
const answering = fc
  .array(fc.tuple(policyText, fc.subarray(["q0", "q1", "q2", "ask-before-change"], { minLength: 1 })), {
    minLength: 2,
    maxLength: 12,
  })
  .map((drawn) =>
    drawn.map(([text, ids], place) => {
      if (text.startsWith("@ask")) return `@id("q${place}") ${text}`;
      const answers = text.startsWith("permit") ? `@answers("${ids.join(", ")}") ` : "";
      return `@id("p${place}") ${answers}${text}`;
    }),
  );

test("a question that a permit answers is no question, for the formulas as for the engine", limits, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      answering,
      fc.array(call, { minLength: callsEach, maxLength: callsEach }),
      async (hasDefaults, texts, calls) => {
        const book = await readOwn(texts, hasDefaults);
        const encoded = encodeAll(book.policies, space);
        const { allows, asks } = verdictsOf(encoded);
        for (const each of calls) {
          const point = pointOf(each);
          const about = () => `${JSON.stringify(each)}\n${texts.join("\n")}`;
          const said = await book.rule(each);
          assert.equal(holds(allows, point) ? "allow" : holds(asks, point) ? "ask" : "deny", said.effect, about());
          for (const { id } of encoded)
            assert.equal(holds(decidesAmong(encoded, id), point), id === said.rule, `${id}: ${about()}`);
        }
      },
    ),
    runs(3),
  );
});
