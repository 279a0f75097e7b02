/** What each agent declares to use: shown before its first run, and asked about when it grew and no person started it. */
import { type Caller, callerName, type Scope } from "../../contract/caller.ts";
import { needText } from "../../contract/needs.ts";
import { bind, type Bound, type Context, gateKey, type Operation } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Policy } from "../../kernel/ports.ts";
import {
  type AgentManifest,
  type AgentProgram,
  AcceptTools,
  type FoundAgent,
  ListAgents,
  ShowAgent,
  ToolsAccepted,
} from "./contract.ts";
import { type Cast, foundOf, programOf } from "./asked.ts";
import { agentTools } from "./views.ts";

interface ManifestDeps {
  readonly parts: KernelParts;
  readonly cast: Cast;
  readonly policy: Policy;
}

export const manifestOperations = (deps: ManifestDeps): readonly Bound[] => {
  const { parts, cast } = deps;
  return [
    bind(ListAgents, async (_input, { signal }) => {
      const { agents, faulty } = await cast.finder.list(signal);
      const all = [...cast.programs.map(ownPart), ...agents];
      return { agents: await Promise.all(all.map((each) => manifestOf(each, deps))), faulty: [...faulty] };
    }),
    bind(ShowAgent, async ({ agent }, { signal }) => manifestOf(await partOf(agent, cast, signal), deps)),
    bind(AcceptTools, async ({ agent }, ctx) => accept(await programOf(agent, cast, ctx.signal), parts, ctx), {
      preview: async ({ agent }, { signal }) => previewOf(await programOf(agent, cast, signal), parts),
    }),
  ];
};

async function accept(program: AgentProgram, parts: KernelParts, ctx: Context) {
  const { id } = program;
  if (ctx.caller.kind !== "person" && callerName(ctx.caller) !== `agent:${id}`)
    throw new Problem(Denied, `only a person accepts the tools of ${id}`, {
      rule: "built-in:own-tools",
      source: "built-in",
      next: `let a person call \`arw agents accept ${id}\``,
    });
  const change = changeOf(program, parts);
  if (change !== null) await ctx.emit(ToolsAccepted, change);
  return { agent: id, tools: program.tools.map((each) => each.id) };
}

function previewOf(program: AgentProgram, parts: KernelParts) {
  const { added = [], needs = [] } = changeOf(program, parts) ?? {};
  const summary = `Let ${program.id} run with tools that are new here: ${added.join(", ")}. It ${needs.map(needText).join("; ")}`;
  return { summary: summary.slice(0, 500), canUndo: false };
}

interface Settling {
  readonly program: AgentProgram;
  readonly actor: Context;
  readonly starter: Caller;
  readonly parts: KernelParts;
}

/** Before the first step: who starts an agent accepts its tools, and for whoever is no person a person does. */
export async function settleTools({ program, actor, starter, parts }: Settling): Promise<void> {
  const change = changeOf(program, parts);
  if (change === null) return;
  const { corrId, signal } = actor;
  if (change.added.length === 0 || isPersonsOwn(starter)) {
    await parts.act({ caller: starter, corrId, signal }).emit(ToolsAccepted, change);
    return;
  }
  // Without the grants of the run: whoever gave them did not know of these tools.
  const caller: Caller = { kind: "agent", id: program.id };
  await parts.act({ caller, corrId, signal }).call(AcceptTools, { agent: program.id, added: [...change.added] });
}

/** A named token stands for a program, and words that were read elsewhere are nobody's. */
const isPersonsOwn = ({ kind, reach, labels = [] }: Caller): boolean =>
  kind === "person" && reach === undefined && labels.every((label) => label === "user");

const changeOf = (program: AgentProgram, { kernel }: KernelParts) =>
  changeFrom(program, kernel.views.get(agentTools, program.id)?.tools);

/** Against the tools that it ran with last; null when nothing changed. */
export function changeFrom({ id: agent, tools: declared }: AgentProgram, known: readonly string[] | undefined) {
  const former = new Set(known);
  const tools = declared.map(({ id }) => id);
  const added = declared.filter(({ id }) => !former.has(id));
  const removed = [...former].filter((id) => !tools.includes(id));
  if (known !== undefined && added.length === 0 && removed.length === 0) return null;
  const needs = [...new Set(added.flatMap((each) => each.needs))];
  return { agent, isFirst: known === undefined, tools, added: added.map(({ id }) => id), removed, needs };
}

/** An agent, and what its own file holds it to. */
type Part = Pick<FoundAgent, "program" | "asks" | "allowances">;

/** The hub's own programs have no file. */
const ownPart = (program: AgentProgram): Part => ({ program, asks: [], allowances: [] });

async function partOf(agent: string, cast: Cast, signal: AbortSignal): Promise<Part> {
  const own = cast.programs.find(({ id }) => id === agent);
  return own === undefined ? foundOf(agent, cast, signal) : ownPart(own);
}

async function manifestOf(
  { program, asks, allowances }: Part,
  { parts, policy }: ManifestDeps,
): Promise<AgentManifest> {
  const { id, about, model } = program;
  const change = changeOf(program, parts);
  const tools = await Promise.all(
    program.tools.map(async (tool) => ({
      id: tool.id,
      about: tool.about,
      effect: tool.effect,
      needs: [...tool.needs],
      does: tool.needs.map(needText),
      granted: await verdictOf(tool, { agent: id, isGranted: true, parts, policy }),
      ungranted: await verdictOf(tool, { agent: id, isGranted: false, parts, policy }),
    })),
  );
  return {
    id,
    about,
    model,
    isNew: change?.isFirst === true,
    addedTools: change?.added ?? [],
    ...(asks.length === 0 ? {} : { asks: [...asks] }),
    ...(allowances.length === 0 ? {} : { allowances: [...allowances] }),
    tools,
  };
}

/** Stands for any folder, host and project: rules of the user about single ones come on top. */
const anyFolder = "/";
const anyHost = "any.invalid:443";
const anyProject = "any";

interface Asked extends Pick<ManifestDeps, "parts" | "policy"> {
  readonly agent: string;
  readonly isGranted: boolean;
}

async function verdictOf(tool: Operation, { agent, isGranted, parts, policy }: Asked) {
  const { id: operation, effect, needs } = tool;
  const key = gateKey(tool);
  const scope = typicalScope(tool);
  const { folder, project } = scope;
  const where = { ...(folder === undefined ? {} : { folder }), ...(project === undefined ? {} : { project }) };
  const grant = { key, ...where };
  const caller: Caller = { kind: "agent", id: agent, grants: isGranted ? [grant] : [], labels: ["user"] };
  const denial = parts.gate.check(key, caller);
  if (denial !== null) return { effect: "deny" as const, rule: denial.rule, source: denial.source };
  const ruling = await policy.rule({ operation, key, caller, scope, effect, needs });
  return { effect: ruling.effect, rule: ruling.rule, source: ruling.source };
}

function typicalScope({ scope, input, needs }: Operation): Scope {
  if (scope === undefined) return {};
  return {
    ...("folder" in input.properties ? { folder: anyFolder } : {}),
    ...("project" in input.properties ? { project: anyProject } : {}),
    ...(needs.some((need) => need.startsWith("net:")) ? { host: anyHost } : {}),
  };
}
