/**
 * A run whose code is somebody else's: its calls are ruled again as they were made, up to the first that comes to something
 * else. What the code would have done then nobody here knows.
 */
import type { Static } from "../../contract/schema.ts";
import type { Table } from "../../kernel/kernel.ts";
import type { Recording } from "../capsules/contract.ts";
import { type Recorded, targetOf } from "../episodes/contract.ts";
import type { ChangedStep, Run, Spent } from "./contract.ts";
import { type Bench, compared, type Decision } from "./decision.ts";
import { createHistory } from "./history.ts";
import { readRecordedRun } from "./recorded-run.ts";
import { isNotAskedNow } from "./run-report.ts";

type Told = Omit<Static<typeof Run.output>, "episode" | "agent" | "title" | "changed" | "policyThen">;

interface Ruling {
  readonly bench: Bench | null;
  readonly table: Pick<Table, "operations">;
  readonly changed: readonly string[];
}

const unknownSpent: Spent = { tokens: "unknown", microUsd: "unknown", workedMs: "unknown" };

export async function foreignRun({ events, manifest }: Recording, { bench, table, changed }: Ruling): Promise<Told> {
  const history = createHistory(table);
  const items = [...events.flatMap((event) => history.take(event)), ...history.rest()];
  const stepAt = stepFinder(events);
  const { counts, cuts, replayable } = manifest;
  const gap = cuts.events + cuts.blobs === 0 ? null : replayable;
  // What was cut is not what was called, and rules would decide about something else.
  const isTold = ({ seq }: Decision): boolean => gap === null || stepAt(seq) <= gap.toStep;
  const decisions = items.flatMap((item) => (item.kind === "decision" && isTold(item.decision) ? [item.decision] : []));
  const differences: ChangedStep[] = [];
  for (const decision of decisions) {
    if (bench === null) break;
    const found = await differenceIn(decision, bench, stepAt(decision.seq));
    if (found === null) continue;
    differences.push(found);
    // It was answered as recorded, and would go on as it did.
    if (found.result !== "saved" && found.result !== "added") break;
  }
  const { steps } = counts;
  const last = differences.at(-1);
  const isOnlyPolicy = changed.every((each) => each === "policy");
  const isCut = last !== undefined && last.result !== "saved" && last.result !== "added";
  const unknownAfterStep = isOnlyPolicy ? (isCut ? last.step : (gap?.toStep ?? null)) : 0;
  const firstAdded = differences.find(({ result }) => result === "added")?.step ?? steps + 1;
  const count = (result: string): number => differences.filter((each) => each.result === result).length;
  const { asked, end } = readRecordedRun(events);
  const spentThen: Spent = { ...unknownSpent, workedMs: workedMsOf(events) };
  return {
    steps,
    firstChangedStep: differences[0]?.step ?? null,
    exactToStep: Math.min(unknownAfterStep ?? steps, firstAdded - 1),
    unknownAfterStep,
    horizon: horizonWords({
      unknownAfterStep,
      isOnlyPolicy,
      first: differences[0]?.step ?? null,
      gap: isCut ? null : gap,
    }),
    differences,
    approvals: { asked, saved: Math.min(differences.filter(isNotAskedNow).length, asked), added: count("added") },
    blocked: count("blocked"),
    opened: count("opened"),
    spentThen,
    spentNow: unknownAfterStep === null ? spentThen : unknownSpent,
    diffs: [],
    outcomeThen: end,
    outcomeNow: unknownAfterStep === null ? end : null,
  };
}

async function differenceIn(decision: Decision, bench: Bench, step: number): Promise<ChangedStep | null> {
  const { was, rule, source, answer, facts } = decision;
  const { now, unknown } = await compared(decision, bench);
  if (unknown === null && now.effect === was) return null;
  const target = targetOf(facts.scope);
  return {
    step,
    tool: facts.operation.id,
    summary: "",
    ...(Object.keys(target).length === 0 ? {} : { target }),
    was: {
      effect: was,
      ...(rule === undefined ? {} : { rule }),
      ...(source === undefined ? {} : { source }),
    },
    now,
    result: unknown === null ? resultOf(was, now.effect, answer) : "unknown",
  };
}

function resultOf(was: string, now: string, answer: Decision["answer"]): ChangedStep["result"] {
  if (now === "deny") return "blocked";
  if (was === "deny") return "opened";
  if (now === "ask") return "added";
  return answer === "yes" ? "saved" : "opened";
}

/** The step whose event stands at this position, or is the next behind it. */
function stepFinder(events: Recording["events"]): (seq: number) => number {
  const steps = events.flatMap(({ seq, data }) => {
    const { step, recorded } = (data ?? {}) as { readonly step?: number; readonly recorded?: Recorded };
    const number = recorded?.step ?? step;
    return number === undefined ? [] : [{ seq, number }];
  });
  return (seq) => steps.find((each) => each.seq >= seq)?.number ?? steps.at(-1)?.number ?? 1;
}

const workedMsOf = (events: Recording["events"]): number =>
  events.reduce(
    (sum, { data }) => sum + ((data as { readonly recorded?: Recorded } | null)?.recorded?.durationMs ?? 0),
    0,
  );

interface Horizon {
  readonly unknownAfterStep: number | null;
  readonly isOnlyPolicy: boolean;
  readonly first: number | null;
  /** Where the record ends, if nothing else ends it before. */
  readonly gap: Recording["manifest"]["replayable"] | null;
}

function horizonWords({ unknownAfterStep, isOnlyPolicy, first, gap }: Horizon): string {
  const code = "The code of this agent is not this hub's";
  if (!isOnlyPolicy) return `${code}: what it would have done with anything but other rules is unknown.`;
  if (gap !== null)
    return `${code}: its calls are ruled again up to step ${gap.toStep}; unknown after step ${gap.toStep}, as the record goes no further: ${gap.reason}.`;
  if (unknownAfterStep !== null)
    return `${code}: its calls are ruled again up to step ${unknownAfterStep}, and what it would have done then is unknown.`;
  return `${code}: its calls are ruled again, ${first === null ? "and all come to the same" : "and it would have been answered alike"}.`;
}
