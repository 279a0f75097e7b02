import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "vitest";
import { sourceFaults } from "../tidy.ts";
import { cyclesOf } from "./cycles.ts";
import { linkFaults } from "./links.ts";
import { parseSource } from "./source.ts";
import { type Waivers, withWaivers } from "./waivers.ts";

/** `rule line` of every fault in one file. */
const faultsIn = (file: string, text: string): string[] =>
  sourceFaults([parseSource(file, text)]).map(({ rule, line }) => `${rule} ${line}`);

const lines = (count: number) => "\n".repeat(count);

test.each([
  ["base imports nothing of ours", "src/base/ring.ts", 'import { a } from "../contract/a.ts";'],
  ["contract does not know the kernel", "src/contract/event.ts", 'import type { A } from "../kernel/kernel.ts";'],
  ["the kernel knows no domain", "src/kernel/gate.ts", 'import { A } from "../domains/fs/contract.ts";'],
  ["a domain enters another by its contract only", "src/domains/a/service.ts", 'import { A } from "../b/service.ts";'],
  ["a domain does not touch another's port", "src/domains/a/service.ts", 'import type { A } from "../b/port.ts";'],
  ["a domain takes only types of the kernel", "src/domains/a/service.ts", 'import { A } from "../../kernel/ports.ts";'],
  ["a domain does not know an adapter", "src/domains/a/service.ts", 'import { A } from "../../adapters/files/a.ts";'],
  ["an adapter does not know a service", "src/adapters/files/a.ts", 'import { A } from "../../domains/fs/service.ts";'],
  [
    "an adapter does not know the kernel's inside",
    "src/adapters/files/a.ts",
    'import type { A } from "../../kernel/bus.ts";',
  ],
  ["a surface names no domain", "src/surfaces/http/a.ts", 'import { A } from "../../domains/fs/contract.ts";'],
  ["a surface does not know the kernel's inside", "src/surfaces/http/a.ts", 'import { A } from "../../kernel/bus.ts";'],
  ["a surface does not know another", "src/surfaces/http/a.ts", 'import { A } from "../cli/a.ts";'],
  ["the interface knows the client only", "web/src/a.ts", 'import { A } from "../../src/contract/event.ts";'],
  ["the client knows nothing of the hub", "client/src/a.ts", 'import { A } from "../../src/contract/event.ts";'],
  ["src imports nothing outside", "src/app/main.ts", 'import { A } from "../../tools/gen.ts";'],
  ["only tests import tests", "src/base/ring.ts", 'import { A } from "./heap.test.ts";'],
  ["dynamic imports are imports", "src/kernel/gate.ts", 'export const a = () => import("../app/wire.ts");'],
  ["imports inside types are imports", "src/base/ring.ts", 'export type A = import("../kernel/bus.ts").Bus;'],
  ["the schema library has one home", "src/kernel/gate.ts", 'import { Type } from "typebox";'],
  ["parts of a package are the package", "src/kernel/gate.ts", 'import { Compile } from "typebox/compile";'],
  ["the library of commands has one home", "src/app/main.ts", 'import { Command } from "commander";'],
  ["a package without a home is refused", "src/app/main.ts", 'import { a } from "left-pad";'],
  ["the disk belongs to app and adapters", "src/domains/a/service.ts", 'import { readFileSync } from "node:fs";'],
  ["the network belongs to app and adapters", "src/surfaces/http/a.ts", 'import { connect } from "node:net";'],
])("rooms: %s", (_name, file, text) => {
  assert.deepEqual(faultsIn(file, text), ["rooms 1"]);
});

test.each([
  [
    "src/domains/a/service.ts",
    'import { A } from "../b/contract.ts";\nimport type { C } from "../../kernel/ports.ts";',
  ],
  [
    "src/adapters/files/a.ts",
    'import type { A } from "../../domains/fs/port.ts";\nimport { readFileSync } from "node:fs";',
  ],
  ["src/surfaces/cli/a.ts", 'import { Command } from "commander";\nimport { A } from "../spec/operation-schemas.ts";'],
  ["src/kernel/journal.ts", 'import { createHash } from "node:crypto";\nimport type { Server } from "node:http";'],
  ["web/dev/screenshots.ts", 'import { main } from "../../src/app/main.ts";\nawait main([]);'],
  ["src/domains/a/service.test.ts", 'import { A } from "../../kernel/create-kernel.ts";\nconst atMs = Date.now();'],
])("rooms: what is allowed passes in %s", (file, text) => {
  assert.deepEqual(faultsIn(file, text), []);
});

test.each([
  "Date.now()",
  "Math.random()",
  "crypto.randomUUID()",
  "process.env",
  "process.cwd()",
  "console.log(1)",
  "performance.now()",
  "fetch('http://x')",
  "globalThis.fetch",
  "globalThis.Math.random()",
  "setTimeout(() => {}, 1)",
  "new Date()",
  "{ run: setInterval }",
])("ambient: %s is caught outside app and adapters", (expression) => {
  assert.deepEqual(faultsIn("src/kernel/a.ts", `export const read = () => (${expression});`), ["ambient 1"]);
  assert.deepEqual(faultsIn("src/adapters/files/a.ts", `export const read = () => (${expression});`), []);
});

test.each([
  "export const read = (fetch: () => void) => fetch();",
  "export const at = (ms: number) => new Date(ms);",
  "export const of = (a: { process: number; fetch(): void }) => a.process;",
  "export type Fetch = typeof fetch;",
  "export const console_ = { console: 1 };",
])("ambient: %s is not ambient", (text) => {
  assert.deepEqual(faultsIn("src/kernel/a.ts", text), []);
});

test("ambient: one file takes the server that the hub listens with, and nothing else of the process", () => {
  const text = 'export const server = () => process.getBuiltinModule("node:http").createServer();';
  assert.deepEqual(faultsIn("src/surfaces/http/listener.ts", text), []);
  assert.deepEqual(faultsIn("src/surfaces/http/surface.ts", text), ["ambient 1"]);
  assert.deepEqual(faultsIn("src/surfaces/http/listener.ts", "export const read = () => process.env;"), ["ambient 1"]);
});

test("ambient: chance imported by name is caught", () => {
  assert.deepEqual(faultsIn("src/kernel/a.ts", 'import { createHash, randomBytes } from "node:crypto";'), [
    "ambient 1",
  ]);
});

test.each([
  ["errors 1", 'export const a = () => { throw new Error("x"); };'],
  ["errors 1", 'export const a = () => { throw Error("x"); };'],
  ["exports 1", 'export * from "./b.ts";'],
  ["exports 1", "export default 1;"],
  ["any 1", "export const a = (b: any): void => void b;"],
  ["any 1", "export const a = 1 as any;"],
  ["erasable 1", "export enum A { B }"],
  ["erasable 1", "export namespace A { export const b = 1; }"],
  ["erasable 1", "export class A { constructor(readonly b: string) {} }"],
  ["effects 1", "register();"],
  ["effects 1", "for (const a of [1]) void a;"],
  ["effects 1", "if (import.meta.main) run();"],
  ["effects 1", "export const a = await b();"],
  ["effects 2", 'import { a } from "./b.ts";\nexport const c = a(1).map(String);'],
  ["effects 2", 'import { createServer } from "node:http2";\nexport const a = createServer();'],
  ["effects 2", 'import { createHash } from "node:crypto";\nexport const a = { hash: createHash("sha256") };'],
  ["syntax 1", "export const = ;"],
])("forms: %s in %s", (expected, text) => {
  const rules = faultsIn("src/kernel/a.ts", text).filter((fault) => !fault.startsWith("rooms"));
  assert.deepEqual(rules, [expected]);
});

test.each([
  ["definers make values", 'import { op } from "../../contract/operation.ts";\nexport const A = op({ id: "a.b" });'],
  [
    "views are curried",
    'import { on, view } from "../../contract/view.ts";\nconst fold = on();\nexport const v = view(1)({ folds: [fold(1)] });',
  ],
  [
    "tables are built from literals",
    "const words = new Set([1].map((a) => a + 1));\nexport const list = Object.freeze([...words]);",
  ],
  ["own functions may compute a table", "const table = build();\nexport function build() { return table; }"],
  ["RangeError is for misuse", 'export const a = () => { throw new RangeError("x"); };'],
  [
    "methods of imported lists make new ones",
    'import { keys } from "./keys.ts";\nexport const names = keys.map((key) => key);',
  ],
  ["types of another module may be added to", 'declare module "a" { interface B { c: 1 } }'],
  ["directives and types do nothing", '"use client";\ninterface A { a: 1 }\nexport type B = A;'],
])("forms: %s", (_name, text) => {
  assert.deepEqual(faultsIn("src/domains/a/contract.ts", text), []);
});

test("sizes: one line too many is one too many", () => {
  const body = (count: number) => `export function run() {${lines(count)}}\n`;
  assert.deepEqual(faultsIn("src/base/a.ts", body(69)), []);
  assert.deepEqual(faultsIn("src/base/a.ts", body(70)), ["size 1"]);
  assert.deepEqual(faultsIn("src/base/a.test.ts", body(70)), []);
  assert.deepEqual(faultsIn("src/base/a.ts", lines(500)), []);
  assert.deepEqual(faultsIn("src/base/a.ts", lines(501)), ["size 1"]);
  assert.deepEqual(faultsIn("client/src/generated.ts", `// Generated by \`npm run gen\`.\n${lines(600)}`), []);
});

test("sizes: a fourth parameter is one too many, and `this` is none", () => {
  assert.deepEqual(faultsIn("src/base/a.ts", "export const a = (b: 1, c: 1, d: 1, e: 1) => b;"), ["parameters 1"]);
  assert.deepEqual(faultsIn("src/base/a.ts", "export function a(this: 1, b: 1, c: 1, ...d: 1[]) {}"), []);
});

test.each([
  ["src/base/Ring.ts", 1],
  ["src/base/json_patch.ts", 1],
  ["src/base/text-utils.ts", 1],
  ["src/helpers/ring.ts", 1],
  ["src/base/json-patch.test.ts", 0],
  ["vitest.config.ts", 0],
])("names: %s has %d faults", (file, count) => {
  assert.equal(faultsIn(file, "").filter((fault) => fault.startsWith("names")).length, count);
});

test("cycles: a ring of run-time imports is one fault, a ring of types is none", () => {
  const ring = (kind: string) => [
    parseSource("src/base/a.ts", `import ${kind} { B } from "./b.ts";`),
    parseSource("src/base/b.ts", `import ${kind} { C } from "./c.ts";`),
    parseSource("src/base/c.ts", `import ${kind} { A } from "./a.ts";`),
  ];
  const [fault, ...more] = sourceFaults(ring(""));
  assert.equal(fault?.message, "import cycle src/base/a.ts -> src/base/b.ts -> src/base/c.ts -> src/base/a.ts");
  assert.deepEqual(more, []);
  assert.deepEqual(sourceFaults(ring("type")), []);
});

test("cycles: a shared leaf and a self edge", () => {
  const graph = new Map([
    ["a", ["b", "c"]],
    ["b", ["d"]],
    ["c", ["d"]],
    ["d", ["d"]],
  ]);
  assert.deepEqual(cyclesOf(graph), [["d"]]);
});

test("links: only relative links that lead nowhere are faults", () => {
  const text = [
    "[a](there.md) [b](gone.md) [c](https://x.y) [d](#part) [e](../README.md#first) `[f](code.md)`",
    "```",
    "[g](in-a-block.md)",
    "```",
    "[h]: also-gone.md",
  ].join("\n");
  const faults = linkFaults({ file: "docs/guides/a.md", text }, (path) =>
    ["docs/guides/there.md", "docs/README.md"].includes(path),
  );
  assert.deepEqual(
    faults.map(({ line, message }) => `${line} ${message}`),
    ["1 gone.md is not there", "5 also-gone.md is not there"],
  );
});

test("waivers: an exception covers one rule in one file, must be used, and is counted", () => {
  const fault = { file: "a.ts", line: 3, rule: "size", message: "x" };
  const waiver = { file: "a.ts", rule: "size", reason: "A table that reads better in one piece." };
  assert.deepEqual(withWaivers([fault], { max: 1, waivers: [waiver] }), []);
  assert.deepEqual(
    withWaivers([fault, { ...fault, rule: "any" }], { max: 1, waivers: [waiver] }).map(({ rule }) => rule),
    ["any"],
  );
  assert.deepEqual(
    withWaivers([], { max: 1, waivers: [waiver] }).map(({ rule }) => rule),
    ["waivers"],
  );
  assert.deepEqual(
    withWaivers([fault], { max: 0, waivers: [waiver] }).map(({ rule }) => rule),
    ["waivers"],
  );
  assert.deepEqual(
    withWaivers([fault], { max: 1, waivers: [{ ...waiver, reason: "" }] }).map(({ rule }) => rule),
    ["waivers"],
  );
});

test("waivers: the committed number never rises", () => {
  const waiversMaxEver = 0;
  const { max } = JSON.parse(readFileSync(new URL("waivers.json", import.meta.url), "utf8")) as Waivers;
  assert.ok(max <= waiversMaxEver);
});
