/** What one question looks at: the rules in force, the facts that they depend on, and the engines that confirm a call. */
import type { Platform } from "../../base/path-rules.ts";
import type { Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Look } from "../../kernel/look.ts";
import { ListAgents } from "../agents/contract.ts";
import { List as ListAllowances, Prices, type Terms } from "../budgets/contract.ts";
import { ShowPosture } from "../egress/contract.ts";
import { Show } from "../episodes/contract.ts";
import { ListContracts } from "../gating/contract.ts";
import { ShowState } from "../hierarchy/contract.ts";
import { ListLeases } from "../leases/contract.ts";
import { Carry } from "../mcp/contract.ts";
import { ListServers } from "../models/contract.ts";
import { List as ListProjects } from "../projects/contract.ts";
import type { ExplainStage } from "../policy/contract.ts";
import type { Ceiling } from "./ceilings.ts";
import type { Engines } from "./confirm.ts";
import { UnknownAgentTools } from "./contract.ts";
import { encodeInForce, type Facts, type InForce, type ListedContract } from "./in-force.ts";
import type { PolicyBook, PolicyReader, SolverSeat } from "./port.ts";
import { encodeAll, type Place, type Whose } from "./questions.ts";
import { createSpace, isPlainFolder, type Space, type Telling } from "./space.ts";

export interface ProveDeps {
  readonly parts: KernelParts;
  readonly reader: PolicyReader;
  readonly solver: SolverSeat;
  /** The deciding stages of the corridor, as `policy.explain` walks them. */
  readonly stages: readonly ExplainStage[];
  readonly askPatterns: readonly string[];
  /** Terms of an allowance as it was written; null for what is none. */
  readonly readAllowance: (text: string) => Terms | null;
  /** Whether anything opens that host to the caller, as the way out decides it. */
  readonly canLeave: Engines["canLeave"];
  /** Runs what it is given after the work that is ready now. */
  readonly soon: (run: () => void) => void;
  /** Whether nothing would confine a program that is started now. */
  readonly isUnconfined: () => Promise<boolean>;
  readonly platform: Platform;
}

/** All that one question looks at. */
export interface Desk {
  readonly deps: ProveDeps;
  readonly ctx: Context;
  readonly space: Space;
  readonly book: PolicyBook;
  readonly whose: Whose | null;
  readonly facts: Facts;
  readonly rules: InForce;
  readonly engines: Engines;
  readonly telling: Telling;
}

export const spaceOf = ({ parts, reader, platform }: ProveDeps, nowMs: number): Space => {
  const operations = [...parts.kernel.table.operations.values()].map((each) => each.operation);
  return createSpace({ operations, groupsOf: reader.groupsOf, nowMs, platform });
};

export async function open(deps: ProveDeps, ctx: Context, agent?: string): Promise<Desk> {
  const nowMs = ctx.now();
  const space = spaceOf(deps, nowMs);
  const look = deps.parts.look(ctx);
  const declared = agent === undefined ? null : await declaredBy(agent, deps, ctx);
  const whose = declared === null ? null : await whoseOf(declared, space, look);
  const [book, hub] = [await deps.reader.inForce(), await factsOf(deps, look)];
  const facts: Facts = {
    ...hub,
    nowMs,
    askPatterns: [...deps.askPatterns, ...(declared?.asks ?? [])],
    allowances: [...hub.allowances, ...(declared?.allowances ?? [])],
  };
  const rules = encodeInForce(encodeAll(book.policies, space), facts, space);
  const { stages, canLeave } = deps;
  const asks = declared?.asks ?? [];
  const engines: Engines = { stages, operations: space.operations, nowMs, canLeave, asks };
  const telling = { nowMs, runs: new Set(runsOf(facts.leases)) };
  return { deps, ctx, space, book, whose, facts, rules, engines, telling };
}

async function whoseOf({ agent, tools }: Declared, space: Space, look: Look): Promise<Whose> {
  return { agent, tools: callsOfTools(tools, space), place: await placeOf(agent, look) };
}

/** An agent of a project works in its folder; where that has another spelling than rules are asked by, nothing is taken of it. */
async function placeOf(agent: string, look: Look): Promise<Place | undefined> {
  const [, project] = agent.split("@");
  if (project === undefined) return undefined;
  const { projects } = await look(ListProjects, {});
  const found = projects.find((each) => each.project === project);
  return found !== undefined && isPlainFolder(found.folder) ? { folder: found.folder, project } : undefined;
}

/** More contracts than these are not read; each only takes away, so what is proved without them holds with them. */
const contractsReadMax = 5_000;

async function factsOf({ isUnconfined }: ProveDeps, look: Look): Promise<Omit<Facts, "askPatterns" | "nowMs">> {
  const contracts: ListedContract[] = [];
  let cursor: number | null = 0;
  while (cursor !== null && contracts.length < contractsReadMax) {
    const page: Static<typeof ListContracts.output> = await look(ListContracts, { limit: 1000, cursor });
    contracts.push(...page.contracts.filter(({ status }) => status !== "ended"));
    cursor = page.nextCursor;
  }
  const { leases } = await look(ListLeases, {});
  const posture = await look(ShowPosture, {});
  const { self } = await look(ShowState, {});
  const { servers } = await look(ListServers, {});
  const { allowances } = await look(ListAllowances, {});
  const { prices } = await look(Prices, {});
  return {
    contracts,
    leases,
    posture,
    self,
    allowances,
    prices,
    farServers: servers.filter(({ isLocal }) => !isLocal).map(({ server }) => server),
    agentOfRun: await agentsOf(leases, look),
    isUnconfined: await isUnconfined(),
  };
}

const runsOf = (leases: Facts["leases"]): readonly string[] =>
  leases.flatMap(({ scope: { run } }) => (run === undefined ? [] : [run]));

/** Whose the runs are that leases were given to. One that has not begun may be anybody's. */
async function agentsOf(leases: Facts["leases"], look: Look): Promise<Facts["agentOfRun"]> {
  const agents = new Map<string, string>();
  for (const run of new Set(runsOf(leases))) {
    try {
      const { episode } = await look(Show, { id: run, limit: 1 });
      agents.set(run, episode.agent);
    } catch (error) {
      if (!isProblem(error, NotFound)) throw error;
    }
  }
  return agents;
}

export interface Declared {
  readonly agent: string;
  readonly tools: readonly string[];
  readonly asks: readonly string[];
  readonly allowances: readonly Ceiling[];
}

/** What the agent's own file, or the hub's, says of it. */
export async function declaredBy(agent: string, deps: ProveDeps, ctx: Context): Promise<Declared> {
  const { agents } = await deps.parts.look(ctx)(ListAgents, {});
  const found = agents.find(({ id }) => id === agent);
  if (found === undefined) throw new Problem(UnknownAgentTools, `there is no agent ${agent}`, { next: "arw agents" });
  const { tools, asks = [], allowances = [] } = found;
  // What each run may use up begins anew with every run.
  const own = allowances.flatMap((text): Ceiling[] => {
    const terms = deps.readAllowance(text);
    return terms === null ? [] : [{ ...terms, window: "run", used: 0, resetsAtMs: null }];
  });
  return { agent, tools: tools.map(({ id }) => id), asks, allowances: own };
}

/** What the agent declares is all that its runs call, but for what the hub itself calls for it. */
function callsOfTools(declared: readonly string[], { operations }: Space): readonly string[] {
  const known = declared.filter((id) => operations.has(id));
  const carries = known.some((id) => id.startsWith(mcpTools)) ? [Carry.id] : [];
  return [...new Set([...known, ...carries])];
}

/** A server of tools stands at an address, to which the hub carries what its tools are asked. */
const mcpTools = "mcp.";
