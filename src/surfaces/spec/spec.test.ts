import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { test } from "vitest";
import { event } from "../../contract/event.ts";
import { bind, type Operation, op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { on, view } from "../../contract/view.ts";
import { stateOperations } from "../../kernel/state-operations.ts";
import { createTable } from "../../kernel/table.ts";
import { asyncapi } from "./asyncapi.ts";
import { createShelf, type JsonSchema, plain } from "./json-schema.ts";
import { mcpTools } from "./mcp-tools.ts";
import { openapi } from "./openapi.ts";
import { gateKeys, problemPages } from "./pages.ts";
import { schemas } from "./schemas.ts";

type Json = Record<string, never> & { readonly [key: string]: Json };
// The documents are JSON; the tests reach into them by path.
const json = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

const Stalled = problem({ code: "notes.stalled", status: 409, title: "Stalled", about: "It stands still." });
const Locked = problem({ code: "notes.locked", status: 409, title: "Locked", about: "Somebody writes it." });
const Added = event({
  kind: "notes.added",
  about: "A note was added.",
  data: closed({ id: Type.String(), atMs: EpochMs }),
});
const Tick = event({ kind: "notes.tick", isDurable: false, about: "Time passes.", data: closed({ atMs: EpochMs }) });
const Place = closed({ line: Type.Integer(), column: Type.Integer() });
const Note = closed({ id: Type.String(), state: oneOf(["open", "done"]), place: Place });
const notes = view(Note)({
  name: "notes",
  version: 1,
  about: "Notes, newest first.",
  rowsMax: 10,
  folds: [
    on<Static<typeof Note>>()(
      Added,
      (e) => e.data.id,
      (row) => row ?? null,
    ),
  ],
});
const Get = op({
  id: "notes.get",
  http: "GET /notes/{id}",
  effect: "read",
  isTool: true,
  about: "Show a note.",
  input: closed({ id: Type.String(), deep: Type.Optional(Type.Boolean({ description: "With its parts." })) }),
  output: Note,
  problems: [NotFound],
});
const Move = op({
  id: "notes.move",
  http: "POST /notes/{id}/move",
  effect: "destroy",
  isTool: true,
  about: "Move a note.",
  input: closed({ id: Type.String(), to: Place, from: Type.Optional(Place) }),
  output: Type.Union([Note, Type.Null()]),
  problems: [Stalled, Locked],
  emits: [Added],
  needs: ["net:fetch"],
});
const Copy = op({
  id: "notes.copy",
  http: "POST /notes/copy",
  mode: "job",
  effect: "write",
  isTool: true,
  isIdempotent: true,
  about: "Copy all notes.",
  input: closed({}),
  output: closed({ count: Type.Integer() }),
  emits: [Added, Tick],
});
const Watch = op({
  id: "notes.watch",
  http: "GET /notes",
  mode: "many",
  effect: "read",
  isPublic: true,
  about: "Follow the notes.",
  input: closed({}),
  output: Note,
});
const Metrics = op({
  id: "notes.metrics",
  http: "GET /metrics",
  effect: "read",
  media: "text/plain",
  about: "Count.",
  input: closed({}),
  output: Type.String(),
});

const run = () => null as never;
const bindAny = (operation: Operation) =>
  bind(operation, run, operation.id === "notes.get" ? { etag: () => '"1"' } : {});

function sampleTable(order: (operations: Operation[]) => Operation[] = (operations) => operations) {
  const operations = order([Get, Move, Copy, Watch, Metrics]).map(bindAny);
  const domains = [{ name: "notes", operations, events: [Added, Tick], views: [notes] }];
  return createTable({ domains, derived: stateOperations([notes], run) });
}
const version = "1.2.3";
const api = () => json(openapi(sampleTable(), { version }));

test("every reference of both documents leads somewhere", () => {
  for (const document of [api(), json(asyncapi(sampleTable(), { version }))]) {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) =>
      (match[1] ?? "").split("/"),
    );
    assert.ok(references.length > 10);
    for (const parts of references) {
      const found = parts.reduce<unknown>(
        (value, part) => (value as Record<string, unknown> | undefined)?.[part],
        document,
      );
      assert.ok(found, parts.join("/"));
    }
  }
});

test("the order of the table's rows does not show in any document", () => {
  const [one, other] = [sampleTable(), sampleTable((operations) => operations.toReversed())];
  for (const write of [openapi, asyncapi])
    assert.equal(JSON.stringify(write(one, { version })), JSON.stringify(write(other, { version })));
  assert.deepEqual(mcpTools(one), mcpTools(other));
  assert.equal(gateKeys(one), gateKeys(other));
  assert.deepEqual([...schemas(one)], [...schemas(other)]);
});

test("OpenAPI: every component schema is a valid JSON Schema", () => {
  const ajv = new Ajv2020({ strict: false });
  const { components } = api();
  ajv.addSchema({ $id: "urn:arw:api", components });
  for (const name of Object.keys(components?.["schemas"] ?? {})) {
    assert.equal(typeof ajv.compile({ $ref: `urn:arw:api#/components/schemas/${name}` }), "function", name);
  }
});

test("OpenAPI: path fields leave the body, other fields of a GET go into the query", () => {
  const { paths, components } = api();
  assert.deepEqual(paths?.["/notes/{id}"]?.["get"]?.["parameters"], [
    { name: "id", in: "path", required: true, schema: { type: "string" } },
    { name: "deep", in: "query", description: "With its parts.", schema: { type: "boolean" } },
    { name: "If-None-Match", in: "header", schema: { type: "string" } },
  ]);
  const move = paths?.["/notes/{id}/move"]?.["post"];
  assert.equal(move?.["requestBody"]?.["required"], true);
  assert.deepEqual(components?.["schemas"]?.["NotesMoveInput"], {
    type: "object",
    required: ["to"],
    properties: { to: { $ref: "#/components/schemas/Place" }, from: { $ref: "#/components/schemas/Place" } },
    additionalProperties: false,
  });
});

test("OpenAPI: a shared schema is written once", () => {
  const { components, paths } = api();
  const row = { $ref: "#/components/schemas/NotesRow" };
  assert.deepEqual(paths?.["/notes/{id}"]?.["get"]?.["responses"]?.["200"]?.["content"], {
    "application/json": { schema: row },
  });
  assert.deepEqual(components?.["schemas"]?.["NotesMoveOutput"], { anyOf: [row, { type: "null" }] });
});

test("OpenAPI: problems of one status stand side by side, with those of the corridor", () => {
  const responses = api()["paths"]?.["/notes/{id}/move"]?.["post"]?.["responses"];
  assert.deepEqual(responses?.["409"]?.["content"]?.["application/problem+json"]?.["schema"], {
    oneOf: [
      { $ref: "#/components/schemas/problem.notes.locked" },
      { $ref: "#/components/schemas/problem.notes.stalled" },
    ],
  });
  assert.equal(responses?.["409"]?.["description"], "Locked; Stalled.");
  assert.deepEqual(Object.keys(responses ?? {}), "200 202 400 401 403 409 413 415 429 499 500 503 504 507".split(" "));
  assert.deepEqual(responses?.["429"], { $ref: "#/components/responses/too-many-requests" });
  assert.ok(api()["components"]?.["responses"]?.["too-many-requests"]?.["headers"]?.["Retry-After"]);
});

test("OpenAPI: each mode answers in its own way", () => {
  const { paths } = api();
  const responses = (path: string, method: string) => paths?.[path]?.[method]?.["responses"];
  assert.deepEqual(responses("/notes/copy", "post")?.["202"]?.["content"]?.["application/json"]?.["schema"], {
    oneOf: [{ $ref: "#/components/schemas/Accepted" }, { $ref: "#/components/schemas/Held" }],
  });
  assert.equal(responses("/notes/copy", "post")?.["200"], undefined);
  assert.deepEqual(Object.keys(responses("/notes", "get")?.["200"]?.["content"] ?? {}), [
    "text/event-stream",
    "application/x-ndjson",
  ]);
  assert.deepEqual(Object.keys(responses("/metrics", "get")?.["200"]?.["content"] ?? {}), ["text/plain"]);
  assert.ok(responses("/notes/{id}", "get")?.["304"]);
  assert.ok(responses("/state/notes/-/watch", "get")?.["200"]);
});

test("OpenAPI: sign-in, gate key and effect are told; public operations need no sign-in", () => {
  const { paths, security } = api();
  assert.deepEqual(security, [{ bearer: [] }, { adminToken: [] }, { session: [] }]);
  assert.deepEqual(paths?.["/notes"]?.["get"]?.["security"], []);
  const move = paths?.["/notes/{id}/move"]?.["post"];
  assert.deepEqual(
    [move?.["x-arw-gate-key"], move?.["x-arw-effect"], move?.["x-arw-needs"]],
    ["notes:move", "destroy", ["net:fetch"]],
  );
  assert.ok(Object.keys(paths ?? {}).every((path) => !path.startsWith("/admin")));
});

test("AsyncAPI: every event is a channel, every emitting operation a sender", () => {
  const { channels, operations, components } = json(asyncapi(sampleTable(), { version }));
  assert.deepEqual(Object.keys(channels ?? {}), ["notes.added", "notes.tick"]);
  assert.deepEqual(Object.keys(operations ?? {}), [
    "notes.copy_notes.added",
    "notes.copy_notes.tick",
    "notes.move_notes.added",
  ]);
  assert.deepEqual(components?.["messages"]?.["notes.added"]?.["payload"]?.["required"], ["seq"]);
  assert.equal(components?.["messages"]?.["notes.tick"]?.["payload"]?.["required"], undefined);
});

test("AsyncAPI: a payload schema accepts what is sent and refuses another kind", () => {
  const document = asyncapi(sampleTable(), { version });
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: "urn:arw:events", ...document });
  const check = ajv.compile({ $ref: "urn:arw:events#/components/messages/notes.added/payload" });
  const envelope = {
    seq: 1,
    id: "a",
    timeMs: 1,
    kind: "notes.added",
    version: 1,
    corrId: "c",
    causeId: null,
    node: "n",
    caller: "p",
    data: { id: "x", atMs: 1 },
  };
  assert.equal(check(envelope), true);
  assert.equal(check({ ...envelope, kind: "notes.tick" }), false);
  assert.equal(check({ ...envelope, data: { id: 1 } }), false);
});

test("MCP: only tools are listed, with hints from effect and idempotence", () => {
  const tools = mcpTools(sampleTable());
  assert.deepEqual(
    tools.map(({ name, annotations: hints }) => [
      name,
      hints.readOnlyHint,
      hints.destructiveHint,
      hints.idempotentHint,
      hints.openWorldHint,
    ]),
    [
      ["notes_copy", false, false, true, false],
      ["notes_get", true, false, true, false],
      ["notes_move", false, true, false, true],
    ],
  );
  const [copy, get, move] = tools;
  assert.equal(copy?.outputSchema, undefined);
  assert.match(copy?.description ?? "", /Runs as a task/);
  assert.deepEqual(get?.outputSchema, plain(Note));
  assert.deepEqual(move?.outputSchema?.["required"], ["result"]);
});

test("pages: one per problem, naming who answers with it; keys with their effect", () => {
  const pages = problemPages(sampleTable());
  assert.match(pages.get("notes.locked") ?? "", /^# Locked\n\n`notes\.locked`, HTTP status 409\.[^]*`notes\.move`/);
  assert.match(pages.get("arw.denied") ?? "", /Any operation may answer with it\./);
  const keys = gateKeys(sampleTable());
  assert.match(keys, /\| `notes:move` \| Notes move \| stable \| destroy \| `net:fetch` \| Move a note\. \|/);
  assert.match(keys, /\| `emit:notes:added` \| Notes added \| stable \| A note was added\. \|/);
});

test("schema files: each compiles on its own and has its own id", () => {
  const ajv = new Ajv2020({ strict: false });
  const files = schemas(sampleTable());
  for (const schema of files.values()) ajv.compile(schema);
  assert.equal(new Set([...files.values()].map((schema) => schema["$id"])).size, files.size);
  assert.ok(
    files.has("events/notes.added.1.json") &&
      files.has("operations/notes.move.input.json") &&
      files.has("views/notes.json"),
  );
});

test("shelf: different schemas of one field name get different names, fields named like keywords are fields", () => {
  const part = (field: string): JsonSchema => ({ type: "object", properties: { [field]: { type: "string" } } });
  const whole = (items: JsonSchema, other: JsonSchema): JsonSchema => ({
    type: "object",
    properties: { items, other: { type: "object", properties: { items: other } } },
  });
  const roots = [
    { name: "A", schema: whole(part("a"), part("b")) },
    { name: "B", schema: { type: "object", properties: { x: { type: "array", items: whole(part("a"), part("b")) } } } },
  ];
  const { kept } = createShelf(roots, { prefix: "#", reserved: ["A"] });
  assert.deepEqual(Object.keys(kept), ["A2", "B", "Items", "Items2", "Other"]);
  assert.deepEqual(kept["A2"], {
    type: "object",
    properties: { items: { $ref: "#Items" }, other: { $ref: "#Other" } },
  });
});

test("tuples are written as JSON Schema 2020-12 has them", () => {
  const pair = closed({ pair: Type.Tuple([Type.String(), Type.Tuple([Type.Integer()])]) });
  const check = new Ajv2020({ strict: false }).compile(plain(pair));
  assert.equal(check({ pair: ["a", [1]] }), true);
  for (const wrong of [["a"], ["a", ["b"]], ["a", [1], 2]]) assert.equal(check({ pair: wrong }), false);
});
