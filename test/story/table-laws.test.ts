import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, test } from "vitest";
import { capsuleCommands } from "../../src/app/cli-capsule.ts";
import { encryptCommands } from "../../src/app/cli-encrypt.ts";
import { cliPresentation } from "../../src/app/cli-presentation.ts";
import { contractTable } from "../../src/app/domains.ts";
import type { Envelope } from "../../src/contract/event.ts";
import { patternWords } from "../../src/contract/pattern-words.ts";
import { checkerOf } from "../../src/contract/schema.ts";
import type { View } from "../../src/contract/view.ts";
import { planCommands } from "../../src/surfaces/cli/plan.ts";
import { asyncapi } from "../../src/surfaces/spec/asyncapi.ts";
import { openapi } from "../../src/surfaces/spec/openapi.ts";
import { schemas } from "../../src/surfaces/spec/schemas.ts";
import { tableFaults } from "../../tools/tidy/table-laws.ts";
import { valuesOf } from "./schema-values.ts";

const table = contractTable();
const version = "0.0.0";
const root = join(import.meta.dirname, "..", "..");
const eventsMax = 12;

test("every row of the table keeps the laws", () => {
  assert.deepEqual(
    tableFaults(table).map(({ row, message }) => `${row}: ${message}`),
    [],
  );
});

test("two tables of the same list are alike, and share nothing", () => {
  const other = contractTable();
  assert.equal(other.hash, table.hash);
  assert.notEqual(other.operations, table.operations);
});

test("every schema of the table is one that other validators take", () => {
  const ajv = new Ajv2020({ strict: false });
  for (const [file, schema] of schemas(table)) assert.equal(typeof ajv.compile(schema), "function", file);
});

test("whoever types what a form does not take is told in words what it takes", () => {
  const wordless: string[] = [];
  const look = (at: string, part: unknown, around?: string): void => {
    if (typeof part !== "object" || part === null) return;
    const { pattern, description = around } = part as { readonly pattern?: unknown; readonly description?: string };
    if (typeof pattern === "string" && patternWords(pattern) === null && description === undefined)
      wordless.push(`${at}: ${pattern}`);
    for (const [name, inner] of Object.entries(part))
      look(`${at}/${name}`, inner, name === "items" ? description : undefined);
  };
  for (const { operation } of table.operations.values()) look(operation.id, operation.input);
  assert.deepEqual(wordless, []);
});

test("references inside the documents lead somewhere", () => {
  for (const document of [openapi(table, { version }), asyncapi(table, { version })]) {
    const references = new Set(
      [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] ?? ""),
    );
    assert.ok(references.size > 20);
    for (const reference of references) {
      const found = reference
        .split("/")
        .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], document);
      assert.ok(found, reference);
    }
  }
});

describe("folds", () => {
  test.each([...table.views.keys()])("%s: whatever happened, its rows fit its schema", (name) => {
    const view = table.views.get(name);
    assert.ok(view);
    const row = checkerOf(view.row);
    fc.assert(
      fc.property(fc.array(eventsFor(view), { maxLength: eventsMax }), (envelopes) => {
        for (const [key, value] of foldAll(view, envelopes)) {
          assert.ok(
            row.check(value),
            `${key}: ${JSON.stringify(value)} ${JSON.stringify(row.check(value) ? [] : row.faults(value))}`,
          );
          assert.deepEqual(JSON.parse(JSON.stringify(value)), value, "a row survives being stored");
        }
      }),
      { numRuns: Math.min(100, fc.readConfigureGlobal().numRuns ?? 100) },
    );
  });
});

test("every command that a guide shows is one of the hub", () => {
  const guides = globSync("docs/guides/*.md", { cwd: root }).map((file) => readFileSync(join(root, file), "utf8"));
  const presentation = cliPresentation(() => "");
  const known = new Set([
    ...planCommands(table, presentation).map(({ words }) => words.join(" ")),
    // Commands that no single operation stands behind.
    ...presentation.groups.flatMap(({ words }) => words),
    ...capsuleCommands({} as never).map(({ words }) => words),
    ...encryptCommands({} as never).map(({ words }) => words),
  ]);
  const shown = guides.flatMap((text) =>
    [...text.matchAll(/^npm run arw -- ([a-z -]+[a-z])/gm)].map((match) => match[1] ?? ""),
  );
  assert.ok(shown.length > 5);
  for (const words of shown) {
    const parts = words.split(" ");
    assert.ok(
      parts.some((_part, index) => known.has(parts.slice(0, index + 1).join(" "))),
      words,
    );
  }
});

function eventsFor(view: View): fc.Arbitrary<Omit<Envelope, "seq">> {
  const kinds = new Set(view.folds.map((fold) => fold.kind));
  const definitions = [...table.events.values()].filter(
    ({ kind, isDurable }) => isDurable && (kinds.has(kind) || kinds.has("*")),
  );
  const each = definitions.map(({ kind, version: eventVersion, data }) =>
    fc.record(
      {
        id: fc.uuid(),
        timeMs: fc.nat(),
        kind: fc.constant(kind),
        version: fc.constant(eventVersion),
        corrId: fc.constantFrom("one", "two"),
        causeId: fc.constant(null),
        node: fc.constant("here"),
        caller: fc.constantFrom("person:admin", "agent:scout"),
        data: valuesOf(data),
      },
      { noNullPrototype: true },
    ),
  );
  return fc.oneof(...each);
}

/** Folds as the kernel does, with frozen arguments, so that a fold that changes them throws; and twice, to see that it is pure. */
function foldAll(view: View, envelopes: readonly Omit<Envelope, "seq">[]): Map<string, unknown> {
  const rows = new Map<string, unknown>();
  for (const [index, given] of envelopes.entries()) {
    const envelope = frozen({ ...given, seq: index + 1 }) as never;
    for (const fold of view.folds) {
      if (fold.kind !== given.kind && fold.kind !== "*") continue;
      const key = fold.key(envelope);
      if (key === null) continue;
      const next = fold.apply(rows.get(key), envelope);
      assert.deepEqual(fold.apply(rows.get(key), envelope), next);
      if (next === null) rows.delete(key);
      else rows.set(key, frozen(next));
    }
  }
  return rows;
}

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
