/**
 * Rules with one thing changed: each change has to turn the answer. What is found to refute a claim is asked of the real engine,
 * the real gate and the real way out, as it is in a hub.
 */
import assert from "node:assert/strict";
import { beforeAll, expect, test } from "vitest";
import { createManualClock } from "../../src/adapters/memory/clock.ts";
import type { PostureState } from "../../src/domains/egress/contract.ts";
import { openingOf } from "../../src/domains/egress/openings.ts";
import { explainGate } from "../../src/domains/gating/explain.ts";
import { createGate } from "../../src/domains/gating/gate.ts";
import { createQuotas } from "../../src/domains/gating/quotas.ts";
import { createRuleBook } from "../../src/domains/gating/rule-book.ts";
import { fileSource } from "../../src/domains/gating/sources.ts";
import { covers } from "../../src/domains/leases/coverage.ts";
import type { ListedLease } from "../../src/domains/leases/contract.ts";
import type { ExplainStage } from "../../src/domains/policy/contract.ts";
import { ask } from "../../src/domains/prove/ask.ts";
import {
  confirmChild,
  confirmPair,
  confirmPassing,
  confirmRule,
  type Engines,
} from "../../src/domains/prove/confirm.ts";
import type { Proof } from "../../src/domains/prove/contract.ts";
import { encodeInForce, type Facts, hasTime, type ListedContract } from "../../src/domains/prove/in-force.ts";
import type { PolicyBook } from "../../src/domains/prove/port.ts";
import {
  childExceeds,
  encodeAll,
  permitsMore,
  policyDecides,
  reachesNetwork,
  saysOtherwise,
  writesOutside,
} from "../../src/domains/prove/questions.ts";
import { witnessOf } from "../../src/domains/prove/space.ts";
import { parseIp } from "../../src/base/ip-address.ts";
import { parseEndpoint } from "../../src/base/web-address.ts";
import { booksOf, nowMs, space } from "./kit.ts";

interface Rules {
  readonly policies?: readonly string[];
  /** Without the default set. */
  readonly isAlone?: boolean;
  readonly posture?: PostureState["posture"];
  readonly isUnconfined?: boolean;
  readonly contracts?: readonly Partial<ListedContract>[];
  readonly leases?: readonly Partial<ListedLease>[];
}
type Question = "network" | "writes" | "inFolder" | "child" | "reachable" | "stricter" | "changed";
type Case = readonly [name: string, rules: Rules];
interface Family {
  readonly question: Question;
  readonly name: string;
  readonly base: Rules;
  readonly says: "proved" | "counterexample";
  readonly mutants: readonly Case[];
}

const noHosts = '@id("no-hosts") forbid (principal is Agent, action in Action::"net:fetch", resource is Host);';
const hosts = (text: string): Case => [text, { policies: [text], posture: "public" }];
const closing = { id: "no-net", patterns: ["io:egress:net"], source: "file:gating.toml" };
const contract = (change: Partial<ListedContract>): Case => [
  `the contract with ${JSON.stringify(change)}`,
  { posture: "public", contracts: [{ ...closing, ...change }] },
];
const lease = (terms: Partial<ListedLease>): Rules => ({
  leases: [{ kind: "call", capability: "fs:write", holder: "agent:*", scope: {}, ...terms }],
});
const writing =
  'permit (principal is Agent, action in Action::"fs:write", resource is Folder) when { context.granted };';
const alone = (...policies: readonly string[]): Case => [policies.join(" "), { policies, isAlone: true }];
const rule = (condition: string, head = "principal, action, resource"): Case =>
  alone(`@id("rule") permit (${head}) ${condition};`);
const inNotes =
  'forbid (principal, action in Action::"fs:write", resource is Folder) unless { resource in Folder::"/home/ada/notes" };';
const noCommands = 'forbid (principal, action in Action::"exec", resource);';

const families: readonly Family[] = [
  {
    question: "network",
    name: "a closed hub",
    base: {},
    says: "proved",
    mutants: [
      ["the posture public", { posture: "public" }],
      ["the posture allowlist", { posture: "allowlist" }],
      [
        "a lease of a host",
        { leases: [{ kind: "host", capability: "net:fetch", holder: "*", scope: { host: "example.org" } }] },
      ],
      [
        "a lease of a host for one agent",
        {
          leases: [
            { kind: "host", capability: "net:fetch", holder: "agent:scout", scope: { host: "*.example.org:8443" } },
          ],
        },
      ],
      [
        "the posture custom, and a permit",
        {
          posture: "custom",
          policies: ['permit (principal is Agent, action == Action::"web.fetch", resource is Host);'],
        },
      ],
      ["a lease of commands that nothing confines", { ...lease({ capability: "exec" }), isUnconfined: true }],
    ],
  },
  {
    question: "network",
    name: "a forbid over an open hub",
    base: { policies: [noHosts], posture: "public" },
    says: "proved",
    mutants: [
      ["no forbid", { posture: "public" }],
      hosts(noHosts.replace("is Agent", "is Plugin")),
      hosts(noHosts.replace("is Agent", '== Agent::"scout"')),
      hosts(noHosts.replace("in Action", "== Action").replace("net:fetch", "web.fetch")),
      hosts(noHosts.replace("net:fetch", "write")),
      hosts(noHosts.replace("is Host", '== Host::"example.org:443"')),
      hosts(noHosts.replace("is Host", "is Folder")),
      hosts(noHosts.replace(";", " when { context.granted };")),
      hosts(noHosts.replace(";", " unless { context.open };")),
      hosts(noHosts.replace(";", ' when { context.labels.contains("web") };')),
      hosts(noHosts.replace(";", ' when { context.path == "a" };')),
      hosts(noHosts.replace("forbid", "permit")),
    ],
  },
  {
    question: "network",
    name: "a contract over an open hub",
    base: { posture: "public", contracts: [closing] },
    says: "proved",
    mutants: [
      contract({ patterns: ["io:egress:net:example.org"] }),
      contract({ patterns: ["io:egress:net:ex*", "io:egress:web:*"] }),
      contract({ patterns: ["io:ingress:net"] }),
      contract({ subjectAgent: "scout" }),
      contract({ subjectRole: "root" }),
      contract({ subjectNode: "another" }),
      contract({ tagsAny: ["web"] }),
      contract({ validFromMs: nowMs + 1 }),
      contract({ validToMs: nowMs + 1 }),
      contract({ quotaLimit: 5, quotaWindowSecs: 60 }),
    ],
  },
  {
    question: "writes",
    name: "what was granted alone",
    base: alone(writing)[1],
    says: "proved",
    mutants: [
      alone(writing.replace(" when { context.granted }", "")),
      alone(writing.replace("when", "unless")),
      alone(writing.replace("context.granted", 'context.granted || context.path like "*.md"')),
      alone(writing.replace("context.granted", "context.granted || context.labels.isEmpty()")),
      alone(writing.replace("context.granted", 'context.granted || resource in Folder::"/home/ada/notes"')),
      alone(writing, 'permit (principal == Plugin::"sync", action == Action::"fs.write", resource is Folder);'),
      [
        "commands that nothing confines",
        {
          policies: [writing, 'permit (principal is Agent, action in Action::"exec", resource is Folder);'],
          isAlone: true,
          isUnconfined: true,
        },
      ],
      ["a lease", { policies: [writing], isAlone: true, ...lease({}) }],
      ["a lease in one folder", { policies: [writing], isAlone: true, ...lease({ scope: { folder: "/home/ada" } }) }],
      [
        "a lease of one path",
        { policies: [writing], isAlone: true, ...lease({ holder: "agent:scout", scope: { path: "a.md" } }) },
      ],
    ],
  },
  {
    question: "inFolder",
    name: "one folder, whatever was granted",
    base: { policies: [inNotes, noCommands] },
    says: "proved",
    mutants: [
      ["a longer name", { policies: [inNotes.replace("ada/notes", "ada/note"), noCommands] }],
      ["the folder above", { policies: [inNotes.replace("/notes", ""), noCommands] }],
      ["one operation", { policies: [inNotes.replace('in Action::"fs:write"', '== Action::"fs.write"'), noCommands] }],
      ["one agent", { policies: [inNotes.replace("principal,", 'principal == Agent::"scout",'), noCommands] }],
      ["commands that nothing confines", { policies: [inNotes], isUnconfined: true, ...lease({ capability: "exec" }) }],
    ],
  },
  {
    question: "child",
    name: "the default set",
    base: {},
    says: "proved",
    mutants: [
      ["a forbid for one agent", { policies: ['forbid (principal == Agent::"scout", action, resource is Hub);'] }],
      [
        "a permit for one agent",
        { policies: ['permit (principal == Agent::"helper", action == Action::"fs.read", resource is Folder);'] },
      ],
      [
        "a contract for one agent",
        { contracts: [{ id: "c", patterns: ["*"], subjectAgent: "scout", source: "file:gating.toml" }] },
      ],
      ["a lease for one agent", lease({ capability: "fs:read", holder: "agent:helper" })],
      [
        "a host for one agent",
        { leases: [{ kind: "host", capability: "net:fetch", holder: "agent:helper", scope: { host: "example.org" } }] },
      ],
    ],
  },
  {
    question: "reachable",
    name: "a rule that contradicts itself",
    base: rule('when { context.path like "a*" && context.path like "b*" }')[1],
    says: "proved",
    mutants: [
      rule('when { context.path like "a*" && context.path like "*b" }'),
      rule('when { resource in Folder::"/home" && resource in Folder::"/" }'),
      rule('when { context.labels.contains("file") && !context.labels.contains("web") }'),
      rule("when { context has capsule && context.capsule.leaseSecs >= 5 && context.capsule.leaseSecs <= 5 }"),
      rule("when { context.granted }", "principal is Agent, action, resource is Tool"),
      rule("", 'principal, action in [Action::"exec"], resource is Folder'),
    ],
  },
  {
    question: "reachable",
    name: "a rule that is met",
    base: rule("")[1],
    says: "counterexample",
    mutants: [
      rule('when { resource in Folder::"/home" && !(resource in Folder::"/") }'),
      rule('when { context.labels.contains("file") && context.labels.isEmpty() }'),
      rule("when { context has capsule && context.capsule.leaseSecs > 5 && context.capsule.leaseSecs < 6 }"),
      rule("when { context.granted }", "principal is Person, action, resource"),
      rule("when { context.granted && context.open }"),
      rule("", 'principal, action == Action::"fs.read", resource is Host'),
      rule("when { context has unconfined }", 'principal, action == Action::"fs.read", resource'),
      rule('when { context.labels.contains("nothing") }'),
      alone("forbid (principal, action, resource);", '@id("rule") permit (principal, action, resource);'),
      alone(
        "permit (principal, action, resource);",
        '@id("rule") permit (principal is Agent, action, resource) when { context.granted };',
      ),
    ],
  },
  {
    question: "stricter",
    name: "as the default set, and a forbid",
    base: { policies: ['forbid (principal is Agent, action in Action::"write", resource);'] },
    says: "proved",
    mutants: [
      ["a permit", { policies: ['permit (principal is Node, action == Action::"agents.stop", resource);'] }],
      [
        "a permit that asks",
        { policies: ['@ask("?") permit (principal is Node, action == Action::"agents.stop", resource);'] },
      ],
      [
        "a permit of one path",
        {
          policies: [
            'permit (principal == Agent::"scout", action == Action::"fs.read", resource == Folder::"/a") when { context.path == "b" };',
          ],
        },
      ],
      ["nothing asked", { isAlone: true, policies: ["permit (principal, action, resource);"] }],
    ],
  },
  {
    question: "changed",
    name: "the default set in other words",
    base: { policies: ["forbid (principal is Agent, action, resource) when { context.granted && !context.granted };"] },
    says: "proved",
    mutants: [
      [
        "a forbid",
        { policies: ['forbid (principal == Agent::"scout", action == Action::"fs.read", resource == Folder::"/a");'] },
      ],
      [
        "a question",
        { policies: ['@ask("?") permit (principal is Agent, action == Action::"episodes.show", resource is Hub);'] },
      ],
      ["a permit", { policies: ['permit (principal is Node, action in Action::"hub:books", resource is Hub);'] }],
    ],
  },
];

const folder = "/home/ada/notes";
let books: ReadonlyMap<string, PolicyBook>;
const bookNames = new Map<string, string>();
const nameOf = ({ policies = [], isAlone = false }: Rules): string => JSON.stringify([policies, isAlone]);

beforeAll(async () => {
  const all = [{}, ...families.flatMap(({ base, mutants }) => [base, ...mutants.map(([, rules]) => rules)])];
  const sets = new Map(
    [...new Map(all.map((rules): [string, Rules] => [nameOf(rules), rules]))].map(
      ([name, { policies = [], isAlone = false }], place) => {
        bookNames.set(name, `set${place}`);
        // Ids are names within one set here, and all sets are read together.
        const texts = policies.map((text) => text.replace('@id("', `@id("set${place}/`));
        return [`set${place}`, { texts, hasDefaults: !isAlone }] as const;
      },
    ),
  );
  books = await booksOf(sets);
}, 120_000);
const bookFor = (rules: Rules): PolicyBook => books.get(bookNames.get(nameOf(rules)) ?? "") as PolicyBook;

const self = { id: "node-1", role: "edge", tags: [] } as const;

function factsOf({ posture = "closed", contracts = [], leases = [], isUnconfined = false }: Rules): Facts {
  return {
    contracts: contracts.map((each) => ({
      id: "c",
      patterns: [],
      source: "file:gating.toml",
      status: "active" as const,
      ...each,
    })),
    leases: leases as readonly ListedLease[],
    posture: { posture, hosts: ["example.org"], source: "config:egress.posture" },
    farServers: [],
    isUnconfined,
    self: { ...self, tags: [] },
    askPatterns: [],
  };
}

/** The gate, the policies and the way out of a hub with these rules. */
function enginesOf(rules: Rules, facts: Facts): Engines {
  const clock = createManualClock(nowMs);
  const book = createRuleBook();
  book.source(fileSource("gating.toml")).replace(facts.contracts.map((each) => ({ contract: each })));
  const gate = createGate({
    book,
    quotas: createQuotas(clock, () => Promise.resolve()),
    clock,
    isWayOut: () => false,
    self: () => ({ role: self.role, node: self.id, tags: [] }),
  });
  const opens = (host: string, caller: Parameters<Engines["canLeave"]>[1]) => {
    const to = parseEndpoint(host);
    const open = facts.leases.filter(({ kind }) => kind === "host");
    const openings = open.map((each) => ({
      leaseId: "l",
      host: each.scope.host ?? "",
      isPrivate: false,
      endsAtMs: nowMs + 1,
      grantedBy: "person:admin",
      grantedAtMs: 0,
      ...(each.holder === "*" ? {} : { agent: each.holder.slice(6) }),
    }));
    const wanted = to === null ? null : { to: { ...to, isLiteral: parseIp(to.host) !== null }, caller, typed: null };
    return wanted === null ? null : openingOf(wanted, { posture: facts.posture, leases: openings, nowMs });
  };
  const policies: ExplainStage = {
    name: "policy",
    async explain({ operation, key, caller, scope }) {
      const { effect = "read", needs = [] } = operation ?? {};
      const call = { operation: operation?.id ?? "", key, caller, scope, effect, needs };
      const opening = scope.host === undefined ? null : opens(scope.host, caller);
      const type =
        scope.folder !== undefined
          ? "Folder"
          : scope.host !== undefined
            ? "Host"
            : scope.tool !== undefined
              ? "Tool"
              : scope.model !== undefined
                ? "Model"
                : scope.project !== undefined
                  ? "Project"
                  : scope.capsule !== undefined
                    ? "Issuer"
                    : "Hub";
      const said = await bookFor(rules).rule({
        caller: `${caller.kind}:${caller.id}`,
        operation: call.operation,
        key,
        reached: { type, id: scope.folder ?? scope.host ?? scope.tool ?? scope.model ?? scope.project ?? "hub" },
        path: scope.path ?? "",
        isGranted: (caller.grants ?? []).length > 0,
        isOpen: opening !== null && opening.isByPolicy !== true,
        labels: caller.labels ?? [],
        ...(needs.includes("exec") ? { isUnconfined: facts.isUnconfined } : {}),
      });
      const isLeased =
        said.effect !== "allow" &&
        said.rule !== "" &&
        facts.leases.some((each) => each.kind === "call" && covers(each, call));
      const isForbidden = said.effect === "deny" && said.rule !== "policy.no-permit";
      const verdict = said.effect === "allow" || (isLeased && !isForbidden) ? "pass" : said.effect;
      return [{ stage: "policy", key, verdict, reason: said.reason, rule: said.rule }];
    },
  };
  return {
    stages: [explainGate(gate), policies],
    operations: space.operations,
    nowMs,
    canLeave: (host, caller) => opens(host, caller) !== null,
  };
}

async function answerOf(question: Question, rules: Rules): Promise<Proof["answer"]> {
  const facts = factsOf(rules);
  const book = bookFor(rules);
  const encoded = encodeAll(book.policies, space);
  const inForce = encodeInForce(encoded, facts, space);
  const engines = enginesOf(rules, facts);
  const defaults = bookFor({});
  const sets = { first: encodeAll(defaults.policies, space), second: encoded, space };
  const asked = {
    network: () => ({
      refuted: reachesNetwork(inForce, space, null),
      confirm: confirmPassing(engines, { leaves: true }),
    }),
    writes: () => ({
      refuted: writesOutside(inForce, space, { whose: null, inFolder: null }),
      confirm: confirmPassing(engines, { leaves: false }),
    }),
    inFolder: () => ({
      refuted: writesOutside(inForce, space, { whose: null, inFolder: folder }),
      confirm: confirmPassing(engines, { leaves: false }),
    }),
    child: () => ({ refuted: childExceeds(inForce, space, null), confirm: confirmChild(engines) }),
    reachable: () => ({ refuted: policyDecides(encoded, space, "rule"), confirm: confirmRule("rule", { book }) }),
    stricter: () => ({ refuted: permitsMore(sets), confirm: confirmPair(defaults, book, { isAnyChange: false }) }),
    changed: () => ({ refuted: saysOtherwise(sets), confirm: confirmPair(defaults, book, { isAnyChange: true }) }),
  }[question]();
  const found = await ask({
    ...asked,
    domains: space.domains,
    solver: null,
    signal: new AbortController().signal,
    rest: () => Promise.resolve(),
    witnessOf: (point) => witnessOf(point, hasTime(facts)),
    examplesMax: 1,
  });
  return found.answer;
}

const limits = { timeout: 120_000 };
for (const { question, name, base, says, mutants } of families)
  test(`${question}: ${name} is ${says}, and ${mutants.length} changes turn the answer`, limits, async () => {
    expect(await answerOf(question, base)).toBe(says);
    const other = says === "proved" ? "counterexample" : "proved";
    for (const [change, rules] of mutants) assert.equal(await answerOf(question, rules), other, change);
  });

test("there are enough of them", () => {
  assert.ok(families.flatMap(({ mutants }) => mutants).length >= 40);
});
