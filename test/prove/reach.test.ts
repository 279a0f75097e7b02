/** What proofs take an operation to reach, against what its scope says of inputs that nobody made up for it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import type { Scope } from "../../src/contract/caller.ts";
import { accepts, anything, sequence, textIn, TooManyTexts, word } from "../../src/domains/prove/language.ts";
import { reachOf, type ThingType } from "../../src/domains/prove/reach.ts";
import { below } from "../../src/domains/prove/space.ts";
import { runs } from "../kit/runs.ts";
import { valuesOf } from "../story/schema-values.ts";
import { operations } from "./kit.ts";

const types: Readonly<Record<Exclude<keyof Scope, "path">, ThingType>> = {
  folder: "Folder",
  host: "Host",
  model: "Model",
  tool: "Tool",
  project: "Project",
  capsule: "Issuer",
};

test("no input reaches what proofs do not look at", () => {
  for (const operation of operations) {
    const { scope } = operation;
    if (scope === undefined) continue;
    const reach = reachOf(operation);
    fc.assert(
      fc.property(valuesOf(operation.input), (input) => {
        const reached = scope(input as never);
        const named = Object.entries(types).filter(([field]) => reached[field as keyof Scope] !== undefined);
        for (const [field, type] of named) assert.ok(reach.types.has(type), `${operation.id} reaches a ${field}`);
        if (named.length === 0) assert.ok(reach.types.has("Hub"), `${operation.id} reaches nothing but the hub`);
        if (reached.path !== undefined) assert.ok(reach.hasPath, `${operation.id} has a path`);
      }),
      runs(40),
    );
  }
});

test("what well-known operations reach is known", () => {
  const reached = (id: string) => [...reachOf(operations.find((each) => each.id === id) ?? assert.fail(id)).types];
  assert.deepEqual(
    ["fs.write", "web.fetch", "mcp.call", "shell.run", "models.chat", "provenance.adopt", "episodes.show"].map(reached),
    [["Folder"], ["Host"], ["Tool"], ["Folder"], ["Hub", "Model"], ["Hub", "Issuer"], ["Hub"]],
  );
});

test("a folder holds what lies below it, and none that only begins like it", () => {
  const isBelow = (folder: string, text: string) => accepts(below(folder), text);
  assert.deepEqual(
    ["/home/ada/notes", "/home/ada/notes/a", "/home/ada", "/home/adam", "/home"].map((each) =>
      isBelow("/home/ada", each),
    ),
    [true, true, false, false, false],
  );
  assert.deepEqual([isBelow("/", "/home"), isBelow("/", "/")], [true, false]);
});

test("texts that would take too long to look through are given up on", () => {
  const words = ["abc", "def", "ghi", "jkl", "mno", "pqr", "stu", "vwx", "yza", "bdf", "ceg", "hjl"];
  const holding = words.map((each) =>
    sequence(anything, ...Array.from(each).flatMap((letter) => [word(letter), anything])),
  );
  assert.throws(() => textIn(holding, []), TooManyTexts);
});
