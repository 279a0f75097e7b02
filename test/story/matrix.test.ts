/**
 * Every operation, for every sort of caller, under every state that rules can be in and under pairs of them, through the real
 * corridor, against an oracle that knows nothing of it. What is refused never reaches its handler and names its rule.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import type { Caller, Grant } from "../../src/contract/caller.ts";
import type { Operation } from "../../src/contract/operation.ts";
import { isProblem } from "../../src/contract/problem.ts";
import type { PlacedContract } from "../../src/domains/gating/rule.ts";
import type { Credentials, Sample } from "../../src/kernel/ports.ts";
import { createIssuer } from "../kit/capsules.ts";
import { seededRandom } from "../kit/chance.ts";
import { startMs, until } from "../kit/kernel.ts";
import { adminToken, openOracleHub, type OracleHub } from "../kit/oracle-hub.ts";
import { oracle } from "../kit/oracle.ts";
import type { Denying, Rules, Verdict, Who } from "../kit/oracle-words.ts";
import { valuesOf } from "./schema-values.ts";

const seed = Number(process.env["ARW_SEED"] ?? 8090);
/** A soak walks every cell, until its time is over. */
const soakUntilMs = process.env["ARW_SOAK"] === "1" ? Number(process.env["ARW_SOAK_UNTIL_MS"] ?? Infinity) : 0;
const isSoak = (): boolean => Date.now() < soakUntilMs;
/** Otherwise a part of them, chosen by the seed: some seven thousand, a millisecond each. */
const shareAlone = 0.15;
const shareInPairs = 0.1;
const pairsWalked = 8;
/** All pairs take half a minute on a calm machine; on a busy one the next round, with another order, takes the rest. */
const soakPairsMsMax = 240_000;
const limits = { timeout: soakUntilMs > 0 ? 900_000 : 120_000 };
const folder = "/granted";
const path = "notes/a.md";
const openHost = "open.test";
const hourMs = 3_600_000;
const always = ["access:whoami", "access:signout"];
const narrowKeys = ["fs:*", "state:*", "web:*", "budgets:*", "halt:*", "agents:*"];
const issuer = createIssuer("parent");

interface Calling {
  readonly name: string;
  readonly credentials: Credentials;
  readonly who: Who | "nobody" | "stranger";
}

const byToken = (token: string): Credentials => ({ kind: "token", token, address: "127.0.0.1" });
const inside = (name: string, caller: Caller): Calling => ({
  name,
  credentials: { kind: "caller", caller },
  who: caller as Who,
});
const tokens = [
  { name: "narrow", role: "person", keys: narrowKeys },
  { name: "watcher", role: "observer", keys: ["*"] },
  { name: "helper", role: "agent", keys: ["*"] },
  { name: "hub-2", role: "node", keys: ["*"] },
] as const;
const holders = tokens.map(({ name, role, keys }): Calling => {
  const kind = role === "observer" ? "person" : role;
  const reach = { token: name, keys: [...keys, ...always], isReadOnly: role === "observer" };
  // Nobody here knows what a program read elsewhere.
  const labels = kind === "person" ? [] : ["user", "tool"];
  return { name: `${role} ${name}`, credentials: byToken(name), who: { kind, id: name, reach, labels } };
});
const all: readonly Grant[] = [{ key: "*" }, { key: "*", folder }];
const callers: readonly Calling[] = [
  { name: "admin", credentials: byToken(adminToken), who: { kind: "person", id: "admin" } },
  ...holders,
  inside("agent", { kind: "agent", id: "scout", grants: [] }),
  inside("granted agent", { kind: "agent", id: "scout", grants: [...all] }),
  inside("narrowly granted agent", { kind: "agent", id: "digger", grants: [{ key: "fs:*", folder, path }] }),
  inside("agent granted another folder", { kind: "agent", id: "scout", grants: [{ key: "*", folder: "/elsewhere" }] }),
  inside("granted agent with a page's words", {
    kind: "agent",
    id: "scout",
    grants: [...all],
    labels: ["user", "web"],
  }),
  inside("agent with a file's words", { kind: "agent", id: "digger", labels: ["file"] }),
  inside("plugin", { kind: "plugin", id: "clock" }),
  { name: "nobody", credentials: { kind: "none", address: "127.0.0.1" }, who: "nobody" },
  { name: "stranger", credentials: byToken("no such token"), who: "stranger" },
];

const facts = [
  "deny",
  "waiting",
  "quota",
  "untold",
  "capsule",
  "observer",
  "connector",
  "forbid",
  "ask",
  "broke",
  "open",
  "leased",
  "leased narrowly",
  "lease ended",
  "unconfined",
  "approved",
  "halted",
] as const;
type Fact = (typeof facts)[number];

const ownForbid = `@id("own-forbid") forbid (principal, action, resource) unless { action == Action::"approvals.decide" };`;
const ownAsk = `@id("own-ask") @ask("sure?") permit (principal, action, resource) unless { action == Action::"approvals.decide" };`;
const isAnswer = ({ id }: Operation): boolean => id === "approvals.decide";
const capsuleDenies = ["fs:*", "io:egress:state:*", "provenance:*", "gating:*", "io:ingress:web:*", "task:*"];
const untold = "emit:agents:*";

/** One contract for each operation, on the key or on one of its ends. */
function contractsFor(operations: readonly Operation[], state: ReadonlySet<Fact>): readonly PlacedContract[] {
  const kinds = (["deny", "waiting", "quota"] as const).filter((each) => state.has(each));
  const named = operations.filter((each) => !isAnswer(each));
  return kinds.flatMap((kind) =>
    named.map(({ id }, place): PlacedContract => {
      const key = id.replaceAll(".", ":");
      const ends = [key, `io:ingress:${key}`, `io:egress:${key}`];
      const terms = {
        deny: {},
        waiting: { validFromMs: startMs + hourMs },
        quota: { quotaLimit: 1, quotaWindowSecs: 3600 },
      };
      // What comes before a job is its queue, which counts nothing yet: its quota stands on the key itself.
      const pattern = kind === "quota" ? key : (ends[place % ends.length] as string);
      return { contract: { id: `${kind}-${id}`, patterns: [pattern], ...terms[kind] } };
    }),
  );
}

interface Table {
  readonly hub: OracleHub;
  readonly rules: Rules;
  /** Contracts with a quota, by their pattern: spent by the first call that runs. */
  spend(operation: Operation): void;
}

async function open(state: ReadonlySet<Fact>): Promise<Table> {
  const contracts = contractsFor(await tableRows(), state);
  const told = state.has("untold") ? [{ contract: { id: "untold", patterns: [untold] } }] : [];
  const hub = await openOracleHub({
    tokens,
    answerOf,
    policies: [...(state.has("forbid") ? [ownForbid] : []), ...(state.has("ask") ? [ownAsk] : [])].join("\n"),
    contracts: [...contracts, ...told],
    isUnconfined: state.has("unconfined"),
  });
  const control = async (operation: string, input: unknown): Promise<void> =>
    void (await hub.control(operation, input));
  if (state.has("capsule")) await adoptCapsule(control);
  if (state.has("open")) await control("egress.allow", { host: openHost });
  const leases = leasesOf(state);
  for (const lease of leases) await control("leases.grant", lease);
  if (state.has("lease ended")) {
    for (const holder of holdersAll) await control("leases.grant", { capability: "*", holder, ttl: "1s" });
    hub.clock.advance(leaseMs);
  }
  if (state.has("broke")) await control("budgets.allow", { allowance: ["0 calls/day"] });
  if (state.has("broke")) await control("budgets.allow", { allowance: ["0 calls/day for person:narrow"] });
  const role = state.has("observer") ? "observer" : state.has("connector") ? "connector" : "edge";
  if (role !== "edge") await control("hierarchy.role", { role });
  if (state.has("halted")) await control("halt.engage", {});
  await hub.begin();
  const spent = new Set<string>();
  const denyingOf = ({ contract: { id, patterns } }: PlacedContract): Denying => ({
    id,
    pattern: patterns[0] ?? "",
    leavesWayOut: false,
    get state() {
      if (id.startsWith("quota-")) return spent.has(id) ? "spent" : "waiting";
      return id.startsWith("waiting-") ? "waiting" : "active";
    },
  });
  const rules: Rules = {
    denying: [
      ...[...contracts, ...told].map(denyingOf),
      ...(state.has("capsule") ? capsuleDenies : []).map(
        (pattern): Denying => ({ id: `${issuer.id}/house`, pattern, leavesWayOut: true, state: "active" }),
      ),
    ],
    role,
    isHalted: state.has("halted"),
    forbids: (operation) => state.has("forbid") && !isAnswer(operation),
    asks: (operation) => state.has("ask") && !isAnswer(operation),
    openHosts: state.has("open") ? [`${openHost}:443`] : [],
    leases,
    isUnconfined: state.has("unconfined"),
    isApproved: state.has("approved"),
    isBroke: ({ kind, id }) => state.has("broke") && (kind !== "person" || id === "narrow"),
  };
  return { hub, rules, spend: ({ id }) => void (state.has("quota") && spent.add(`quota-${id}`)) };
}

const holdersAll = ["agent:*", "plugin:*", "node:*"];
const leaseMs = 1_000;
const leasesOf = (state: ReadonlySet<Fact>) => [
  ...(state.has("leased") ? holdersAll.map((holder) => ({ capability: "*", holder })) : []),
  ...(state.has("leased narrowly") ? [{ capability: "fs:*", holder: "agent:scout", folder }] : []),
];

async function adoptCapsule(control: (operation: string, input: unknown) => Promise<void>): Promise<void> {
  await control("provenance.issuers.add", { id: issuer.id, publicKey: issuer.publicKey });
  await control("provenance.adopt", { envelope: issuer.envelope({ denies: capsuleDenies }) });
}

let rows: readonly Operation[] | null = null;
async function tableRows(): Promise<readonly Operation[]> {
  if (rows !== null) return rows;
  await using hub = await openOracleHub({ tokens: [], answerOf: () => null });
  rows = [...hub.kernel.table.operations.values()].map(({ operation }) => operation);
  return rows;
}

const sampleOf = (arbitrary: fc.Arbitrary<unknown>): unknown => fc.sample(arbitrary, { numRuns: 1, seed })[0];
const answers = new Map<string, unknown>();
function answerOf({ id, output }: Operation): unknown {
  if (!answers.has(id)) answers.set(id, sampleOf(valuesOf(output)));
  return answers.get(id);
}
const inputs = new Map<string, unknown>();
/** What fits, and where it reaches something, the granted folder, the open host and a capsule that is one. */
function inputOf({ id, input }: Operation): unknown {
  if (inputs.has(id)) return inputs.get(id);
  const given = { folder, path, url: `https://${openHost}/page`, envelope: issuer.envelope(), waitMs: 0 };
  const named = Object.entries(given).filter(([name]) => name in input.properties);
  const needed = Object.entries(sampleOf(valuesOf(input)) as object).filter(([name]) => input.required?.includes(name));
  const made = Object.fromEntries([...needed, ...named]);
  inputs.set(id, made);
  return made;
}

const refusals: Readonly<Record<string, Verdict>> = {
  "arw.unauthenticated": "unauthenticated",
  "arw.halted": "halted",
  "arw.too-many-requests": "too-many",
  "arw.budget-exceeded": "broke",
};

function verdictOf(error: unknown, operation: Operation): Verdict {
  if (!isProblem(error)) throw error;
  const { code } = error.definition;
  if (code === "arw.invalid-input" || code === "arw.internal") throw error;
  if (code !== "arw.denied") return refusals[code] ?? "runs";
  const { rule, source, next } = error.extra;
  assert.ok(typeof rule === "string" && typeof source === "string" && error.message.length > 0, operation.id);
  assert.ok(typeof next === "string" && next.length > 0, `${operation.id}: ${rule} names no next step`);
  if (operation.isSecret === true && rule !== "built-in:person" && source === "built-in")
    return "denied by a question that would keep a secret";
  return `denied by ${rule}`;
}

let cells = 0;

interface Cell {
  readonly operation: Operation;
  readonly calling: Calling;
}

/** What the corridor makes of one call, to its very end: a job until a worker has taken it, a question until its answer. */
async function walk({ hub, rules }: Table, { operation, calling }: Cell): Promise<Verdict> {
  const corrId = `cell-${(cells += 1)}`;
  const leave = new AbortController();
  const question: { id?: string } = {};
  const stop = hub.kernel.bus.listen(["approvals.requested"], (envelope) => {
    if (envelope.corrId === corrId) question.id = (envelope.data as { approvalId: string }).approvalId;
  });
  const end: { kind?: string; error?: unknown } = {};
  const { credentials } = calling;
  const isOver = (): boolean => end.kind !== undefined;
  void hub.kernel
    .dispatch({ operationId: operation.id, input: inputOf(operation), credentials, corrId, signal: leave.signal })
    .then(
      ({ outcome }) => void (end.kind = outcome.kind),
      (error: unknown) => void Object.assign(end, { kind: "refused", error }),
    );
  try {
    await until(() => isOver() || question.id !== undefined, `${operation.id} ends or asks`);
    if (question.id !== undefined) {
      if (rules.isApproved) await hub.control("approvals.decide", { approvalId: question.id, decision: "allow" });
      else leave.abort();
      if (!rules.isApproved) return "asks";
    }
    await until(isOver, `${operation.id} ends`);
    if (end.kind === "held" || end.kind === "accepted") return await taskVerdict(hub, corrId);
    return end.kind === "refused" ? verdictOf(end.error, operation) : "runs";
  } catch (error) {
    // Who says yes is told what closes the way that the held call would go.
    if (question.id === undefined) throw error;
    return verdictOf(error, operation);
  } finally {
    stop();
    leave.abort();
    await until(isOver, `${operation.id} ends once its caller left`);
  }
}

/** How the walk of a worker ended, which is the second one under this id. */
async function taskVerdict({ samples, reached }: OracleHub, corrId: string): Promise<Verdict> {
  const own = () => samples.filter((each) => each.corrId === corrId);
  await until(() => own().length > 1, "a worker takes the task");
  const { code, operation } = own()[1] as Sample;
  // What shows rows of views has its handler from the kernel.
  assert.ok(code !== "ok" || reached.has(corrId) || operation.startsWith("state."));
  return refusals[code] ?? (code === "arw.denied" ? "denied by a rule for workers" : "runs");
}

/** How often each sort of verdict came up. */
type Seen = Map<string, number>;

interface Walking {
  readonly seen: Seen;
  readonly share: number;
  readonly random: () => number;
}

async function matrix(state: ReadonlySet<Fact>, { seen, share, random }: Walking): Promise<void> {
  const table = await open(state);
  await using hub = table.hub;
  for (const operation of await tableRows())
    for (const calling of callers) {
      if (random() >= share) continue;
      const verdict = await compare(table, { operation, calling }, [...state].join(" and ") || "no rule");
      const sort = verdict.split(" ")[0] ?? "";
      seen.set(sort, (seen.get(sort) ?? 0) + 1);
    }
  assert.deepEqual(hub.errors, []);
}

async function compare(table: Table, cell: Cell, state: string): Promise<Verdict> {
  const { operation, calling } = cell;
  const { hub, rules } = table;
  const scope = operation.scope?.(inputOf(operation) as never) ?? {};
  const wanted = oracle({ operation, scope, who: calling.who, rules });
  const before = hub.reached.size;
  const got = await walk(table, cell);
  const about = `${state}: ${operation.id} by ${calling.name} comes to ${got}`;
  assert.ok(wanted.includes(got), `${about}, and not to ${wanted.join(" or ")}`);
  if (got === "runs") table.spend(operation);
  else assert.equal(hub.reached.size, before, `${about}, and yet a handler was reached`);
  return got;
}

test("each state of the rules alone", limits, async () => {
  const seen: Seen = new Map();
  const random = seededRandom(seed);
  for (const state of [[], ...facts.map((fact) => [fact])])
    await matrix(new Set(state), { seen, random, share: isSoak() ? 1 : shareAlone });
  const sorts = ["asks", "broke", "denied", "halted", "runs", "too-many", "unauthenticated"];
  assert.deepEqual([...seen.keys()].toSorted(), sorts, "every sort of verdict came up");
});

const isPossible = (pair: readonly Fact[]): boolean => !(pair.includes("observer") && pair.includes("connector"));
const pairs = facts
  .flatMap((first, place) => facts.slice(place + 1).map((second) => [first, second]))
  .filter(isPossible);

test("states of the rules in pairs: what denies wins, and nothing opens what another closed", {
  timeout: 900_000,
}, async () => {
  const random = seededRandom(seed + 1);
  const endMs = Math.min(soakUntilMs, Date.now() + soakPairsMsMax);
  const order = pairs.map((pair) => ({ pair, at: random() })).toSorted((a, b) => a.at - b.at);
  for (const [place, { pair }] of order.entries()) {
    const isWhole = Date.now() < endMs;
    if (place >= pairsWalked && !isWhole) break;
    await matrix(new Set(pair), { seen: new Map(), random, share: isWhole ? 1 : shareInPairs });
  }
});
