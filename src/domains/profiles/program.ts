/** The program of an agent that a file describes. */
import type { Operation } from "../../contract/operation.ts";
import { type AgentProgram, Delegate, GoOn, type Tools, type Turn, type TurnAnswer } from "../agents/contract.ts";
import { Chat } from "../models/contract.ts";
import { createCeilings } from "./ceilings.ts";
import { citationsIn } from "./citations.ts";
import { work } from "./loop.ts";
import { createMeter, type Meter } from "./meter.ts";
import { type AgentTool, hubTool, serverTool } from "./offered-tools.ts";
import { notesToolOf, readNotes } from "./notes.ts";
import type { PlacedProfile } from "./profile.ts";
import { readRun } from "./run-input.ts";
import type { Worked } from "./working.ts";

/** All that its model may call, by id; what its file names and this hub no longer has is left out. */
export function operationsOf(
  placed: Omit<PlacedProfile, "digest" | "version">,
  known: ReadonlyMap<string, Operation>,
): ReadonlyMap<string, AgentTool> {
  const own = placed.profile.tools.flatMap((id) => known.get(id) ?? []).map((each) => hubTool(each, placed));
  const others = (placed.serverTools ?? []).map(serverTool);
  return new Map([...own, ...others].map((tool) => [tool.id, tool]));
}

export function createProfileProgram(placed: PlacedProfile, known: ReadonlyMap<string, Operation>): AgentProgram {
  const operations = operationsOf(placed, known);
  const { agent, profile } = placed;
  const notes = notesToolOf(placed, known);
  const handing = profile.children.length === 0 ? [] : [Delegate];
  return {
    id: agent,
    about: profile.about,
    model: profile.model.slice(0, 120),
    modelOf: (given) => readRun(given).turn.model ?? profile.model,
    tools: [
      ...new Set([...[...operations.values()].map(({ operation }) => operation), ...notes]),
      Chat,
      GoOn,
      ...handing,
    ],
    async run(given, tools) {
      const { turn } = readRun(given);
      const meter = createMeter();
      const ceilings = createCeilings({ agent, limits: profile.ceilings, tools, meter });
      const [operation] = notes;
      const first = operation === undefined ? [] : await readNotes({ placed, tools, operation });
      const worked = await work({
        placed: askingOf(placed, turn),
        turn,
        tools,
        operations,
        ceilings,
        meter,
        known: first,
        depth: 0,
      });
      return answerOf(worked, { tools, meter, turn });
    },
  };
}

/** Whoever begins a run may name the model of it; agents that it hands on to ask their own. */
const askingOf = (placed: PlacedProfile, { model }: Turn): PlacedProfile =>
  model === undefined ? placed : { ...placed, profile: { ...placed.profile, model } };

interface Ending {
  readonly tools: Tools;
  readonly meter: Meter;
  readonly turn: Turn;
}

const outcomeCharsMax = 1000;

function answerOf({ text, stopped, notDone, evidence }: Worked, { tools, meter }: Ending) {
  const { steps, microUsd } = meter.spent();
  const spent = { steps, microUsd, ...meter.tokens(), durationMs: tools.workedMs() };
  const words = stopped === null ? text : `${text === "" ? "" : `${text}\n\n`}Stopped: ${stopped}`;
  const output: TurnAnswer = { text: words, citations: citationsIn(words, evidence), isExtractive: false, spent };
  return {
    outcome: words.slice(0, outcomeCharsMax),
    notDone: stopped === null ? notDone : [...notDone, `The task was not finished: ${stopped}`],
    output,
  };
}
