import assert from "node:assert/strict";
import { stripTypeScriptTypes } from "node:module";
import { test } from "vitest";
import { event } from "../src/contract/event.ts";
import { op } from "../src/contract/operation.ts";
import { closed, oneOf, Type } from "../src/contract/schema.ts";
import { generateClient } from "./generate.ts";

const Brief = op({
  id: "scout.brief",
  http: "POST /scout/brief",
  mode: "job",
  effect: "write",
  about: "Write a brief.",
  input: closed({ folder: Type.String({ description: "Where */ to look." }), limit: Type.Optional(Type.Integer()) }),
  output: closed({ episode: Type.String() }),
});
const Watch = op({
  id: "state.episodes.watch",
  http: "GET /state/episodes/-/watch",
  mode: "many",
  effect: "read",
  about: "Watch the episodes.",
  input: closed({ after: Type.Optional(Type.Integer()) }),
  output: Type.Union([
    closed({ kind: oneOf(["snapshot"]) }),
    closed({ kind: oneOf(["patch"]), ops: Type.Array(Type.Unknown()) }),
  ]),
});
const Get = op({
  id: "state.episodes.get",
  http: "GET /state/episodes/{key}",
  effect: "read",
  about: "Get one.",
  input: closed({ key: Type.String() }),
  output: closed({
    status: oneOf(["a", "b"]),
    ids: Type.Array(Type.Union([Type.String(), Type.Null()])),
    extra: Type.Record(Type.String(), Type.Number()),
    "odd-name": Type.Optional(Type.Literal(1)),
    none: closed({}),
  }),
});
const Ticked = event({ kind: "a.ticked", about: "A tick.", data: closed({ n: Type.Integer() }) });

const table = {
  operations: new Map(
    [Brief, Watch, Get].map((operation) => [operation.id, { operation, run: () => assert.fail() }] as const),
  ),
  events: new Map([[Ticked.kind, Ticked]]),
};

test("the client has one typed method per operation, grouped by domain", async () => {
  await assertGolden(generateClient(table));
});

async function assertGolden(text: string): Promise<void> {
  const { expect } = await import("vitest");
  await expect(text).toMatchFileSnapshot("generate.golden.txt");
}

test("the text is TypeScript that Node can run", () => {
  assert.match(
    stripTypeScriptTypes(generateClient(table)),
    /brief: \(input, options\) => runtime\.call\("POST \/scout\/brief", input, options\)/,
  );
});

test("the order of the table does not change the text", () => {
  const turned = { ...table, operations: new Map([...table.operations].toReversed()) };
  assert.equal(generateClient(turned), generateClient(table));
});
