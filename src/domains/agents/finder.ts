/** Agents that are found by their names, beside the programs that the hub brings along. */
import type { Grant } from "../../contract/caller.ts";
import { problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { fileProblems } from "../fs/contract.ts";
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
/** An agent whose file was found and cannot be run. */
export interface FaultyAgent {
  readonly agent: string;
  /** The file, the line and what is wrong there. */
  readonly fault: string;
}

export const UnknownAgent = problem({
  code: "agents.unknown-agent",
  status: 404,
  title: "No such agent",
  about: "No agent of this name is installed.",
});
export const InvalidProfile = problem({
  code: "profiles.invalid",
  status: 422,
  title: "The agent's file does not hold",
  about:
    "The file of the agent has faults, and nothing was done. `faults` names each with its line; `arw agents check FILE` prints them.",
});
export const NotATurn = problem({
  code: "profiles.not-a-turn",
  status: 422,
  title: "Not what the agent takes",
  about: 'An agent of a project is given a task in plain words: `arw run NAME@PROJECT "what to do"`.',
});
/** What the finder fails with: whoever looks for an agent, or lets one run, may answer so. */
export const finderProblems = [UnknownAgent, NotFound, InvalidProfile, NotATurn, ...fileProblems];

export interface AgentFinder {
  /** Null when there is none of this name; throws one of `finderProblems` where there is one that cannot be run. */
  find(agent: string, signal: AbortSignal): Promise<FoundAgent | null>;
  list(
    signal: AbortSignal,
  ): Promise<{ readonly agents: readonly FoundAgent[]; readonly faulty: readonly FaultyAgent[] }>;
  /** As it was when the run began, from what the run keeps. */
  recorded(agent: string, input: unknown): FoundAgent;
}
