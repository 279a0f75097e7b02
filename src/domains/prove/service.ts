/** Answers questions about the rules for every call there could be. Nothing is called, counted or changed. */
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { ListAgents } from "../agents/contract.ts";
import { ShowPosture } from "../egress/contract.ts";
import { ListContracts } from "../gating/contract.ts";
import { ShowState } from "../hierarchy/contract.ts";
import { ListLeases } from "../leases/contract.ts";
import { ListServers } from "../models/contract.ts";
import type { ExplainStage } from "../policy/contract.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { ask, type Found } from "./ask.ts";
import {
  changesMax,
  ListQuestions,
  type Proof,
  ProveChanged,
  ProveChild,
  ProveNetwork,
  ProveReachable,
  ProveStricter,
  ProveWrites,
  questionNames,
  type QuestionName,
  UnknownAgentTools,
  UnknownRule,
} from "./contract.ts";
import { confirmChild, confirmPair, confirmPassing, confirmRule, type Engines } from "./confirm.ts";
import type { Formula } from "./formula.ts";
import { encodeInForce, type Facts, hasTime, type InForce, type ListedContract } from "./in-force.ts";
import type { PolicyBook, PolicyReader, SolverSeat } from "./port.ts";
import { alikeChange, assumptions, notModelledIn, nextOf, textOf } from "./told.ts";
import {
  childExceeds,
  contractDecides,
  encodeAll,
  permitsMore,
  policyDecides,
  questionRow,
  reachesNetwork,
  saysOtherwise,
  type Whose,
  writesOutside,
} from "./questions.ts";
import { createSpace, type Space, witnessOf } from "./space.ts";

export interface ProveDeps {
  readonly parts: KernelParts;
  readonly reader: PolicyReader;
  readonly solver: SolverSeat;
  /** The deciding stages of the corridor, as `policy.explain` walks them. */
  readonly stages: readonly ExplainStage[];
  readonly askPatterns: readonly string[];
  /** Whether anything opens that host to the caller, as the way out decides it. */
  readonly canLeave: Engines["canLeave"];
  /** Runs what it is given after the work that is ready now. */
  readonly soon: (run: () => void) => void;
  /** Whether nothing would confine a program that is started now. */
  readonly isUnconfined: () => Promise<boolean>;
}

export const createProve = (deps: ProveDeps): Domain => ({
  name: "prove",
  operations: [
    bind(ListQuestions, () => listQuestions(deps)),
    bind(ProveNetwork, async ({ agent }, ctx) => {
      const desk = await open(deps, ctx);
      const refuted = reachesNetwork(desk.rules, desk.space, await whoseOf(agent, desk, ctx));
      return await answered("network", desk, { refuted, confirm: confirmPassing(desk.engines, { leaves: true }) });
    }),
    bind(ProveWrites, async ({ agent, inFolder }, ctx) => {
      const desk = await open(deps, ctx);
      const whose = await whoseOf(agent, desk, ctx);
      const refuted = writesOutside(desk.rules, desk.space, { whose, inFolder: inFolder ?? null });
      return await answered("writes-outside", desk, {
        refuted,
        confirm: confirmPassing(desk.engines, { leaves: false }),
      });
    }),
    bind(ProveChild, async ({ agent }, ctx) => {
      const desk = await open(deps, ctx);
      if (agent !== undefined) await whoseOf(agent, desk, ctx);
      const refuted = childExceeds(desk.rules, desk.space, agent ?? null);
      return await answered("child", desk, { refuted, confirm: confirmChild(desk.engines) });
    }),
    bind(ProveReachable, async ({ rule }, ctx) => await reachable(rule, await open(deps, ctx))),
    bind(ProveStricter, (input, ctx) => compared("stricter", input, { deps, ctx })),
    bind(ProveChanged, (input, ctx) => compared("changed", input, { deps, ctx })),
  ],
  events: [],
  views: [],
});

async function listQuestions({ solver }: ProveDeps): Promise<Static<typeof ListQuestions.output>> {
  const isInstalled = (await solver.find()) !== null;
  const { name, version, next } = solver;
  return {
    questions: questionNames.map(questionRow),
    solver: { name, version, isInstalled, ...(isInstalled ? {} : { next }) },
  };
}

/** All that one question looks at. */
interface Desk {
  readonly deps: ProveDeps;
  readonly ctx: Context;
  readonly space: Space;
  readonly book: PolicyBook;
  readonly facts: Facts;
  readonly rules: InForce;
  readonly engines: Engines;
}

const spaceOf = ({ parts, reader }: ProveDeps, ctx: Context): Space => {
  const operations = [...parts.kernel.table.operations.values()].map((each) => each.operation);
  return createSpace({ operations, groupsOf: reader.groupsOf, nowMs: ctx.now() });
};

async function open(deps: ProveDeps, ctx: Context): Promise<Desk> {
  const space = spaceOf(deps, ctx);
  const [book, facts] = [await deps.reader.inForce(), await factsOf(deps, ctx)];
  const rules = encodeInForce(encodeAll(book.policies, space), facts, space);
  const engines: Engines = {
    stages: deps.stages,
    operations: space.operations,
    nowMs: ctx.now(),
    canLeave: deps.canLeave,
  };
  return { deps, ctx, space, book, facts, rules, engines };
}

/** More contracts than these are not read; each only takes away, so what is proved without them holds with them. */
const contractsReadMax = 5_000;

async function factsOf({ askPatterns, isUnconfined }: ProveDeps, ctx: Context): Promise<Facts> {
  const contracts: ListedContract[] = [];
  let cursor: number | null = 0;
  while (cursor !== null && contracts.length < contractsReadMax) {
    const page: Static<typeof ListContracts.output> = await ctx.call(ListContracts, { limit: 1000, cursor });
    contracts.push(...page.contracts.filter(({ status }) => status !== "ended"));
    cursor = page.nextCursor;
  }
  const { leases } = await ctx.call(ListLeases, {});
  const posture = await ctx.call(ShowPosture, {});
  const { self } = await ctx.call(ShowState, {});
  const { servers } = await ctx.call(ListServers, {});
  const farServers = servers.filter(({ isLocal }) => !isLocal).map(({ server }) => server);
  return { contracts, leases, posture, farServers, self, askPatterns, isUnconfined: await isUnconfined() };
}

/** What the agent declares is all that its runs call; what its commands send goes the way of a fetch. */
async function whoseOf(agent: string | undefined, { space }: Pick<Desk, "space">, ctx: Context): Promise<Whose | null> {
  if (agent === undefined) return null;
  const { agents } = await ctx.call(ListAgents, {});
  const found = agents.find(({ id }) => id === agent);
  if (found === undefined) throw new Problem(UnknownAgentTools, `there is no agent ${agent}`, { next: "arw agents" });
  const declared = found.tools.map(({ id }) => id).filter((id) => space.operations.has(id));
  const isSending = declared.some((id) => space.operations.get(id)?.needs.some((need) => senders.has(need)));
  return { agent, tools: isSending ? [...new Set([...declared, "web.fetch"])] : declared };
}

const senders: ReadonlySet<string> = new Set(["exec", "net:send"]);

/** The signal is that of the call: nobody waits for an answer that came too late. */
const restOf =
  ({ soon }: ProveDeps, { signal }: Context) =>
  async (): Promise<void> => {
    await new Promise<void>((resolve) => soon(resolve));
    signal.throwIfAborted();
  };

interface Asking {
  readonly refuted: Formula;
  readonly confirm: Parameters<typeof ask>[0]["confirm"];
}

async function answered(name: QuestionName, desk: Desk, { refuted, confirm }: Asking): Promise<Proof> {
  const { space, deps, ctx, facts } = desk;
  const isTimed = hasTime(facts);
  const found = await ask({
    refuted,
    confirm,
    domains: space.domains,
    solver: await deps.solver.find(),
    signal: ctx.signal,
    rest: restOf(deps, ctx),
    witnessOf: (point) => witnessOf(point, isTimed),
    examplesMax: 1,
  });
  return proofOf(name, found, { notModelled: notModelledIn(desk.rules.policies), deps });
}

interface Telling {
  readonly notModelled: readonly string[];
  readonly deps: ProveDeps;
  readonly subject?: string;
}

function proofOf(name: QuestionName, found: Found, { notModelled, deps, subject }: Telling): Proof {
  const { claim } = questionRow(name);
  const next = nextOf(found, deps.solver);
  return {
    question: name,
    claim: subject === undefined ? claim : claim.replace("the rule", subject),
    answer: found.answer,
    text: textOf(name, found, subject),
    examples: [...found.examples],
    isComplete: found.isComplete,
    checkedBy: [...found.checkedBy],
    notModelled: [...notModelled, ...assumptions(name)],
    ...(next === undefined ? {} : { next }),
  };
}

async function reachable(rule: string, desk: Desk): Promise<Proof> {
  const { rules, space, book, engines, deps, ctx } = desk;
  const isPolicy = rules.policies.some(({ id }) => id === rule);
  const isContract = rules.contracts.some(({ id }) => id === rule);
  if (!isPolicy && !isContract)
    throw new Problem(UnknownRule, `no policy and no contract in force is called ${rule}`, {
      next: "arw policy list, or arw gate contracts",
    });
  const refuted = isPolicy ? policyDecides(rules.policies, space, rule) : contractDecides(rules, space, rule);
  const isTimed = isContract && hasTime(desk.facts);
  const found = await ask({
    refuted,
    confirm: confirmRule(rule, isPolicy ? { book } : { engines }),
    domains: space.domains,
    solver: await deps.solver.find(),
    signal: ctx.signal,
    rest: restOf(deps, ctx),
    witnessOf: (point) => witnessOf(point, isTimed),
    examplesMax: 1,
  });
  return proofOf("reachable", found, { notModelled: notModelledIn(rules.policies), deps, subject: rule });
}

interface Comparing {
  readonly deps: ProveDeps;
  readonly ctx: Context;
}

async function compared(
  name: "stricter" | "changed",
  input: Static<typeof ProveStricter.input>,
  { deps, ctx }: Comparing,
): Promise<Proof> {
  const space = spaceOf(deps, ctx);
  const hasDefaults = input.isAlone !== true;
  const bookOf = (text: string, which: string): Promise<PolicyBook> => {
    if (text.trim() === "now") return deps.reader.inForce();
    const own = text.trim() === "default" ? "" : text;
    return deps.reader.read(own, { name: `${which} policies`, hasDefaults: hasDefaults || own === "" });
  };
  const [one, two] = [await bookOf(input.first, "first"), await bookOf(input.second, "second")];
  const sets = { first: encodeAll(one.policies, space), second: encodeAll(two.policies, space), space };
  const isAllChanges = name === "changed";
  const found = await ask({
    refuted: isAllChanges ? saysOtherwise(sets) : permitsMore(sets),
    confirm: confirmPair(one, two, { isAnyChange: isAllChanges }),
    domains: space.domains,
    solver: await deps.solver.find(),
    signal: ctx.signal,
    rest: restOf(deps, ctx),
    witnessOf: (point) => witnessOf(point, false),
    examplesMax: isAllChanges ? changesMax : 1,
    alike: alikeChange(sets),
  });
  return proofOf(name, found, { notModelled: notModelledIn([...sets.first, ...sets.second]), deps });
}
