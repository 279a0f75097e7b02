/** Agents that are found by their names, beside the programs that the hub brings along. */
import type { Grant } from "../../contract/caller.ts";
import type { AgentProgram } from "./contract.ts";

/** An agent that is no part of the program: somebody wrote it, and a run of it keeps how it was. */
export interface FoundAgent {
  readonly program: AgentProgram;
  readonly folder: string;
  /** All that a run of it may do without asking. */
  readonly grants: readonly Grant[];
  /** Gate keys of what its person is asked about each time. */
  readonly asks: readonly string[];
  /** What each run of it may use up, in the words of allowances. */
  readonly allowances: readonly string[];
  /** What a run of it is given and keeps: what it was asked, and the agent as it is now. Throws where it takes no such thing. */
  given(input: unknown): unknown;
}
export interface AgentFinder {
  /** Null when there is none of this name; throws where there is one that cannot be run. */
  find(agent: string, signal: AbortSignal): Promise<FoundAgent | null>;
  /** Those that can be run. */
  list(signal: AbortSignal): Promise<readonly FoundAgent[]>;
  /** As it was when the run began, from what the run keeps. */
  recorded(agent: string, input: unknown): FoundAgent;
}
