/**
 * Rules with one thing changed: each change has to turn the answer. What is found to refute a claim is asked of the real engine,
 * the real gate and the real way out, as it is in a hub.
 */
import assert from "node:assert/strict";
import { beforeAll, expect, test } from "vitest";
import type { ListedContract } from "../../src/domains/prove/in-force.ts";
import type { ListedLease } from "../../src/domains/leases/contract.ts";
import type { PolicyBook } from "../../src/domains/prove/port.ts";
import { booksOf, nowMs } from "./kit.ts";
import { type Allowing, answerOf, type Question, type Rules, untilMs } from "./rules.ts";

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

const allowing = (text: string, more: Omit<Allowing, "text"> = {}): Case => [
  `the allowance ${text} ${JSON.stringify(more)}`,
  { posture: "public", allowances: [{ text, ...more }] },
];
const timed = (validFromMs: number, validToMs = untilMs): Rules => ({
  contracts: [{ ...closing, validFromMs, validToMs }],
  leases: [{ kind: "host", capability: "net:fetch", holder: "*", scope: { host: "example.org" }, endsAtMs: untilMs }],
});
const fetching = 'permit (principal is Agent, action in Action::"net:fetch", resource is Host);';
const commands = 'permit (principal is Agent, action in Action::"exec", resource == Folder::"/srv");';
const noWordsRead =
  'forbid (principal, action in Action::"net:fetch", resource is Host) when { context.labels.contains("tool") };';
const asking = '@ask("?") permit (principal is Node, action == Action::"agents.stop", resource);';
const noFetching = { id: "no-fetching", patterns: ["web:*", "mcp:*", "models:*"], source: "file:gating.toml" };
const programs = (...policies: readonly string[]): Rules => ({
  policies: [fetching, ...policies],
  isAlone: true,
  posture: "public",
  contracts: [noFetching],
});
const ofScout = (tools: readonly string[], asks: readonly string[] = []): Rules => ({
  posture: "public",
  whose: { agent: "scout", tools, asks },
});
const inRun = (holder: string): Rules => lease({ holder, scope: { run: "run-1" } });

const families: readonly Family[] = [
  {
    question: "network",
    name: "an allowance of nothing over an open hub",
    base: allowing("0 calls/day")[1],
    says: "proved",
    mutants: [
      allowing("1 calls/day"),
      allowing("0 calls/day fs:*"),
      allowing("0 calls/day web.fetch"),
      allowing("0 calls/day for agent:scout"),
      allowing("0 calls/day for plugin:sync"),
      allowing("0 calls/day for host:example.org"),
      allowing("0 MB written/day"),
      allowing("0 tokens/day"),
      allowing("0 USD/day"),
      // What is used up today is free tomorrow.
      allowing("5 calls/day", { used: 5 }),
    ],
  },
  {
    question: "network",
    name: "an allowance of something over an open hub",
    base: allowing("1 MB out/day")[1],
    says: "counterexample",
    mutants: [
      allowing("0 B out/day"),
      // The greetings of one encrypted connection are more than that.
      allowing("10 KB out/run"),
      allowing("0 minutes/day"),
      // Its soft limit is below one call, so a person is asked about each.
      allowing("1 calls/day", { over: "ask" }),
    ],
  },
  {
    question: "network",
    name: "a contract as long as the lease that it closes",
    base: timed(nowMs - 1000),
    says: "proved",
    mutants: [
      ["it begins later", timed(nowMs + 1000)],
      ["it ends sooner", timed(nowMs - 1000, untilMs - 2)],
    ],
  },
  {
    question: "network",
    name: "no call that fetches, and no program",
    base: programs(),
    says: "proved",
    mutants: [
      ["programs that calls start", programs(commands)],
      ["the calls themselves", { ...programs(), contracts: [{ ...noFetching, patterns: ["mcp:*"] }] }],
    ],
  },
  {
    question: "network",
    name: "programs that calls start",
    base: programs(commands),
    says: "counterexample",
    mutants: [
      // The command starts, and what its program would send is above what commands may.
      ["no bytes", { ...programs(commands), allowances: [{ text: "0 B out/day shell:*" }] }],
      ["no commands", { ...programs(commands), allowances: [{ text: "0 calls/day shell:*" }] }],
      ["words that were read", programs(commands, noWordsRead)],
    ],
  },
  {
    question: "stricter",
    name: "a question about what is forbidden",
    base: { policies: [asking, asking.replace('@ask("?") permit', "forbid")] },
    says: "proved",
    mutants: [["the question alone", { policies: [asking] }]],
  },
  {
    question: "network",
    name: "one agent that is asked about",
    base: ofScout(["web.fetch"], ["web:fetch"]),
    says: "proved",
    mutants: [
      ["nothing is asked", ofScout(["web.fetch"])],
      ["another tool", ofScout(["web.fetch", "mcp.carry"], ["web:fetch"])],
    ],
  },
  {
    question: "writes",
    name: "a lease with nothing left",
    base: { policies: [writing], isAlone: true, ...lease({ usesLeft: 0 }) },
    says: "proved",
    mutants: [
      ["a use", { policies: [writing], isAlone: true, ...lease({ usesLeft: 1 }) }],
      ["bytes", { policies: [writing], isAlone: true, ...lease({ budgetLeft: { bytesWritten: 1 } }) }],
    ],
  },
  {
    question: "writes",
    name: "a lease for the run of another agent",
    base: { policies: [writing], isAlone: true, ...inRun("agent:helper") },
    says: "proved",
    mutants: [
      ["its own agent", { policies: [writing], isAlone: true, ...inRun("agent:scout") }],
      ["any agent", { policies: [writing], isAlone: true, ...inRun("agent:*") }],
    ],
  },
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
      alone(writing, commands),
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

const limits = { timeout: 120_000 };
for (const { question, name, base, says, mutants } of families)
  test(`${question}: ${name} is ${says}, and ${mutants.length} changes turn the answer`, limits, async () => {
    expect(await answerOf(question, base, bookFor)).toBe(says);
    const other = says === "proved" ? "counterexample" : "proved";
    for (const [change, rules] of mutants) assert.equal(await answerOf(question, rules, bookFor), other, change);
  });

test("there are enough of them", () => {
  assert.ok(families.flatMap(({ mutants }) => mutants).length >= 40);
});
