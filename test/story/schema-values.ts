/** Values that fit a JSON Schema, for properties over every event and row of the table. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { TSchema } from "../../src/contract/schema.ts";
import { plain } from "../../src/surfaces/spec/json-schema.ts";

interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly prefixItems?: readonly Shape[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Long texts and lists find nothing that short ones do not. */
const lengthMax = 8;
const itemsMax = 3;

export const valuesOf = (schema: TSchema): fc.Arbitrary<unknown> => values(plain(schema));

function values(shape: Shape): fc.Arbitrary<unknown> {
  if ("const" in shape) return fc.constant(shape.const);
  if (shape.enum) return fc.constantFrom(...shape.enum);
  if (shape.anyOf) return fc.oneof(...shape.anyOf.map(values));
  switch (shape.type) {
    case "string":
      return texts(shape);
    case "integer":
      return fc.integer({ min: shape.minimum ?? -1000, max: Math.min(shape.maximum ?? 1_000_000, 2 ** 31 - 1) });
    case "number":
      return fc.double({
        min: shape.minimum ?? -1000,
        max: shape.maximum ?? 1_000_000,
        noNaN: true,
        noDefaultInfinity: true,
      });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      if (shape.prefixItems) return fc.tuple(...shape.prefixItems.map(values));
      return fc.array(values(shape.items ?? {}), {
        minLength: shape.minItems ?? 0,
        maxLength: Math.max(shape.minItems ?? 0, Math.min(shape.maxItems ?? itemsMax, itemsMax)),
      });
    case "object":
      return objects(shape);
    case undefined:
    default:
      assert.equal(shape.type, undefined, `no values for ${shape.type}`);
      return fc.constantFrom<unknown>(null, 1, "text", [], { a: 1 });
  }
}

/** Few different texts, so that events often speak of the same thing. */
function texts({ pattern, minLength = 0, maxLength = lengthMax }: Shape): fc.Arbitrary<string> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  const long = fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, lengthMax)) });
  return minLength > 1 || maxLength < 1 ? long : fc.oneof(fc.constantFrom("a", "b"), long);
}

function objects({ properties = {}, required = [] }: Shape): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, values(inner)]));
  return fc.record(fields, { requiredKeys: [...required], noNullPrototype: true });
}
