/** Runs agents under their grants, and stops and resumes them. */
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Interrupted } from "../../contract/task.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import {
  type AgentFinder,
  type AgentProgram,
  AlreadyRan,
  CallRepaired,
  Declassify,
  Delegate,
  GoOn,
  Run,
  RunCancelled,
  RunFailed,
  RunFinished,
  RunInterrupted,
  RunPaused,
  RunProgress,
  RunResumed,
  RunStarted,
  ToolsAccepted,
  UnknownAgent,
  ValueDeclassified,
} from "./contract.ts";
import type { Policy } from "../../kernel/ports.ts";
import { agentOf, type Asked, askedOf, type Cast, heldOf, newRunOf, startPreview } from "./asked.ts";
import { type Conduct, conduct } from "./conduct.ts";
import { createDeclassify } from "./declassify.ts";
import { delegated, goOnPreview } from "./going-on.ts";
import { createHands } from "./hands.ts";
import { formerEnd, isTriedAgain, waitsForWorker } from "./run-ends.ts";
import { emptyRecord, readRunRecord } from "./run-record.ts";
import { manifestOperations, settleTools } from "./manifests.ts";
import { isFromOutside } from "./from-outside.ts";
import { createPause } from "./pause.ts";
import { type Active, steering } from "./steering.ts";
import { throughCorridor } from "./toolbox.ts";
import { agentTools, declassified, runs } from "./views.ts";

interface AgentsDeps {
  readonly parts: KernelParts;
  readonly programs: readonly AgentProgram[];
  /** Agents that somebody wrote; none without it. */
  readonly finder?: AgentFinder;
  /** For what the rules say of each tool. */
  readonly policy: Policy;
}

type RunInput = Static<typeof Run.input>;

export function createAgents({ parts, programs, finder = nobody, policy }: AgentsDeps): Domain {
  const cast: Cast = { programs, finder };
  const active = new Map<string, Active>();
  const row = (episode: string) => parts.kernel.views.get(runs, episode);

  const run = async (input: RunInput, ctx: Context): Promise<Static<typeof Run.output>> => {
    const known = row(ctx.corrId);
    const isOver = known !== undefined && known.status !== "running" && !active.has(ctx.corrId);
    if (isOver && isTriedAgain(parts, ctx.corrId)) return formerEnd(parts, ctx.corrId);
    return await begin({ parts, active }, await askedOf(input, cast, { known, ctx }), ctx);
  };

  return {
    name: "agents",
    operations: [
      bind(Run, run, {
        admit: async (input, ctx) => void (await heldOf(input, cast, ctx)),
        // An agent hands on what it holds, whatever a person says; others wait as tasks, and a person's yes gives what it shows.
        preview: async (input, ctx) => {
          const asked = ctx.caller.kind === "agent" ? heldOf(input, cast, ctx) : newRunOf(input, cast, ctx);
          return startPreview(input.agent, await asked);
        },
      }),
      ...steering({ parts, active }),
      bind(GoOn, ({ agent }) => ({ agent }), { preview: (input) => Promise.resolve(goOnPreview(input)) }),
      bind(Delegate, (input, ctx) => delegated(input, finder, ctx)),
      ...manifestOperations({ parts, cast, policy }),
      bind(Declassify, createDeclassify({ parts, handsOf: (episode) => active.get(episode)?.hands })),
    ],
    events: [
      RunStarted,
      RunProgress,
      RunFinished,
      RunFailed,
      RunCancelled,
      RunInterrupted,
      RunPaused,
      RunResumed,
      CallRepaired,
      ToolsAccepted,
      ValueDeclassified,
    ],
    views: [runs, agentTools, declassified],
    start: () => sayWhatWasInterrupted(parts),
  };
}

interface House {
  readonly parts: KernelParts;
  readonly active: Map<string, Active>;
}

const nobody: AgentFinder = {
  find: () => Promise.resolve(null),
  list: () => Promise.resolve({ agents: [], faulty: [] }),
  recorded: (agent) => {
    throw new Problem(UnknownAgent, `there is no agent ${agent}`);
  },
};

function begin({ parts, active }: House, asked: Asked, ctx: Context): Promise<Static<typeof Run.output>> {
  const { corrId } = ctx;
  const { program } = asked;
  const known = parts.kernel.views.get(runs, corrId);
  // A run that began in this very turn has no row yet; one that was resumed is running before anybody runs it.
  if (active.has(corrId) || (known !== undefined && known.status !== "running")) {
    throw new Problem(AlreadyRan, `episode ${corrId} is ${known?.status ?? "running"}`);
  }
  const controller = new AbortController();
  const ended = Promise.withResolvers<void>();
  const signal = AbortSignal.any([ctx.signal, controller.signal]);
  // Who resumes a run makes what it was given no more their own words.
  const labels = known?.labels ?? ctx.caller.labels ?? ["user"];
  const caller = agentOf(asked, labels);
  const pause = createPause(signal);
  const actor = parts.act({ caller, corrId, signal });
  // Read and made in one turn: whatever is declassified from here on is told to the hands.
  const record = known === undefined ? emptyRecord : readRunRecord(parts.kernel.journal, corrId);
  const hands = createHands({
    labels,
    declassified: record.declassified,
    actorOf: (hold) => parts.act({ caller: { ...caller, labels: [...hold] }, corrId, signal }),
  });
  active.set(corrId, { controller, ended: ended.promise, hands, pause });
  const run: Conduct = {
    asked,
    actor,
    hands,
    record,
    carryOut: throughCorridor,
    recorder: parts.recorder,
    problems: parts.kernel.table.problems,
    pause: pause.wait,
    settle: () => settleTools({ program, actor, starter: ctx.caller, parts }),
    hub: () => parts.act({ caller: { kind: "system", id: "hub" }, corrId }),
    startedAtMs: known?.startedAtMs ?? null,
  };
  return conduct(run).finally(() => {
    active.delete(corrId);
    ended.resolve();
  });
}

/** More runs than this were not going at once. */
const interruptedMax = 10_000;

async function sayWhatWasInterrupted(parts: KernelParts): Promise<void> {
  const going = parts.kernel.views.list(runs, { limit: interruptedMax, where: (run) => run.status === "running" });
  for (const { row } of going.rows) {
    if (waitsForWorker(parts, row.episode)) continue;
    const actor = parts.act({ caller: { kind: "system", id: "hub" }, corrId: row.episode });
    const { agent } = row;
    const reason = "the hub ended while the run was going";
    // A call from outside has nobody left who waits for it.
    if (isFromOutside(row.input)) await actor.emit(RunFailed, { agent, code: Interrupted.code, error: reason });
    else await actor.emit(RunInterrupted, { agent, reason });
  }
}
