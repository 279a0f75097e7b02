/** What a run of a project's agent is given and keeps: what it was asked, and the agent as it was then. */
import { Problem } from "../../contract/problem.ts";
import { checkerOf, closed, type Static } from "../../contract/schema.ts";
import { Turn } from "../agents/contract.ts";
import { NotATurn } from "./contract.ts";
import { PlacedProfile } from "./profile.ts";

export const ProfileRun = closed({ turn: Turn, placed: PlacedProfile });
export type ProfileRun = Static<typeof ProfileRun>;

export function runOf(input: unknown, placed: PlacedProfile): ProfileRun {
  if (checkerOf(Turn).check(input)) return { turn: input as Turn, placed };
  const [fault] = checkerOf(Turn).faults(input);
  throw new Problem(
    NotATurn,
    `the input ${fault?.at ?? ""} ${fault?.message ?? "is no task"}`.replaceAll(/\s+/gu, " "),
  );
}

export function readRun(given: unknown): ProfileRun {
  if (checkerOf(ProfileRun).check(given)) return given as ProfileRun;
  throw new Problem(NotATurn, "the run keeps no agent of a project");
}
