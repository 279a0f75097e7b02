/**
 * A run of somebody else's code cannot be made again here. What it was answered can be served again, and what was decided
 * about its calls can be checked: that each answer is the one that its digest names, and that nothing was done without leave.
 */
import { keptOf } from "../../base/kept-result.ts";
import type { Envelope } from "../../contract/event.ts";
import { ActionApplied, IntentProposed, type Recorded } from "../episodes/contract.ts";
import type { RecordedStep, Replayed, ReplayRecord } from "./contract.ts";
import type { Divergence } from "./replay.ts";
import { type Reading, stepOf } from "./replay-reading.ts";

export async function checkAnswers(reading: Reading, record: ReplayRecord): Promise<Replayed> {
  const { started, steps, total, end } = reading;
  const proposed = proposedIn(record.events);
  const ordered = [...steps.values()].toSorted((a, b) => a.step - b.step);
  let checked = 0;
  let divergence: Divergence | null = null;
  let gone: number | null = null;
  for (const known of ordered) {
    divergence = decisionFault(known, proposed);
    if (divergence !== null) break;
    const answer = await answerState(known, record);
    if (answer !== "whole") {
      gone = known.step;
      break;
    }
    checked += 1;
  }
  const report = {
    episode: started.corrId,
    agent: started.data.agent,
    mode: "answers" as const,
    verdict: divergence !== null ? ("diverged" as const) : gone === null ? ("equal" as const) : ("incomplete" as const),
    end,
    events: { total, madeAgain: 0, taken: total },
    steps: { recorded: steps.size, replayed: checked },
    replayableToStep: gone === null ? null : gone - 1,
    divergence,
  };
  return { report, made: [], departedAt: null, unknownAfter: null };
}

const proposedIn = (events: readonly Envelope[]): ReadonlySet<number> =>
  new Set(events.filter(({ kind }) => kind === IntentProposed.kind).map(({ data }) => stepOf(data) ?? 0));

/** A change that was made has been proposed before. */
function decisionFault({ step, seq, event }: RecordedStep, proposed: ReadonlySet<number>): Divergence | null {
  if (event.kind !== ActionApplied.kind || proposed.has(step)) return null;
  const why = "something was changed that nobody had proposed";
  return { step, seq, at: "", why, recorded: event.data, made: null };
}

async function answerState({ kind, event }: RecordedStep, record: ReplayRecord): Promise<"whole" | "gone"> {
  if (kind === "stopped") return "whole";
  const { recorded } = event.data as { readonly recorded: Recorded };
  if (recorded.kept === "digest") return "gone";
  if (recorded.kept === "inline")
    return keptOf(recorded.result ?? null).kept.resultRef === recorded.resultRef ? "whole" : "gone";
  return (await record.blob(recorded.resultRef)) === null ? "gone" : "whole";
}
