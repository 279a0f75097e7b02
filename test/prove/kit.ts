/** Policies and calls for proofs: what somebody might write, and what the rules might be asked about it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { contractTable } from "../../src/app/domains.ts";
import { bookOf, createPolicyReader } from "../../src/app/prove-seat.ts";
import { cedarProgram } from "../../src/app/state-dir.ts";
import { createCedarEngine } from "../../src/adapters/cedar/engine.ts";
import { readPolicies } from "../../src/adapters/cedar/read-policies.ts";
import { cedarSchemaOf } from "../../src/adapters/cedar/schema.ts";
import { createCedarLoader } from "../../src/adapters/cedar/wasm.ts";
import { groupsOf } from "../../src/domains/policy/engine-port.ts";
import { parsedDefaultPolicies } from "../../src/adapters/cedar/default-policies.generated.ts";
import type { Witness } from "../../src/domains/prove/contract.ts";
import { reachOf, type ThingType } from "../../src/domains/prove/reach.ts";
import { createSpace } from "../../src/domains/prove/space.ts";

export const operations = [...contractTable().operations.values()].map((each) => each.operation);
export const nowMs = 1_750_000_000_000;
export const space = createSpace({ operations, groupsOf, nowMs });
/** Nothing is in force beside the default set. */
export const reader = createPolicyReader({
  policies: { engine: () => ({ policies: parsedDefaultPolicies, decide: () => assert.fail("nobody asks") }) },
  operations: () => operations,
  name: "test",
});
export const readOwn = (texts: readonly string[], hasDefaults: boolean) =>
  reader.read(texts.join("\n"), { name: "own", hasDefaults });

/** When a soak has to be over; it ends on time whatever is left to try. */
export const soakUntilMs = Number(process.env["ARW_SOAK_UNTIL_MS"] ?? Number.POSITIVE_INFINITY);

const load = createCedarLoader(cedarProgram);
let engines = 0;
/** Many sets at the price of one: Cedar reads and checks them together. */
export async function booksOf(
  sets: ReadonlyMap<string, { readonly texts: readonly string[]; readonly hasDefaults: boolean }>,
) {
  const files = [...sets].map(([name, { texts }]) => ({ name, text: texts.join("\n") }));
  const { policies, faults } = readPolicies(await load(), files, cedarSchemaOf(operations));
  assert.deepEqual(faults, []);
  return new Map(
    [...sets].map(([name, { hasDefaults }]) => {
      const own = policies
        .filter(({ source }) => source.startsWith(`${name}:`))
        // A set names its rules as its writer did.
        .map((each) => ({ ...each, id: each.id.replace(`${name}/`, "") }));
      const all = hasDefaults ? [...parsedDefaultPolicies, ...own] : own;
      const engine = createCedarEngine({ policies: all, load, name: `books:${(engines += 1)}` });
      return [name, bookOf(engine, all, () => operations)] as const;
    }),
  );
}

const quoted = (type: string, id: string): string => `${type}::${JSON.stringify(id)}`;
const ids = ["ada", "scout"] as const;
const folders = [
  "/",
  "/home",
  "/home/ada",
  "/home/ada/notes",
  "/home/adam",
  "/home/bob",
  'C:\\Users\\"ada"',
  "/home/a..b",
];
const things: Readonly<Record<ThingType, readonly string[]>> = {
  Hub: ["hub"],
  Folder: folders,
  Host: ["example.org:443", "example.org:80", "www.example.org:443", "10.0.0.1:80", "[::1]:80"],
  Model: [
    "localhost:11434/llama3.2",
    "api.example.org/gpt",
    "api.example.org/a/b",
    "example.org:8080/m",
    "127.0.0.1:1/m",
    "scout",
  ],
  Project: ["garden"],
  Issuer: ["parent"],
  Tool: ["files/read_file", "files/write/x", "mail/send"],
};
const named = [
  "fs.write",
  "fs.read",
  "web.fetch",
  "models.chat",
  "mcp.call",
  "provenance.adopt",
  "agents.run",
  "shell.run",
  "halt.engage",
  "state.episodes",
];
const groups = ["read", "write", "destroy", "fs", "web", "fs:write", "net:send", "exec", "model:ask", "hub:books"];

const principalHead = fc.oneof(
  fc.constantFrom("principal", "principal", "principal is Agent", "principal is Person", "principal is Plugin"),
  fc
    .tuple(fc.constantFrom("Agent", "Agent", "Node", "Person"), fc.constantFrom(...ids))
    .chain(([type, id]) =>
      fc.constantFrom(
        `principal == ${quoted(type, id)}`,
        `principal in ${quoted(type, id)}`,
        `principal is Agent in ${quoted(type, id)}`,
      ),
    ),
);
const actionHead = fc.oneof(
  fc.constantFrom("action", 'action in Action::"write"', 'action in Action::"net:send"', 'action in Action::"exec"'),
  fc.constantFrom(...named).map((id) => `action == ${quoted("Action", id)}`),
  fc
    .subarray([...named, ...groups], { minLength: 1, maxLength: 3 })
    .map((each) => `action in [${each.map((id) => quoted("Action", id)).join(", ")}]`),
);
const resourceHead = fc.oneof(
  fc.constantFrom(
    "resource",
    "resource",
    "resource is Folder",
    "resource is Host",
    "resource is Hub",
    "resource is Model",
  ),
  fc.constantFrom(
    'resource in Server::"files"',
    'resource in Server::"api.example.org"',
    'resource in Machine::"another"',
    'resource in Machine::"this"',
  ),
  fc
    .constantFrom(...(Object.keys(things) as ThingType[]))
    .chain((type) => fc.constantFrom(...things[type]).map((id) => quoted(type, id)))
    .chain((uid) => fc.constantFrom(`resource == ${uid}`, `resource in ${uid}`, `resource is Folder in ${uid}`)),
);
/** Everything that a policy may say, at least once. */
export const conditions = [
  "when { context.granted }",
  "when { context.open } unless { context.granted }",
  'when { context.labels.contains("web") }',
  'unless { context.labels.containsAny(["file", "tool"]) }',
  'when { context.labels.containsAll(["file", "web"]) }',
  'when { ["file", "web"].containsAll(context.labels) }',
  'when { context.labels == ["file"] }',
  "when { context.labels.isEmpty() }",
  'when { context.labels.contains("nothing") || !context.open }',
  'when { context.path like "private/*" }',
  'when { context.path like "*/*.md" && context.path != "a/b.md" }',
  'when { context.path like "\\*" || context.path == "" }',
  'when { ["a", "b"].contains(context.path) }',
  'when { {all: context}.all.path == "a" }',
  'when { (if context.granted then context.path else "b") == "b" }',
  "when { context has capsule && context.capsule.leaseSecs > 60 }",
  "when { context has capsule.leaseSecs && 3600 >= context.capsule.leaseSecs }",
  'when { context has capsule && context.capsule.tags.contains("home") && context.capsule.role == "edge" }',
  "when { context has capsule && (context.capsule.tags.isEmpty() || context.capsule.hopsLeft == 3) }",
  "when { context has unconfined && context.unconfined }",
  "unless { context has unconfined && context.unconfined }",
  'when { resource in Folder::"/home" || principal == Agent::"scout" }',
  'when { resource in [Folder::"/home/ada", Folder::"/"] || resource in Server::"mail" || resource in Machine::"this" }',
  'unless { action in Action::"net:send" }',
  'when { action in [Action::"write", Action::"web.fetch"] && action != Action::"fs.write" }',
  'when { principal is Agent in Agent::"ada" }',
  "when { resource is Folder && (context.granted == context.open) }",
  'unless { resource == Folder::"/home/ada/notes" || resource == Host::"example.org:443" }',
  "when { -5 < 3 && !(2 > 3) }",
  'when { "notes/a.md" like "notes/*" && (if context.granted then "a" else "b") like "b" }',
  "when { if context.granted then context.open else !context.open }",
] as const;
export const policyText = fc
  .record({
    effect: fc.constantFrom("permit", "permit", "forbid"),
    asks: fc.boolean(),
    who: principalHead,
    what: actionHead,
    where: resourceHead,
    when: fc.oneof(fc.constant(""), fc.constantFrom(...conditions)),
  })
  .map(
    ({ effect, asks, who, what, where, when }) =>
      `${asks && effect === "permit" ? '@ask("sure?") ' : ""}${effect} (${who}, ${what}, ${where}) ${when};`,
  );

const reach = new Map(operations.map((each) => [each.id, reachOf(each)]));
/** A call that the hub could be asked about. */
export const call: fc.Arbitrary<Witness> = fc
  .record({
    kind: fc.constantFrom("agent", "agent", "person", "plugin", "node"),
    id: fc.constantFrom(...ids),
    operation: fc.constantFrom(...operations.filter(({ id }) => named.includes(id))),
  })
  .chain(({ kind, id, operation }) =>
    fc
      .constantFrom(...(reach.get(operation.id)?.types ?? []))
      .chain((type) =>
        fc.record({
          type: fc.constant(type),
          thing: fc.constantFrom(...things[type]),
          path: fc.constantFrom("", "a", "b", "private/a", "a/b.md", "x/y.md", "*"),
          isGranted: fc.boolean(),
          isOpen: fc.boolean(),
          isUnconfined: fc.boolean(),
          labels: fc.subarray(["user", "file", "web", "tool"] as const),
          capsule: fc.record({
            leaseSecs: fc.constantFrom(1, 60, 61, 3600, 9999),
            hopsLeft: fc.constantFrom(0, 3),
            propagate: fc.constantFrom("none", "all"),
            role: fc.constantFrom("edge", "root"),
            node: fc.constant("n1"),
            tags: fc.subarray(["home", "lab"]),
          }),
        }),
      )
      .map(({ type, thing, path, isGranted, isOpen, isUnconfined, labels, capsule }): Witness => {
        const hasPath = reach.get(operation.id)?.hasPath === true && (type === "Folder" || type === "Hub");
        return {
          caller: `${kind}:${id}`,
          operation: operation.id,
          key: operation.id.replaceAll(".", ":"),
          reached: { type, id: thing },
          path: hasPath ? path : "",
          isGranted: isGranted && kind === "agent" && ["Hub", "Folder", "Tool", "Project"].includes(type),
          isOpen: isOpen && type === "Host",
          labels,
          ...(operation.needs.includes("exec") ? { isUnconfined } : {}),
          ...(type === "Issuer" ? { capsule } : {}),
        };
      }),
  )
  .filter(({ caller, operation }) => caller.startsWith("person") || operation !== "halt.engage");
