/** A hub with rules of a test's own: its facts as proofs read them, and the real gate, policies, ceilings and way out over them. */
import assert from "node:assert/strict";
import { createManualClock } from "../../src/adapters/memory/clock.ts";
import { explainBudget } from "../../src/domains/budgets/explain.ts";
import { parseAllowance } from "../../src/domains/budgets/syntax.ts";
import { createUses } from "../../src/domains/budgets/uses.ts";
import { windowAt } from "../../src/domains/budgets/windows.ts";
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
import { startPoint, startsOf } from "../../src/domains/prove/carried.ts";
import {
  confirmChild,
  confirmLeaving,
  confirmPair,
  confirmPassing,
  confirmRule,
  type Engines,
} from "../../src/domains/prove/confirm.ts";
import type { Proof } from "../../src/domains/prove/contract.ts";
import { encodeInForce, type Facts, type ListedContract } from "../../src/domains/prove/in-force.ts";
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
import { nowMs, space } from "./kit.ts";

export interface Rules {
  readonly policies?: readonly string[];
  /** Without the default set. */
  readonly isAlone?: boolean;
  readonly posture?: PostureState["posture"];
  readonly isUnconfined?: boolean;
  readonly contracts?: readonly Partial<ListedContract>[];
  readonly leases?: readonly Partial<ListedLease>[];
  readonly allowances?: readonly Allowing[];
  /** One agent with the tools that it declares, and what its file asks about. */
  readonly whose?: { readonly agent: string; readonly tools: readonly string[]; readonly asks?: readonly string[] };
}
export interface Allowing {
  readonly text: string;
  readonly used?: number;
  readonly over?: "ask";
}
export type Question = "network" | "writes" | "inFolder" | "child" | "reachable" | "stricter" | "changed";

/** When leases end that say nothing of it. */
export const untilMs = nowMs + 3_600_000;
/** The folder of the question that names one. */
const folder = "/home/ada/notes";
const self = { id: "node-1", role: "edge", tags: [] } as const;

function factsOf(rules: Rules): Facts {
  const { posture = "closed", contracts = [], leases = [], isUnconfined = false, whose } = rules;
  return {
    contracts: contracts.map((each) => ({
      id: "c",
      patterns: [],
      source: "file:gating.toml",
      status: "active" as const,
      ...each,
    })),
    leases: leases.map((each) => ({ endsAtMs: untilMs, ...each })) as readonly ListedLease[],
    posture: { posture, hosts: ["example.org"], source: "config:egress.posture" },
    farServers: [],
    isUnconfined,
    self: { ...self, tags: [] },
    askPatterns: whose?.asks ?? [],
    allowances: allowancesOf(rules).map(({ allowance, used }) => ({
      ...allowance,
      used,
      resetsAtMs: windowAt(allowance.window, nowMs)?.endsAtMs ?? null,
    })),
    prices: [],
    agentOfRun: new Map([["run-1", "scout"]]),
    nowMs,
  };
}

const allowancesOf = ({ allowances = [] }: Rules) =>
  allowances.map(({ text, used = 0, over }, place) => {
    const terms = parseAllowance(text);
    assert.ok(!("fault" in terms), text);
    const written = { allowanceId: `a${place}`, text, createdAtMs: 0, createdBy: "person:admin" };
    return { allowance: { ...written, ...terms, ...(over === undefined ? {} : { over }) }, used };
  });

/** The allowances of a hub with these rules. */
function budgetOf(rules: Rules): ExplainStage {
  const granted = allowancesOf(rules);
  const uses = createUses(() => undefined);
  for (const { allowance, used } of granted)
    uses.add({ allowanceId: allowance.allowanceId }, windowAt(allowance.window, nowMs)?.window ?? 0, used);
  const book = {
    find: () => null,
    rows: () => [],
    reload: () => assert.fail("nobody reloads"),
    health: () => assert.fail(),
  };
  return explainBudget({ all: () => granted.map(({ allowance }) => allowance), uses, book });
}

/** The gate, the policies and the way out of a hub with these rules. */
function enginesOf(rules: Rules, facts: Facts, policyBook: PolicyBook): Engines {
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
    async explain({ operation, key, caller, scope, corrId }) {
      // Keys that belong to no operation are no matter of policies.
      if (operation === null) return [];
      const { effect, needs } = operation;
      const inOne = corrId === undefined ? {} : { corrId };
      const call = { operation: operation.id, key, caller, scope, effect, needs, ...inOne };
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
      const said = await policyBook.rule({
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
    stages: [explainGate(gate), policies, budgetOf(rules)],
    asks: facts.askPatterns,
    operations: space.operations,
    nowMs,
    canLeave: (host, caller) => opens(host, caller) !== null,
  };
}

/** What proofs answer about a hub with these rules. */
export async function answerOf(
  question: Question,
  rules: Rules,
  bookFor: (rules: Rules) => PolicyBook,
): Promise<Proof["answer"]> {
  const facts = factsOf(rules);
  const book = bookFor(rules);
  const encoded = encodeAll(book.policies, space);
  const inForce = encodeInForce(encoded, facts, space);
  const carrying = { rules: inForce, facts, space };
  const telling = { nowMs, runs: new Set(facts.agentOfRun.keys()) };
  const { whose = null } = rules;
  const starts = startsOf(carrying, whose);
  const engines = enginesOf(rules, facts, book);
  const defaults = bookFor({});
  const sets = { first: encodeAll(defaults.policies, space), second: encoded, space };
  const asked = {
    network: () => ({
      refuted: reachesNetwork(carrying, whose),
      confirm: confirmLeaving(engines, (point) => {
        const start = startPoint(point, starts);
        return start === null ? null : witnessOf(start, telling);
      }),
    }),
    writes: () => ({
      refuted: writesOutside(inForce, space, { whose: null, inFolder: null }),
      confirm: confirmPassing(engines),
    }),
    inFolder: () => ({
      refuted: writesOutside(inForce, space, { whose: null, inFolder: folder }),
      confirm: confirmPassing(engines),
    }),
    child: () => ({ refuted: childExceeds(inForce, space, null), confirm: confirmChild(engines, telling.runs) }),
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
    witnessOf: (point) => witnessOf(point, telling),
    examplesMax: 1,
  });
  return found.answer;
}
