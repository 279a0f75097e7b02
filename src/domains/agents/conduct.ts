/** Carries a run through from its first event to its last. Live runs, resumed ones and replays all come by here. */
import { abortable } from "../../base/async.ts";
import type { Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Denied, ShuttingDown } from "../../contract/standard-problems.ts";
import type { Asked } from "./asked.ts";
import { Run, RunCancelled, RunDidNotFinish, RunFailed, RunFinished, RunInterrupted, RunStarted } from "./contract.ts";
import { createToolbox, type ToolboxOptions } from "./toolbox.ts";

export interface Conduct extends Omit<ToolboxOptions, "agent" | "tools" | "startedAtMs"> {
  readonly asked: Asked;
  /** Before the first step: that these are the tools of this agent. */
  readonly settle: () => Promise<void>;
  /** Speaks where a rule keeps the agent from saying how its run ended. */
  readonly hub: () => Context;
  /** When the run began, if it is resumed. */
  readonly startedAtMs: number | null;
}

export async function conduct(run: Conduct): Promise<Static<typeof Run.output>> {
  const { asked, actor, settle, hub: _hub, ...given } = run;
  const { program } = asked;
  const agent = program.id;
  const tools = createToolbox({
    ...given,
    agent,
    actor,
    tools: new Set(program.tools.map(({ id }) => id)),
    startedAtMs: run.startedAtMs ?? (await announce(run)),
  });
  try {
    await settle();
    // A program that ignores its signal is left behind: its next call is refused, and what it answers is dropped.
    const { outcome, notDone, output } = await abortable(program.run(asked.input, tools), actor.signal);
    await actor.emit(RunFinished, {
      agent,
      outcome: outcome.slice(0, 1000),
      notDone: notDone.slice(0, 50).map((each) => each.slice(0, 500)),
      ...keptOutput(output),
    });
    return { episode: actor.corrId, outcome, notDone: [...notDone], output };
  } catch (error) {
    await tools.quiet();
    await sayHowItEnded(error, agent, run);
    throw actor.signal.aborted ? actor.signal.reason : asOwnProblem(error);
  }
}

/** A larger answer is the task's alone; whoever asks for it after a crash in between learns its size. */
const outputBytesMax = 65_536;

function keptOutput(output: unknown): { readonly output?: unknown } {
  const sizeBytes = (JSON.stringify(output) ?? "").length;
  return { output: sizeBytes <= outputBytesMax ? (output ?? null) : { isOmitted: true, sizeBytes } };
}

/** Whatever problem a tool had, the run has one: that it did not finish. */
function asOwnProblem(error: unknown): unknown {
  if (!(error instanceof Problem) || Run.problems.some((each) => each.code === error.definition.code)) return error;
  return new Problem(RunDidNotFinish, error.message, { causeCode: error.definition.code, cause: error });
}

/** As the event has it; longer names of models are told by the answers. */
const modelLengthMax = 120;

async function announce({ asked, actor }: Pick<Conduct, "asked" | "actor">): Promise<number> {
  const { program, title, folder, grants, input } = asked;
  const target = folder === undefined ? {} : { folder };
  const started = await actor.emit(RunStarted, {
    agent: program.id,
    model: (program.modelOf?.(input) ?? program.model).slice(0, modelLengthMax),
    title,
    input,
    grants: [...grants],
    labels: [...(actor.caller.labels ?? [])],
    tools: program.tools.map(({ id }) => id),
    ...target,
  });
  return started.timeMs;
}

/** That a run ended is the hub's own book: what a rule keeps from being told is how, and never that it goes on. */
async function sayHowItEnded(
  error: unknown,
  agent: string,
  { actor, hub }: Pick<Conduct, "actor" | "hub">,
): Promise<void> {
  const reason: unknown = actor.signal.aborted ? actor.signal.reason : error;
  const text = (reason instanceof Error ? reason.message : String(reason)).slice(0, 500);
  const code = isProblem(reason) ? reason.definition.code : "arw.internal";
  const say = async (by: Context, how: { readonly text: string; readonly code: string }): Promise<void> => {
    if (isProblem(reason, ShuttingDown)) await by.emit(RunInterrupted, { agent, reason: how.text });
    else if (actor.signal.aborted) await by.emit(RunCancelled, { agent, reason: how.text });
    else await by.emit(RunFailed, { agent, code: how.code, error: how.text });
  };
  try {
    await say(actor, { text, code });
  } catch (denied) {
    if (!isProblem(denied, Denied)) throw denied;
    await say(hub(), { text: "a rule keeps back how it ended", code: Denied.code });
  }
}
