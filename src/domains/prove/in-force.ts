/** The rules in force as formulas: what lets a call pass without a person's yes, and what only takes away. */
import { parseHostRule } from "../../base/web-address.ts";
import { matchesKey } from "../../contract/caller.ts";
import { emitKey, egressKey, ingressKey, taskKey } from "../../contract/gate-keys.ts";
import { gateKey, type Operation } from "../../contract/operation.ts";
import type { Static } from "../../contract/schema.ts";
import type { PostureState } from "../egress/contract.ts";
import type { ListContracts } from "../gating/contract.ts";
import type { HierarchyState } from "../hierarchy/contract.ts";
import { leaseUnits, type ListedLease } from "../leases/contract.ts";
import type { PriceRow } from "../budgets/contract.ts";
import type { EncodedPolicy } from "./cedar-policy.ts";
import { type Ceiling, isOverCeilings } from "./ceilings.ts";
import { all, any, atMost, choice, flag, type Formula, not, textIs, textWithin } from "./formula.ts";
import { anything, either, type Language, letterOf, many, sequence, word } from "./language.ts";
import { atMs, labelFlag, knownLabels, literalHost, runText, type Space, within } from "./space.ts";

export type ListedContract = Static<typeof ListContracts.output>["contracts"][number];

export interface Facts {
  readonly contracts: readonly ListedContract[];
  readonly leases: readonly ListedLease[];
  readonly posture: PostureState;
  /** Nothing on this machine would confine a program that is started now. */
  readonly isUnconfined: boolean;
  /** Servers of models that a person named, and that stand elsewhere. */
  readonly farServers: readonly string[];
  readonly self: HierarchyState["self"];
  /** Gate-key patterns that are asked about: of the configuration, and of the agent's own file where one is asked about. */
  readonly askPatterns: readonly string[];
  readonly allowances: readonly Ceiling[];
  readonly prices: readonly PriceRow[];
  /** Whose each run is that a lease was given to. */
  readonly agentOfRun: ReadonlyMap<string, string>;
  readonly nowMs: number;
}

export interface InForce {
  readonly policies: readonly EncodedPolicy[];
  readonly contracts: readonly EncodedContract[];
  /** The call passes, and nobody is asked. */
  readonly passes: Formula;
  /** What policies and leases say of it; contracts and allowances stand in front. */
  readonly isRuled: Formula;
  /** It goes to another machine: something opens the host and no deny rule closes it, or a model is asked that stands there. */
  readonly leaves: Formula;
  /** What is known of the hub and its machine: which hosts are open, whether programs are confined, and that it is now or later. */
  readonly world: Formula;
  /** Whether programs are confined, alone. */
  readonly confinement: Formula;
}

export interface EncodedContract {
  readonly id: string;
  readonly matches: Formula;
  readonly hasQuota: boolean;
}

/** What a set of policies says. */
export interface Verdicts {
  readonly allows: Formula;
  readonly asks: Formula;
  readonly isForbidden: Formula;
}

export function verdictsOf(policies: readonly EncodedPolicy[]): Verdicts {
  const matching = (effect: EncodedPolicy["effect"]): Formula =>
    any(policies.filter((each) => each.effect === effect).map(({ matches }) => matches));
  const isForbidden = any([matching("forbid"), any(policies.map(({ faults }) => faults))]);
  const isAsked = any(policies.filter(({ effect }) => effect === "ask").map((each) => openQuestion(each, policies)));
  const asks = all([isAsked, not(isForbidden)]);
  return { isForbidden, asks, allows: all([matching("permit"), not(isAsked), not(isForbidden)]) };
}

/** It asks, and no permit that matches answers its question by name. */
const openQuestion = ({ id, matches }: EncodedPolicy, policies: readonly EncodedPolicy[]): Formula =>
  all([matches, not(any(policies.filter(({ answers }) => answers.includes(id)).map((each) => each.matches)))]);

/** The policy decides: it speaks of the call, and none that goes before it does. */
export function decidesAmong(policies: readonly EncodedPolicy[], id: string): Formula {
  const place = policies.findIndex((each) => each.id === id);
  const one = policies[place];
  if (one === undefined) return false;
  const before = policies.slice(0, place).filter(({ effect }) => effect === one.effect);
  const isBefore = any(before.map(({ matches }) => matches));
  if (one.effect === "forbid") return all([one.matches, not(isBefore)]);
  const asking = policies.filter(({ effect }) => effect === "ask");
  const isForbidden = any(policies.filter(({ effect }) => effect === "forbid").map(({ matches }) => matches));
  if (one.effect === "ask") {
    const isAskedBefore = any(before.map((each) => openQuestion(each, policies)));
    return all([openQuestion(one, policies), not(isAskedBefore), not(isForbidden)]);
  }
  const isAsked = any(asking.map((each) => openQuestion(each, policies)));
  // Where a question was answered, the permit that answers the first of them is the one that is named.
  const answering = asking.map((each, index): Formula => {
    if (!one.answers.includes(each.id)) return false;
    const others = before.filter(({ answers }) => answers.includes(each.id)).map(({ matches }) => matches);
    const earlier = asking.slice(0, index).map(({ matches }) => matches);
    return all([each.matches, not(any([...earlier, ...others]))]);
  });
  const isPlain = not(any([isBefore, ...asking.map(({ matches }) => matches)]));
  return all([one.matches, not(isAsked), not(isForbidden), any([isPlain, ...answering])]);
}

export function encodeInForce(policies: readonly EncodedPolicy[], facts: Facts, space: Space): InForce {
  const { allows, asks, isForbidden } = verdictsOf(policies);
  const ids = (wanted: (operation: Operation) => boolean): Formula =>
    choice(
      "action",
      [...space.operations.values()].filter(wanted).map(({ id }) => id),
    );
  const contracts = facts.contracts.map((contract) => encodeContract(contract, facts, space));
  const isDenied = any(contracts.filter(({ hasQuota }) => !hasQuota).map(({ matches }) => matches));
  const isAskedFor = any(facts.askPatterns.map((each) => any([ids(keyed(each)), namesTool(each, space)])));
  const calls = facts.leases.filter(({ kind }) => kind === "call");
  const leased = any(calls.map((each) => encodeLease(each, { ids, facts, space })));
  const isLeasable = all([
    not(flag("hasCapsule")),
    not(ids(({ isForPersons }) => isForPersons === true)),
    any([allows, asks, choice("kind", ["Agent", "Plugin", "Node"])]),
  ]);
  const isPermitted = any([all([allows, not(isAskedFor)]), all([leased, isLeasable])]);
  const isOpen = opened(facts);
  const isRuled = all([isPermitted, not(isForbidden)]);
  const { allowances, prices } = facts;
  const confinement: Formula = facts.isUnconfined
    ? any([not(flag("hasUnconfined")), flag("unconfined")])
    : not(flag("unconfined"));
  return {
    policies,
    contracts,
    isRuled,
    passes: all([isRuled, not(isDenied), not(isOverCeilings(allowances, { prices, space }))]),
    leaves: any([
      all([
        choice("reached", ["Host"]),
        facts.posture.posture === "custom" ? true : isOpen,
        not(any(facts.contracts.map((each) => encodeWayOut(each, facts)))),
      ]),
      any(facts.farServers.map((id) => all([choice("reached", ["Model"]), within({ type: "Server", id })]))),
    ]),
    confinement,
    world: all([
      confinement,
      any([all([flag("open"), isOpen]), all([not(flag("open")), not(isOpen)])]),
      // Of what was nobody asks.
      not(atMost(atMs, facts.nowMs - 1)),
    ]),
  };
}

/** Whoever is no person, and with that nobody's own word. */
export const programs: Formula = choice("kind", ["Agent", "Plugin", "Node"]);

function keysOf(operation: Operation): readonly string[] {
  const key = gateKey(operation);
  const queued = operation.mode === "job" ? [taskKey(key), ingressKey(taskKey(key)), egressKey(taskKey(key))] : [];
  const emits = operation.emits.filter(({ isDurable }) => isDurable).map(({ kind }) => emitKey(kind));
  return [key, ingressKey(key), ...queued, egressKey(key), ...emits];
}

function encodeContract(contract: ListedContract, facts: Facts, space: Space): EncodedContract {
  const { id, patterns, quotaLimit, source } = contract;
  const covered = [...space.operations.values()].filter((operation) =>
    keysOf(operation).some((key) => patterns.some((pattern) => matchesKey(pattern, key))),
  );
  // Rules that are undone by calls alone leave those calls to persons.
  const leavesWayOut = !/^(config|env|flag|file):/.test(source);
  const ways = leavesWayOut ? covered.filter(({ isWayOut }) => isWayOut === true).map((each) => each.id) : [];
  const spared = all([choice("kind", ["Person"]), choice("action", ways)]);
  const matches = all([
    choice(
      "action",
      covered.map((each) => each.id),
    ),
    concerns(contract, facts),
    holdsAt(contract),
    not(spared),
  ]);
  return { id, matches, hasQuota: quotaLimit !== undefined };
}

function concerns({ subjectRole, subjectNode, subjectAgent, tagsAny }: ListedContract, { self }: Facts): Formula {
  const isRole = subjectRole === undefined || subjectRole.toLowerCase() === self.role;
  const isNode =
    subjectNode === undefined || subjectNode === self.id
      ? true
      : all([choice("kind", ["Node"]), textIs("caller", subjectNode)]);
  const isAgent = subjectAgent === undefined ? true : all([choice("kind", ["Agent"]), textIs("caller", subjectAgent)]);
  const hasTag =
    tagsAny === undefined || tagsAny.some((tag) => self.tags.includes(tag))
      ? true
      : any(knownLabels.filter((each) => tagsAny.includes(each)).map((each) => flag(labelFlag(each))));
  return all([isRole, isNode, isAgent, hasTag]);
}

/** One that renews itself is met again whenever it is asked about. */
function holdsAt({ validFromMs, validToMs, autoRenewSecs = 0 }: ListedContract): Formula {
  return all([
    validFromMs === undefined ? true : not(atMost(atMs, validFromMs - 1)),
    validToMs === undefined || autoRenewSecs > 0 ? true : atMost(atMs, validToMs),
  ]);
}

const keyed =
  (pattern: string) =>
  (operation: Operation): boolean =>
    matchesKey(pattern, gateKey(operation));

/** A pattern may name one tool of a server: `mcp:call:files:write_file`, or the beginning of such a key. */
function namesTool(pattern: string, { operations }: Space): Formula {
  const isPrefix = pattern.endsWith("*");
  const named = isPrefix ? pattern.slice(0, -1) : pattern;
  return any(
    [...operations.values()].map((operation) => {
      const before = `${gateKey(operation)}:`;
      if (!named.startsWith(before)) return false;
      const tool = word(named.slice(before.length).replace(":", "/"));
      const language = isPrefix ? sequence(tool, anything) : tool;
      return all([choice("action", [operation.id]), choice("reached", ["Tool"]), textWithin("resource", language)]);
    }),
  );
}

/** What is asked about a host on the way out, whatever the call was. */
function encodeWayOut(contract: ListedContract, facts: Facts): Formula {
  if (contract.quotaLimit !== undefined) return false;
  const wayOut = egressKey("net");
  const hosts = contract.patterns.map((pattern): Formula => {
    if (matchesKey(pattern, wayOut)) return true;
    if (!pattern.startsWith(`${wayOut}:`))
      return pattern.endsWith("*") && `${wayOut}:`.startsWith(pattern.slice(0, -1));
    const named = pattern.slice(wayOut.length + 1);
    const language = named.endsWith("*")
      ? sequence(word(named.slice(0, -1)), anything)
      : sequence(word(named), anyPort);
    return textWithin("resource", language);
  });
  return all([any(hosts), concerns(contract, facts), holdsAt(contract)]);
}

const digit = letterOf("0123456789");
const anyPort = sequence(word(":"), many(digit));
const webPort = either(word(":80"), word(":443"));

/** `example.org`, `*.example.org`, `example.org:8443`, as the ways out read them. */
function hostLanguage(text: string): Language | null {
  const rule = parseHostRule(text);
  if (rule === null) return null;
  const name = rule.host.includes(":") ? `[${rule.host}]` : rule.host;
  const host = rule.isWild ? sequence(anything, word(`.${name}`)) : word(name);
  return sequence(host, rule.port === null ? webPort : word(`:${rule.port}`));
}

const toHost = (text: string): Formula => {
  const language = hostLanguage(text);
  return language === null ? false : textWithin("resource", language);
};

function opened({ posture, leases }: Facts): Formula {
  const byLease = leases.flatMap(({ kind, scope, holder, endsAtMs }) => {
    if (kind !== "host" || scope.host === undefined) return [];
    const isHeld = holder === "*" ? true : all([choice("kind", ["Agent"]), textIs("caller", holder.slice(6))]);
    return [all([isHeld, toHost(scope.host), lastsUntil(endsAtMs)])];
  });
  const byPosture: Formula =
    posture.posture === "public"
      ? all([textWithin("resource", sequence(anything, webPort)), not(textWithin("resource", literalHost))])
      : posture.posture === "allowlist"
        ? any(posture.hosts.map(toHost))
        : false;
  return all([choice("reached", ["Host"]), any([...byLease, byPosture])]);
}

/** Its last moment is the one before its end. */
const lastsUntil = (endsAtMs: number): Formula => atMost(atMs, endsAtMs - 1);

interface Leasing {
  readonly ids: (wanted: (operation: Operation) => boolean) => Formula;
  readonly facts: Facts;
  readonly space: Space;
}

function encodeLease(lease: ListedLease, { ids, facts, space }: Leasing): Formula {
  const { capability, holder, scope, endsAtMs, usesLeft, budgetLeft = {} } = lease;
  const cut = holder.indexOf(":");
  const name = holder.slice(cut + 1);
  const kind = `${holder.charAt(0).toUpperCase()}${holder.slice(1, cut)}`;
  const inFolder = (folder: string): Formula => all([choice("reached", ["Folder"]), textIs("resource", folder)]);
  const left = leaseUnits.flatMap((unit): Ceiling[] => {
    const limit = budgetLeft[unit];
    return limit === undefined ? [] : [{ unit, limit, window: "run", used: 0, resetsAtMs: null }];
  });
  if (usesLeft === 0 || left.some(({ limit }) => limit === 0)) return false;
  return all([
    choice("kind", [kind]),
    name === "*" ? true : textIs("caller", name),
    ids((operation) => permits(capability, operation) && (scope.operation ?? operation.id) === operation.id),
    scope.folder === undefined ? true : inFolder(scope.folder),
    scope.path === undefined ? true : textIs("path", scope.path),
    scope.tool === undefined ? true : all([choice("reached", ["Tool"]), textIs("resource", scope.tool)]),
    scope.host === undefined ? true : all([choice("reached", ["Host"]), toHost(scope.host)]),
    scope.run === undefined ? true : inRun(scope.run, facts),
    lastsUntil(endsAtMs),
    not(isOverCeilings(left, { prices: facts.prices, space })),
  ]);
}

/** Only its own agent works in a run. */
function inRun(run: string, { agentOfRun }: Facts): Formula {
  const agent = agentOfRun.get(run);
  const isOwn = agent === undefined ? true : all([choice("kind", ["Agent"]), textIs("caller", agent)]);
  return all([textIs(runText, run), isOwn]);
}

function permits(capability: string, operation: Operation): boolean {
  const { needs } = operation;
  const covers = (need: string): boolean =>
    matchesKey(capability, need) || (capability === "net:send" && need === "net:fetch");
  return matchesKey(capability, gateKey(operation)) || (needs.length > 0 && needs.every(covers));
}
