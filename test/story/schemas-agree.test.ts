/** A schema is walked while it is new and compiled once it is used often: both say the same of every value. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { contractTable } from "../../src/app/domains.ts";
import { checkerOf, type TSchema } from "../../src/contract/schema.ts";
import { valuesOf } from "./schema-values.ts";

/** More uses than any schema stays uncompiled for. */
const usesMany = 16;
const samples = 2;
const seed = 46;

const table = contractTable();
const schemas: readonly (readonly [string, TSchema])[] = [
  ...[...table.operations.values()].map(({ operation: { id, input } }) => [id, input] as const),
  ...[...table.events.values()].map(({ kind, data }) => [kind, data] as const),
];

/** What fits, and the same with one thing wrong. */
function valuesFor(schema: TSchema): readonly unknown[] {
  const fitting = fc.sample(valuesOf(schema), { numRuns: samples, seed });
  const wrong = fitting.flatMap((value) => {
    const whole = value as Record<string, unknown>;
    const [name] = Object.keys(whole);
    return [
      { ...whole, surplus: 1 },
      ...(name === undefined
        ? []
        : [
            { ...whole, [name]: { not: "this" } },
            { ...whole, [name]: undefined },
          ]),
    ];
  });
  return [...fitting, ...wrong, {}, null, [], "text"];
}

test("every input and event is judged alike before and after its schema is compiled", () => {
  let fits = 0;
  for (const [name, schema] of schemas) {
    // A copy, so that nobody has used it before.
    const checker = checkerOf({ ...schema });
    const values = valuesFor(schema);
    const walked = values.map((value) => checkerOf({ ...schema }).check(value));
    assert.equal(checker.isCompiled, false, name);
    for (let uses = 0; uses < usesMany; uses += 1) checker.check(values[0]);
    assert.equal(checker.isCompiled, true, name);
    assert.deepEqual(
      values.map((value) => checker.check(value)),
      walked,
      name,
    );
    fits += walked.filter(Boolean).length;
  }
  assert.ok(fits > schemas.length);
});
