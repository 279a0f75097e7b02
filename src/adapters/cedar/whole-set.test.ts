/**
 * Our way of asking Cedar against Cedar itself: the whole set, as it was written, with no slice and no answer kept. The sets
 * are the default policies and whatever somebody might write beside them, read as a hub reads them.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { beforeAll, test } from "vitest";
import { runs } from "../../../test/kit/runs.ts";
import { seededRandom } from "../../../test/kit/chance.ts";
import { contractTable } from "../../app/domains.ts";
import { cedarProgram } from "../../app/state-dir.ts";
import type { Operation } from "../../contract/operation.ts";
import type { CapsuleFacts, PolicyRequest, Uid, Verdict } from "../../domains/policy/engine-port.ts";
import { parsedDefaultPolicies } from "./default-policies.generated.ts";
import { createCedarEngine } from "./engine.ts";
import type { ParsedPolicy } from "./heads.ts";
import { readPolicies } from "./read-policies.ts";
import { cedarSchemaOf } from "./schema.ts";
import { type Cedar, createCedarLoader } from "./wasm.ts";

const load = createCedarLoader(cedarProgram);
const table = [...contractTable().operations.values()].map((each) => each.operation);
const schema = cedarSchemaOf(table);
let cedar: Cedar;
beforeAll(async () => {
  cedar = await load();
});
let sets = 0;
const nextName = (): string => `whole-set-${(sets += 1)}`;

interface WholeSet {
  /** What the port's words for Cedar's own answer are; of a fault every policy that failed, as any of them may be named. */
  ask(request: PolicyRequest): { readonly effect: Verdict["effect"]; readonly ids: readonly string[] };
}

/** The words of the lattice over Cedar's answer, written anew: nothing of the engine is used here. */
function wholeSet(policies: readonly ParsedPolicy[]): WholeSet {
  const name = nextName();
  const staticPolicies = Object.fromEntries(policies.map(({ text }, place) => [`p${place}`, text]));
  assert.equal(cedar.preparsePolicySet(name, { staticPolicies }).type, "success");
  const at = (id: string): number => Number(id.slice(1));
  const idsOf = (places: readonly number[]): string[] => places.map((place) => policies[place]?.id ?? "");
  return {
    ask(request) {
      const answer = cedar.statefulIsAuthorized({ ...questionOf(request), preparsedPolicySetId: name });
      assert.ok(answer.type === "success", JSON.stringify(answer));
      const { decision, diagnostics } = answer.response;
      const matched = diagnostics.reason.map(at).toSorted((a, b) => a - b);
      if (decision === "deny" && matched.length > 0) return { effect: "forbid", ids: idsOf(matched.slice(0, 1)) };
      if (diagnostics.errors.length > 0)
        return { effect: "fault", ids: idsOf(diagnostics.errors.map(({ policyId }) => at(policyId))) };
      if (matched.length === 0) return { effect: "none", ids: [] };
      const asking = matched.filter((place) => policies[place]?.text.includes("@ask("));
      return { effect: asking.length > 0 ? "ask" : "allow", ids: idsOf([asking[0] ?? (matched[0] as number)]) };
    },
  };
}

const entity = (uid: Uid, parents: readonly Uid[]) => ({ uid, attrs: {}, parents: [...parents] });

function questionOf({ principal, action, groups, resource, within, context }: PolicyRequest) {
  const uid = { type: "Action", id: action };
  const { labels, capsule, ...plain } = context;
  return {
    principal,
    action: uid,
    resource,
    context: {
      ...plain,
      labels: [...labels],
      ...(capsule === undefined ? {} : { capsule: { ...capsule, tags: [...capsule.tags] } }),
    },
    entities: [
      entity(principal, []),
      entity(
        uid,
        groups.map((id) => ({ type: "Action", id })),
      ),
      ...chain([resource, ...within]),
    ],
  };
}

/** Each folder lies in the next one: Cedar finds out by itself that the first lies in the last. */
const chain = (uids: readonly Uid[]) => uids.map((uid, place) => entity(uid, uids.slice(place + 1, place + 2)));

function assertSame(verdict: Verdict, wanted: ReturnType<WholeSet["ask"]>, about: () => string): void {
  assert.equal(verdict.effect, wanted.effect, about());
  if ("policy" in verdict) assert.ok(wanted.ids.includes(verdict.policy.id), `${verdict.policy.id} in ${about()}`);
}

const quoted = (type: string, id: string): string => `${type}::${JSON.stringify(id)}`;
const principals: readonly Uid[] = ["Person", "Agent", "Plugin", "Node"].flatMap((type) =>
  ["ada", "scout"].map((id) => ({ type, id })),
);
const folders = ["/", "/home", "/home/ada", "/home/ada/notes", "/home/bob", 'C:\\Users\\"ada"', "C:\\Users"] as const;
const resources: readonly Uid[] = [
  { type: "Hub", id: "hub" },
  ...folders.map((id) => ({ type: "Folder", id })),
  { type: "Host", id: "example.org:443" },
  { type: "Host", id: "/home" },
  { type: "Model", id: "scout" },
  { type: "Project", id: "garden" },
  { type: "Issuer", id: "parent" },
];
const above: Readonly<Record<string, readonly string[]>> = {
  "/home": ["/"],
  "/home/ada": ["/home", "/"],
  "/home/bob": ["/home", "/"],
  "/home/ada/notes": ["/home/ada", "/home", "/"],
  'C:\\Users\\"ada"': ["C:\\Users"],
};
const withinOf = ({ type, id }: Uid): readonly Uid[] =>
  type === "Folder" ? (above[id] ?? []).map((each) => ({ type, id: each })) : [];
const named = ["fs.write", "fs.read", "web.fetch", "provenance.adopt", "agents.stop", "halt.engage", "backup.create"];
const asked = table.filter(({ id }) => named.includes(id));
const groups = ["read", "write", "destroy", "fs", "web", "fs:write", "net:send", "exec"];

const principalHead = fc.oneof(
  fc.constantFrom("principal", "principal", "principal is Agent", "principal is Person", "principal is Node"),
  fc
    .constantFrom(...principals)
    .chain(({ type, id }) =>
      fc.constantFrom(
        `principal == ${quoted(type, id)}`,
        `principal in ${quoted(type, id)}`,
        `principal is Agent in ${quoted(type, id)}`,
      ),
    ),
);
const actionHead = fc.oneof(
  fc.constant("action"),
  fc.constantFrom('action == Action::"fs.write"', 'action in Action::"write"', 'action in Action::"net:send"'),
  fc.constantFrom(...named).map((id) => `action == ${quoted("Action", id)}`),
  fc
    .subarray([...named, ...groups], { minLength: 1, maxLength: 3 })
    .map((ids) => `action in [${ids.map((id) => quoted("Action", id)).join(", ")}]`),
);
const resourceHead = fc.oneof(
  fc.constantFrom(
    "resource",
    "resource",
    'resource in Folder::"/home"',
    "resource is Folder",
    "resource is Host",
    "resource is Hub",
  ),
  fc
    .constantFrom(...resources)
    .chain(({ type, id }) =>
      fc.constantFrom(
        `resource == ${quoted(type, id)}`,
        `resource in ${quoted(type, id)}`,
        `resource is Folder in ${quoted(type, id)}`,
      ),
    ),
);
const conditions = [
  "",
  "",
  "when { context.granted }",
  "when { context.open } unless { context.granted }",
  'when { context.labels.contains("web") }',
  'unless { context.labels.containsAny(["file", "tool"]) }',
  "when { context.labels.isEmpty() }",
  'when { context.path like "private/*" }',
  'when { ["a", "b"].contains(context.path) }',
  'when { {all: context}.all.path == "a" }',
  "when { context == context && context.granted }",
  'when { context["granted"] || context["path"] == "{\\"Var\\":\\"context\\"}" }',
  "when { context has capsule && context.capsule.leaseSecs > 60 }",
  'when { context has capsule && context.capsule.tags.contains("home") }',
  'when { resource in Folder::"/home" || principal == Agent::"scout" }',
  'unless { action in Action::"net:send" }',
  'when { principal is Agent in Agent::"scout" }',
  // What cannot be evaluated for some requests: the sum has no place in 64 bits.
  'when { context.path == "a" && 9223372036854775807 + 1 > 0 }',
  "when { context has capsule && context.capsule.leaseSecs * 9223372036854775807 > 0 }",
  "when { if context.granted then 9223372036854775807 + 1 > 0 else true }",
] as const;
const policyText = fc
  .record({
    effect: fc.constantFrom("permit", "permit", "forbid"),
    asks: fc.boolean(),
    who: principalHead,
    what: actionHead,
    where: resourceHead,
    when: fc.constantFrom(...conditions),
  })
  .map(
    ({ effect, asks, who, what, where, when }) =>
      `${asks && effect === "permit" ? '@ask("sure?") ' : ""}${effect} (${who}, ${what}, ${where}) ${when};`,
  );

const capsuleFacts = fc.record({
  leaseSecs: fc.constantFrom(1, 3600),
  hopsLeft: fc.constantFrom(0, 3),
  propagate: fc.constantFrom("none", "all"),
  role: fc.constantFrom("edge", "root"),
  node: fc.constant("n1"),
  tags: fc.subarray(["home", "lab"]),
});
/** Mostly one agent, one folder and one way out, so that most policies speak of most questions. */
const often = <T>(first: T, ...others: readonly T[]) =>
  fc.oneof({ arbitrary: fc.constant(first), weight: 3 }, { arbitrary: fc.constantFrom(...others), weight: 2 });
const subjects = fc.record({
  principal: often<Uid>({ type: "Agent", id: "scout" }, ...principals),
  operation: often("fs.write", "web.fetch", ...named).map((id) => asked.find((each) => each.id === id) as Operation),
  resource: often<Uid>({ type: "Folder", id: "/home/ada/notes" }, ...resources),
});
const contexts = fc.record({
  granted: fc.boolean(),
  open: fc.boolean(),
  labels: fc.subarray(["user", "file", "web", "tool"]),
  path: fc.constantFrom("", "a", "b", "private/a"),
  capsule: fc.option(capsuleFacts, { nil: undefined, freq: 2 }),
});
/** Each subject in each context: what differs in one fact alone is where a kept answer would be told to the wrong question. */
const questions = fc
  .tuple(fc.array(subjects, { minLength: 1, maxLength: 5 }), fc.array(contexts, { minLength: 2, maxLength: 10 }))
  .map(([all, facts]) => all.flatMap((subject) => facts.map((each) => requestOf(subject, each))));

function requestOf(
  { principal, operation, resource }: { principal: Uid; operation: Operation; resource: Uid },
  { capsule, ...context }: Omit<PolicyRequest["context"], "capsule"> & { capsule: CapsuleFacts | undefined },
): PolicyRequest {
  return {
    principal,
    action: operation.id,
    groups: [operation.effect, operation.id.split(".")[0] ?? "", ...operation.needs],
    resource,
    within: withinOf(resource),
    context: { ...context, ...(capsule === undefined ? {} : { capsule }) },
  };
}

/** Own policies that a hub would take; what it refuses at its start never decides. */
function ownPolicies(texts: readonly string[]): readonly ParsedPolicy[] {
  const { policies, faults } = readPolicies(cedar, [{ name: "policies/own.cedar", text: texts.join("\n") }], schema);
  assert.deepEqual(faults, [], texts.join("\n"));
  return policies;
}

/** Sets are parsed and checked by Cedar, which takes seconds on a busy machine. */
const limits = { timeout: 120_000 };

test(
  "own policies beside the default set: slices and kept answers say what Cedar says of the whole",
  limits,
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.uniqueArray(policyText, { maxLength: 14 }),
        questions,
        async (hasDefaults, texts, all) => {
          const policies = [...(hasDefaults ? parsedDefaultPolicies : []), ...ownPolicies(texts)];
          const engine = createCedarEngine({ policies, load, name: nextName() });
          const whole = wholeSet(policies);
          // Twice: the second time round the answers are kept ones.
          for (const request of [...all, ...all]) {
            const about = () => `${JSON.stringify(request)}\n${texts.join("\n")}`;
            assertSame(await engine.decide(request), whole.ask(request), about);
          }
        },
      ),
      // Some five hundred questions, each asked twice; a soak asks tens of thousands.
      runs(25),
    );
  },
);

test("each condition alone, for whatever a call can say of itself", limits, async () => {
  const flags = [false, true];
  const capsule: CapsuleFacts = {
    leaseSecs: 61,
    hopsLeft: 0,
    propagate: "none",
    role: "edge",
    node: "n1",
    tags: ["home"],
  };
  const all = ["", "a", "b", "private/a"].flatMap((path) =>
    flags.flatMap((granted) =>
      flags.flatMap((open) =>
        [[], ["web"], ["file"], ["tool", "user"]].flatMap((labels) =>
          [undefined, capsule, { ...capsule, leaseSecs: 1, tags: [] }].map((each) => ({
            granted,
            open,
            labels,
            path,
            capsule: each,
          })),
        ),
      ),
    ),
  );
  const operation = asked.find(({ id }) => id === "web.fetch") as Operation;
  for (const when of conditions) {
    const policies = ownPolicies([`permit (principal, action, resource) ${when};`]);
    const engine = createCedarEngine({ policies, load, name: nextName() });
    const whole = wholeSet(policies);
    for (const resource of resources.slice(0, 5))
      for (const context of all) {
        const request = requestOf({ principal: { type: "Agent", id: "scout" }, operation, resource }, context);
        assertSame(await engine.decide(request), whole.ask(request), () => `${when} ${JSON.stringify(request)}`);
      }
  }
});

/** More than the engine keeps parsed, so that slices make room for each other and are asked for again. */
const agentsCount = 560;
const askedAgain = 160;

test("slices that had to make room are parsed again, and say the same", limits, async () => {
  const texts = Array.from(
    { length: agentsCount },
    (_, n) =>
      `${n % 3 === 0 ? "forbid" : "permit"} (principal == Agent::"a${n}", action, resource) when { context.path != "${n}" };`,
  );
  const policies = [...parsedDefaultPolicies, ...ownPolicies(texts)];
  const engine = createCedarEngine({ policies, load, name: nextName() });
  const whole = wholeSet(policies);
  const random = seededRandom(7);
  for (let asking = 0; asking < agentsCount + askedAgain; asking += 1) {
    const n = asking < agentsCount ? asking : Math.floor(random() * agentsCount);
    const resource = resources[Math.floor(random() * resources.length)] as Uid;
    const request: PolicyRequest = {
      principal: { type: "Agent", id: `a${n}` },
      action: "fs.write",
      groups: ["write", "fs", "fs:write"],
      resource,
      within: withinOf(resource),
      context: { granted: random() < 0.5, open: false, labels: [], path: random() < 0.3 ? String(n) : "x" },
    };
    const verdict = await engine.decide(request);
    if (asking >= agentsCount) assertSame(verdict, whole.ask(request), () => JSON.stringify(request));
  }
});
