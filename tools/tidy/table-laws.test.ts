import assert from "node:assert/strict";
import { test } from "vitest";
import type { Domain } from "../../src/contract/domain.ts";
import { event } from "../../src/contract/event.ts";
import { type Bound, type Operation, op } from "../../src/contract/operation.ts";
import { problem } from "../../src/contract/problem.ts";
import { closed, EpochMs, Type } from "../../src/contract/schema.ts";
import { on, view } from "../../src/contract/view.ts";
import { createTable } from "../../src/kernel/table.ts";
import { domainCycleFaults, domainEdges } from "./domain-graph.ts";
import { parseSource } from "./source.ts";
import { tableFaults } from "./table-laws.ts";

type Options = Partial<Operation>;

const lawful = op({
  id: "notes.add",
  http: "POST /notes",
  effect: "write",
  about: "Add a note.",
  input: closed({}),
  output: closed({}),
});
const operation = (options: Options): Bound => ({ operation: { ...lawful, ...options }, run: () => ({}) });
const fact = (kind: string, data = closed({})) => event({ kind, about: "It happened.", data });
const domain = (parts: Partial<Domain>): Domain => ({ name: "notes", operations: [], events: [], views: [], ...parts });
const run = ["started", "finished", "failed", "cancelled"].map((end) => fact(`notes.run.${end}`));
const folding = (kinds: readonly string[]) =>
  view(closed({ id: Type.String() }))({
    name: "runs",
    version: 1,
    about: "Runs of notes.",
    rowsMax: 10,
    folds: run
      .filter(({ kind }) => kinds.some((end) => kind.endsWith(end)))
      .map((each) =>
        on<{ id: string }>()(
          each,
          (e) => e.id,
          (row) => row ?? null,
        ),
      ),
  });

/** `row: message` of each fault of one domain. */
const faultsOf = (parts: Partial<Domain>): string[] =>
  tableFaults(createTable({ domains: [domain(parts)], derived: [] })).map(({ row, message }) => `${row}: ${message}`);

test("a domain that keeps the laws has no fault", () => {
  const Missing = problem({
    code: "notes.missing",
    status: 404,
    title: "Missing",
    about: "It is not there. Look again.",
  });
  const input = closed({ id: Type.String(), untilMs: Type.Optional(EpochMs) });
  const rows = operation({ http: "POST /notes/{id}", cli: "notes add <id>", input, problems: [Missing], emits: run });
  assert.deepEqual(
    faultsOf({ operations: [rows], events: run, views: [folding(["started", "finished", "failed", "cancelled"])] }),
    [],
  );
});

test.each([
  ["an id of another domain", { id: "other.add" }, /begins with its domain/],
  ["an id in capitals", { id: "notes.Add" }, /camel case/],
  ["no full stop", { about: "Add a note" }, /one sentence/],
  ["two sentences", { about: "Add a note. Then rest." }, /one sentence/],
  ["an open input", { input: Type.Object({}) }, /^notes\.add: input accepts unknown fields/],
  ["an open object inside", { input: closed({ to: Type.Array(Type.Object({})) }) }, /input\.to\[\] accepts unknown/],
  ["a unit without a description", { input: closed({ delayMs: Type.Integer() }) }, /input\.delayMs has a unit/],
  [
    "a unit in the output without a description",
    { output: closed({ sizeBytes: Type.Integer() }) },
    /output\.sizeBytes has a unit/,
  ],
  ["an event that nobody lists", { emits: [fact("notes.added")] }, /emits notes\.added, which no domain lists/],
  ["a route with an unknown field", { http: "GET /notes/{id}" }, /\{id\} in the route/],
  ["a route under the alias", { http: "GET /admin/notes" }, /alias/],
  ["a route with a slash at the end", { http: "GET /notes/" }, /slash/],
  ["a command with an unknown field", { cli: "add <text>" }, /<text> in the command/],
  ["a write past the rules", { effect: "write", isReadPastRules: true }, /read past the rules/],
  ["a stream past the rules", { effect: "read", mode: "many", isReadPastRules: true }, /read past the rules/],
  ["a secret past the rules", { effect: "read", isSecret: true, isReadPastRules: true }, /read past the rules/],
] satisfies [string, Options, RegExp][])("operations: %s is a fault", (_name, options, message) => {
  const faults = faultsOf({ operations: [operation(options)] });
  assert.equal(faults.length, 1, faults.join("\n"));
  assert.match(faults[0] ?? "", message);
});

test("two operations do not share a route or a command", () => {
  const input = closed({ id: Type.String(), key: Type.String() });
  const operations = [
    operation({ id: "notes.show", http: "GET /notes/{id}", cli: "show <id>", input }),
    operation({ id: "notes.read", http: "GET /notes/{key}", cli: "show <key>", input }),
    operation({ id: "notes.hide", http: "POST /hide", cli: "" }),
    operation({ id: "notes.veil", http: "POST /veil", cli: "" }),
  ];
  assert.deepEqual(faultsOf({ operations }), [
    "notes.read: shares the route GET /notes/{} with notes.show",
    "notes.read: shares the command show with notes.show",
  ]);
});

test.each([
  ["another family", fact("other.added"), /family of its domain: notes/],
  ["capitals", fact("notes.Added"), /lower-case/],
  ["open data", fact("notes.added", Type.Object({}) as never), /data accepts unknown fields/],
])("events: %s is a fault", (_name, definition, message) => {
  assert.match(faultsOf({ events: [definition] }).join("\n"), message);
});

test("what is started has every end, and one view folds all four", () => {
  assert.deepEqual(faultsOf({ events: run.slice(0, 2) }), [
    "notes.run.started: started, but there is no notes.run.failed",
    "notes.run.started: started, but there is no notes.run.cancelled",
  ]);
  const views = [folding(["started", "finished", "failed"])];
  assert.match(faultsOf({ events: run, views }).join("\n"), /no view folds all of/);
});

test("views: a fold of an unknown kind and an open row are faults", () => {
  const open = view(Type.Object({ id: Type.String() }))({
    name: "runs",
    version: 1,
    about: "Runs.",
    rowsMax: 0,
    folds: folding(["failed"]).folds,
  });
  assert.deepEqual(faultsOf({ views: [open] }), [
    "runs: a view has a limit of rows",
    "runs: row accepts unknown fields; use closed()",
    "runs: folds notes.run.failed, which no domain lists",
  ]);
});

test("problems: odd codes, statuses, owners and doubles are faults", () => {
  const define = (code: string, status = 400) => problem({ code, status, title: "Odd", about: "It is odd." });
  const problems = [
    define("notes.Odd"),
    define("notes.low", 200),
    define("other.odd"),
    define("notes.twice"),
    define("notes.twice"),
  ];
  assert.deepEqual(faultsOf({ operations: [operation({ problems })] }), [
    "notes.Odd: a code is `domain.what-happened`",
    "notes.low: a problem's status is 400 to 599",
    "other.odd: a problem's code begins with its domain",
    "notes.twice: two problems have this code",
  ]);
});

const contract = (name: string) =>
  parseSource(
    `src/domains/${name}/contract.ts`,
    "export const Run = op({});\nexport const Ran = event({});\nexport const Word = closed({});",
  );
const importing = (file: string, names: string, from: string) =>
  parseSource(`src/domains/${file}`, `import { ${names} } from "../${from}/contract.ts";`);

test("domains: calls, folds, emitted events and mere words are told apart", () => {
  const sources = [
    contract("b"),
    importing("a/service.ts", "Run, Ran, Word", "b"),
    importing("a/views.ts", "Ran, type Word", "b"),
  ];
  assert.deepEqual(
    domainEdges(sources).map(({ from, to, kind, names }) => `${from} ${kind} ${to} ${names.join(" ")}`),
    ["a calls b Run", "a emits b Ran", "a folds b Ran", "a words b Word"],
  );
});

test("domains: a ring of calls is a fault, a ring of facts is none", () => {
  const ring = (names: string) => [
    contract("a"),
    contract("b"),
    importing("a/service.ts", names, "b"),
    importing("b/service.ts", names, "a"),
  ];
  assert.deepEqual(
    domainCycleFaults(ring("Run")).map(({ message }) => message),
    ["domains call in a ring: a -> b -> a"],
  );
  assert.deepEqual(domainCycleFaults(ring("Ran")), []);
});
