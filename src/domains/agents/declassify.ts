/** A person says of one value that a run has learned that it may be acted on. */
import type { Label } from "../../contract/caller.ts";
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import {
  AlreadyDeclassified,
  type Declassify,
  NotLabelled,
  NotRunning,
  openStepsMax,
  UnknownStep,
  ValueDeclassified,
} from "./contract.ts";
import { type Hands, valueKey } from "./hands.ts";
import { labelOf } from "./labels.ts";
import { readRunRecord, type RunRecord, type StepRecord } from "./run-record.ts";
import { type RunRow, runs } from "./views.ts";

interface DeclassifyDeps {
  readonly parts: KernelParts;
  /** Of a run that is going now. */
  readonly handsOf: (episode: string) => Hands | undefined;
}

type Input = Static<typeof Declassify.input>;
type Answer = Static<typeof Declassify.output>;

export function createDeclassify({ parts, handsOf }: DeclassifyDeps) {
  /** Values whose event is being written: two persons at the same moment write one. */
  const writing = new Set<string>();

  return async ({ episode, step, reason }: Input, ctx: Context): Promise<Answer> => {
    const run = openRun(episode, parts);
    const record = readRunRecord(parts.kernel.journal, episode);
    const { known, label, digest } = valueOf(step, record, parts);
    const key = valueKey(step, digest);
    const mark = `${episode} ${key}`;
    if (record.declassified.has(key) || writing.has(mark))
      throw new Problem(AlreadyDeclassified, `step ${step} was declassified before`);
    writing.add(mark);
    try {
      const { agent } = run;
      const { tool, summary, target } = known;
      const said = { agent, step, tool, summary, ...target, label, digest, reason };
      const actor = parts.act({ caller: ctx.caller, corrId: episode });
      const { seq, caller: by, timeMs: atMs } = await actor.emit(ValueDeclassified, said);
      handsOf(episode)?.declassify({ step, digest, seq });
      const open = openSteps(label, { ...record, declassified: new Map([...record.declassified, [key, seq]]) }, parts);
      return {
        declassified: { ...said, seq, episode, by, atMs },
        isLabelGone: open.length === 0 && !(run.labels ?? []).includes(label),
        openSteps: open.slice(0, openStepsMax),
        openStepsMore: Math.max(0, open.length - openStepsMax),
      };
    } finally {
      writing.delete(mark);
    }
  };
}

/** What a run that has ended learned is acted on no more. */
function openRun(episode: string, { kernel }: KernelParts): RunRow {
  const run = kernel.views.get(runs, episode);
  if (run === undefined) throw new Problem(NotFound, `there is no episode ${episode}`);
  if (run.status !== "running" && run.status !== "interrupted")
    throw new Problem(NotRunning, `episode ${episode} is ${run.status}`, { episodeStatus: run.status });
  return run;
}

function valueOf(step: number, { steps }: RunRecord, parts: KernelParts) {
  const known = steps.get(step);
  if (known === undefined) throw new Problem(UnknownStep, `the run has recorded no step ${step}`);
  const label = labelGiven(known, parts);
  const { digest } = known;
  if (label === null) throw new Problem(NotLabelled, `step ${step}, ${known.tool}, gives no label`);
  if (digest === null) throw new Problem(NotLabelled, `nothing was recorded of what step ${step} told the agent`);
  return { known, label, digest };
}

/** Older events name no label; the tool tells it. */
function labelGiven({ label, tool }: StepRecord, { kernel }: KernelParts): Label | null {
  if (label !== undefined) return label;
  const operation = kernel.table.operations.get(tool)?.operation;
  return operation === undefined ? null : labelOf(operation);
}

function openSteps(label: Label, { steps, declassified }: RunRecord, parts: KernelParts): number[] {
  return [...steps]
    .filter(
      ([step, known]) =>
        labelGiven(known, parts) === label &&
        (known.digest === null || !declassified.has(valueKey(step, known.digest))),
    )
    .map(([step]) => step)
    .toSorted((a, b) => a - b);
}
