import assert from "node:assert/strict";
import fc from "fast-check";
import { beforeAll, test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { contractTable } from "../../app/domains.ts";
import { cedarProgram } from "../../app/state-dir.ts";
import type { PolicyRequest, Verdict } from "../../domains/policy/engine-port.ts";
import { parsedDefaultPolicies } from "./default-policies.generated.ts";
import { defaultPolicies } from "./default-policies.ts";
import { callOf, createCedarEngine } from "./engine.ts";
import type { ParsedPolicy } from "./heads.ts";
import { answerFaults, readPolicies } from "./read-policies.ts";
import { cedarSchemaOf } from "./schema.ts";
import { type Cedar, createCedarLoader } from "./wasm.ts";

const load = createCedarLoader(cedarProgram);
const schema = cedarSchemaOf([...contractTable().operations.values()].map((each) => each.operation));
let cedar: Cedar;
beforeAll(async () => {
  cedar = await load();
});

let engines = 0;
const engineOf = (policies: readonly ParsedPolicy[], loader = load) =>
  createCedarEngine({ policies, load: loader, name: `test-${(engines += 1)}` });
const parse = (text: string): readonly ParsedPolicy[] => {
  const { policies, faults } = readPolicies(cedar, [{ name: "a.cedar", text }], schema);
  assert.deepEqual(faults, []);
  return policies;
};

const request = (more: Partial<PolicyRequest> = {}): PolicyRequest => ({
  principal: { type: "Agent", id: "scout" },
  action: "fs.write",
  groups: ["write", "fs", "fs:write"],
  resource: { type: "Folder", id: "/home/ada/notes" },
  within: [
    { type: "Folder", id: "/home/ada" },
    { type: "Folder", id: "/home" },
    { type: "Folder", id: "/" },
  ],
  ...more,
  context: { granted: false, open: false, labels: [], path: "", ...more.context },
});
const said = (verdict: Verdict) => ("policy" in verdict ? [verdict.effect, verdict.policy.id] : [verdict.effect]);

/** What Cedar says of the whole set, in the words of the port. */
function whole(policies: readonly ParsedPolicy[], asked: PolicyRequest): Verdict {
  const staticPolicies = Object.fromEntries(policies.map((each, place) => [String(place), each.text]));
  const answer = cedar.isAuthorized({ ...callOf(asked), policies: { staticPolicies } });
  assert.ok(answer.type === "success", JSON.stringify(answer));
  const { reason, errors } = answer.response.diagnostics;
  const first = (ids: readonly string[]) => policies[Math.min(...ids.map(Number))] as ParsedPolicy;
  if (answer.response.decision === "deny" && reason.length > 0) return { effect: "forbid", policy: first(reason) };
  const [fault] = errors;
  if (fault !== undefined)
    return { effect: "fault", policy: policies[Number(fault.policyId)] as ParsedPolicy, message: "" };
  if (reason.length === 0) return { effect: "none" };
  const annotation = (id: string, name: string) => policies[Number(id)]?.json.annotations?.[name] ?? undefined;
  const asking = reason.filter((id) => annotation(id, "ask") !== undefined);
  const plain = reason.filter((id) => annotation(id, "ask") === undefined);
  const answering = (asked: string) => plain.filter((id) => annotation(id, "answers")?.split(", ").includes(asked));
  const open = asking.filter((id) => answering(id).length === 0);
  if (open.length > 0) return { effect: "ask", policy: first(open), question: "" };
  const [answered] = asking.toSorted((a, b) => Number(a) - Number(b));
  return { effect: "allow", policy: first(answered === undefined ? reason : answering(answered)) };
}

const people = ["ada", "bob"];
const agents = ["scout", "digger"];
const folders = ["/", "/home", "/home/ada", "/home/ada/notes", "/srv"];
const operations = [
  { action: "fs.write", groups: ["write", "fs", "fs:write"] },
  { action: "fs.read", groups: ["read", "fs", "fs:read"] },
  { action: "agents.stop", groups: ["write", "agents"] },
];
const quoted = (type: string, id: string) => `${type}::${JSON.stringify(id)}`;

const principalHead = fc.constantFrom(
  "principal",
  "principal is Agent",
  "principal is Person",
  ...people.map((id) => `principal == ${quoted("Person", id)}`),
  ...agents.map((id) => `principal == ${quoted("Agent", id)}`),
  ...agents.map((id) => `principal in ${quoted("Agent", id)}`),
  `principal is Agent in ${quoted("Agent", "scout")}`,
);
const actionHead = fc.constantFrom(
  "action",
  'action == Action::"fs.write"',
  'action in Action::"write"',
  'action in [Action::"read", Action::"agents"]',
  'action in [Action::"fs:write", Action::"fs.read"]',
);
const resourceHead = fc.constantFrom(
  "resource",
  "resource is Folder",
  "resource is Hub",
  ...folders.map((id) => `resource == ${quoted("Folder", id)}`),
  ...folders.map((id) => `resource in ${quoted("Folder", id)}`),
  `resource is Folder in ${quoted("Folder", "/home")}`,
);
const condition = fc.constantFrom(
  "",
  "",
  "when { context.granted }",
  "unless { context.granted }",
  'when { context.labels.contains("web") }',
  'unless { context.labels.containsAny(["file", "tool"]) }',
  'when { context.path like "private/*" }',
  'when { context == {granted: true, open: false, labels: [], path: "a"} }',
  "when { context.open }",
  'when { context.path == "a" && 9223372036854775807 + 1 == 0 }',
  'when { principal == Agent::"scout" || resource in Folder::"/home" }',
);
const policy = fc
  .tuple(
    fc.constantFrom("permit", "permit", "forbid"),
    fc.constantFrom("", "", '@ask("sure?") ', '@ask("sure?") ', '@answers("0, 1, 2") ', '@answers("3") '),
    principalHead,
    actionHead,
    resourceHead,
    condition,
  )
  .map(
    ([effect, annotation, who, what, where, when]) =>
      `${effect === "permit" ? annotation : ""}${effect} (${who}, ${what}, ${where}) ${when};`,
  );
const asked = fc.record({
  who: fc.constantFrom(
    ...people.map((id) => ({ type: "Person", id })),
    ...agents.map((id) => ({ type: "Agent", id })),
    { type: "Node", id: "scout" },
  ),
  what: fc.constantFrom(...operations),
  folder: fc.constantFrom(null, ...folders),
  granted: fc.boolean(),
  open: fc.boolean(),
  labels: fc.subarray(["user", "file", "web", "tool"]),
  path: fc.constantFrom("", "a", "private/a"),
});
const above: Readonly<Record<string, readonly string[]>> = {
  "/": [],
  "/home": ["/"],
  "/srv": ["/"],
  "/home/ada": ["/home", "/"],
  "/home/ada/notes": ["/home/ada", "/home", "/"],
};
type Asked = typeof asked extends fc.Arbitrary<infer Each> ? Each : never;
const requestOf = ({ who, what, folder, granted, open, labels, path }: Asked): PolicyRequest => ({
  principal: who,
  ...what,
  resource: folder === null ? { type: "Hub", id: "hub" } : { type: "Folder", id: folder },
  within: folder === null ? [] : (above[folder] ?? []).map((id) => ({ type: "Folder", id })),
  context: { granted, open, labels, path },
});

test("the slice and the kept answers say the same as Cedar over the whole set", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(policy, { minLength: 1, maxLength: 12 }),
      fc.array(asked, { minLength: 1, maxLength: 25 }),
      async (texts, questions) => {
        const policies = texts.map((text, place): ParsedPolicy => {
          const parsed = cedar.policyToJson(text);
          assert.ok(parsed.type === "success", text);
          return { id: String(place), source: `a.cedar:${place}`, text, effect: parsed.json.effect, json: parsed.json };
        });
        const engine = engineOf(policies);
        for (const question of [...questions, ...questions]) {
          const wanted = whole(policies, requestOf(question));
          const got = await engine.decide(requestOf(question));
          // Which of several failing policies is named first is Cedar's own business.
          if (wanted.effect === "fault") assert.equal(got.effect, "fault");
          else assert.deepEqual(said(got), said(wanted));
        }
      },
    ),
    runs(60),
  );
});

test("a person is answered without loading Cedar, and only the slice is evaluated for an agent", async () => {
  const never = (): Promise<Cedar> => assert.fail("Cedar was loaded");
  const calm = engineOf(parsedDefaultPolicies, never);
  const person = request({ principal: { type: "Person", id: "admin" } });
  assert.deepEqual(said(calm.decide(person) as Verdict), ["allow", "person"]);
  assert.equal(calm.counters.evaluated, 0);
  const many = Array.from(
    { length: 500 },
    (_, n) => `permit (principal == Agent::"a${n}", action, resource) when { context.granted };`,
  );
  const engine = engineOf(parse(many.join("\n")));
  const asking = request({
    principal: { type: "Agent", id: "a77" },
    context: { granted: true, open: false, labels: [], path: "" },
  });
  assert.deepEqual(said(await engine.decide(asking)), ["allow", "a.cedar:78"]);
  assert.equal(engine.counters.evaluated, 1);
  assert.deepEqual(said(engine.decide(asking) as Verdict), ["allow", "a.cedar:78"]);
  assert.deepEqual(engine.counters, { asked: 2, evaluated: 1, hits: 1 });
});

test("the default policies: calm for agents, open for their person, closed for strangers' words", async () => {
  const engine = engineOf(parsedDefaultPolicies);
  const hub = { resource: { type: "Hub", id: "hub" }, within: [] };
  const send = {
    action: "web.post",
    groups: ["write", "web", "net:send"],
    resource: { type: "Host", id: "a.org:443" },
    within: [],
  };
  const context = (granted: boolean, ...labels: string[]) => ({ context: { granted, open: false, labels, path: "" } });
  const open = (...labels: string[]) => ({ context: { granted: false, open: true, labels, path: "" } });
  const fetch = { ...send, action: "web.fetch", groups: ["read", "web", "net:fetch", "net:send"] };
  const cases: readonly (readonly [string, Partial<PolicyRequest>, readonly string[]])[] = [
    ["a write that nobody granted", {}, ["ask", "ask-before-change"]],
    ["a write that was granted", context(true), ["allow", "granted"]],
    ["a granted write of what a file said stays in its folder", context(true, "file"), ["allow", "granted"]],
    ["a read of a folder that nobody granted", { action: "fs.read", groups: ["read", "fs", "fs:read"] }, ["none"]],
    [
      "a read of the hub",
      { action: "episodes.show", groups: ["read", "episodes"], ...hub },
      ["allow", "agent-reads-hub"],
    ],
    ["a granted send of the person's own words", { ...send, ...context(true, "user") }, ["allow", "granted"]],
    [
      "a granted send of what a file said",
      { ...send, ...context(true, "user", "file") },
      ["ask", "ask-before-strangers-words-leave"],
    ],
    ["a fetch from a host that is closed", fetch, ["none"]],
    ["a fetch from a host that is open", { ...fetch, ...open("user") }, ["allow", "open-hosts"]],
    [
      "a fetch from an open host of what a file said",
      { ...fetch, ...open("file") },
      ["ask", "ask-before-strangers-words-leave"],
    ],
    ["a send to an open host that nobody granted", { ...send, ...open() }, ["ask", "ask-before-change"]],
    ["a node that fetches from an open host", { ...fetch, ...open(), principal: { type: "Node", id: "n1" } }, ["none"]],
    ["a node that writes", { principal: { type: "Node", id: "n1" } }, ["none"]],
    ["a plugin that writes", { principal: { type: "Plugin", id: "p" } }, ["ask", "plugin-asks-before-change"]],
  ];
  for (const [what, more, wanted] of cases) assert.deepEqual(said(await engine.decide(request(more))), wanted, what);
});

test("the default policies hold against the schema of the table, and are the ones that were parsed", () => {
  const { policies, faults } = readPolicies(cedar, [{ name: "default policies", text: defaultPolicies }], schema);
  assert.deepEqual(faults, []);
  assert.deepEqual(policies, parsedDefaultPolicies);
});

test("a policy that does not hold is named with its line and a hint", () => {
  const faultsOf = (text: string) => readPolicies(cedar, [{ name: "home.cedar", text }], schema).faults;
  const [typo] = faultsOf('\n\n@id("x")\npermit (principal is Agent,\n  action == Action::"fs.wriet", resource);');
  assert.equal(typo?.at.startsWith("home.cedar:"), true);
  assert.match(
    `${typo?.message} ${typo?.hint}`,
    /^unrecognized action `Action::"fs\.wriet"`.* did you mean `Action::/s,
  );
  const hintOf = (action: string) => faultsOf(`permit (principal, action == Action::"${action}", resource);`)[0]?.hint;
  assert.deepEqual(
    [hintOf("fs.wirte"), hintOf("nothing.like.it")],
    ['did you mean `Action::"fs.write"`?', "`arw gate keys` lists the operations"],
  );
  const [syntax] = faultsOf("permit (principal, action, resource);\npermit (principal, action resource);");
  assert.equal(syntax?.at, "home.cedar:2:27");
  const [twice] = faultsOf(
    '@id("a") permit (principal, action, resource);\n@id("a") forbid (principal, action, resource);',
  );
  assert.deepEqual([twice?.at, twice?.message], ["home.cedar:2", 'the id "a" is taken by home.cedar:1']);
  const [slot] = faultsOf("permit (principal == ?principal, action, resource);");
  assert.match(slot?.message ?? "", /templates/);
  const [type] = faultsOf("permit (principal, action, resource) when { context.granted == 3 };");
  assert.equal(type?.at, "home.cedar:1:45");
  const [late] = faultsOf("        permit (principal, action, resource) when { context.granted == 3 };");
  assert.equal(late?.at, "home.cedar:1:53");
  const [below] = faultsOf("        permit (principal, action, resource)\n when { context.granted == 3 };");
  assert.equal(below?.at, "home.cedar:2:9");
});

test("a permit answers questions that it names, and only those; what it names has to ask", async () => {
  const answering = '@id("mine") @answers("ask-before-change") permit (principal == Agent::"scout", action, resource);';
  const engine = engineOf([...parsedDefaultPolicies, ...parse(answering)]);
  assert.deepEqual(said(await engine.decide(request())), ["allow", "mine"]);
  const digger = request({ principal: { type: "Agent", id: "digger" } });
  assert.deepEqual(said(await engine.decide(digger)), ["ask", "ask-before-change"]);
  const sent = request({
    action: "web.post",
    groups: ["write", "web", "net:send"],
    context: { granted: false, open: true, labels: ["web"], path: "" },
  });
  assert.deepEqual(said(await engine.decide(sent)), ["ask", "ask-before-strangers-words-leave"]);
  const faultsOf = (text: string) =>
    answerFaults([...parsedDefaultPolicies, ...parse(text)]).map(({ at, message }) => [at, message]);
  assert.deepEqual(faultsOf(answering), []);
  assert.deepEqual(faultsOf('@answers("granted") permit (principal, action, resource);'), [
    ["a.cedar:1", '@answers names "granted", which is no policy that asks'],
  ]);
  assert.deepEqual(faultsOf('\n@answers("ask-before-change") forbid (principal, action, resource);'), [
    ["a.cedar:2", "only a permit that asks nothing answers questions"],
  ]);
});

test("lines are those of the file, also behind ten policies and equal ones", () => {
  const texts = Array.from(
    { length: 12 },
    (_, n) => `permit (principal is Agent, action, resource) when { context.path == "${n % 3}" };`,
  );
  assert.deepEqual(
    parse(texts.join("\n")).map((each) => each.source),
    texts.map((_, n) => `a.cedar:${n + 1}`),
  );
});

test("a policy has its own place, also where its words stand in another one before it", () => {
  const short = "permit (principal is Agent, action, resource);";
  const text = `@ask("sure?") ${short}\n${short}\n${short}`;
  const { policies, faults } = readPolicies(cedar, [{ name: "home.cedar", text }], schema);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    policies.map(({ id, effect }) => [id, effect]),
    [
      ["home.cedar:1", "ask"],
      ["home.cedar:2", "permit"],
      ["home.cedar:3", "permit"],
    ],
  );
});
