/** What an agent at work has, and what follows from it. */
import type { Tools, Turn } from "../agents/contract.ts";
import type { Ceilings } from "./ceilings.ts";
import { assembleContext, type Exchange } from "./context.ts";
import type { Meter } from "./meter.ts";
import type { AgentTool, OfferedTool } from "./offered-tools.ts";
import type { PlacedProfile } from "./profile.ts";
import { instructionsFor, ownTools } from "./prompt.ts";

export interface Working {
  readonly placed: PlacedProfile;
  readonly turn: Turn;
  readonly tools: Tools;
  /** What it may call, by id: what its file names, and of a child no more than what its parents may. */
  readonly operations: ReadonlyMap<string, AgentTool>;
  readonly ceilings: Ceilings;
  readonly meter: Meter;
  /** What it knows from the beginning. */
  readonly known: readonly Exchange[];
  /** How many agents stand above it. */
  readonly depth: number;
}

export interface Worked {
  readonly text: string;
  /** Why it ended, where that is not its own decision. */
  readonly stopped: string | null;
  readonly notDone: readonly string[];
  readonly evidence: readonly Exchange[];
}

/** Deeper chains nobody follows any more. */
export const depthMax = 3;
/** Whoever stands at the bottom hands nothing on. */
export const childrenOf = ({ placed, depth }: Pick<Working, "placed" | "depth">): readonly string[] =>
  depth + 1 < depthMax ? placed.profile.children : [];

export const offeredTo = (working: Pick<Working, "operations" | "placed" | "depth">): readonly OfferedTool[] => [
  ...[...working.operations.values()].map(({ offered }) => offered),
  ...ownTools(childrenOf(working)),
];

export const contextOf = (
  { placed, turn, tools }: Pick<Working, "placed" | "turn"> & { readonly tools: Pick<Tools, "startedAtMs"> },
  evidence: readonly Exchange[],
  plan: string,
) =>
  assembleContext({
    instructions: instructionsFor(placed, tools.startedAtMs),
    plan,
    history: turn.history ?? [],
    task: taskOf(turn),
    evidence,
    tokensMax: placed.profile.contextTokens,
    answerTokens: placed.profile.answerTokens,
  });

function taskOf({ task, attachments = [] }: Turn): string {
  if (attachments.length === 0) return task;
  return `${task}\n\nAttached, to be read first:\n${attachments.map(({ path }) => `- ${path}`).join("\n")}`;
}
