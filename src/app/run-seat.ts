/** Agents, and their runs as files that happen again: what all of them rest on is put together once. */
import { homedir } from "node:os";
import type { Domain } from "../contract/domain.ts";
import type { AgentProgram, Replayer } from "../domains/agents/contract.ts";
import { createReplayer } from "../domains/agents/replayer.ts";
import { createAgents } from "../domains/agents/service.ts";
import type { RecordingSource } from "../domains/capsules/contract.ts";
import { debugOperation } from "../domains/capsules/debug-bundle.ts";
import { answersOperation } from "../domains/capsules/answers.ts";
import { replayOperation } from "../domains/capsules/replay.ts";
import { answers } from "../domains/chat/answers/program.ts";
import type { ProfileFiles } from "../domains/profiles/port.ts";
import { createProfiles } from "../domains/profiles/service.ts";
import { scout } from "../domains/scout/program.ts";
import type { KernelParts } from "../kernel/create-kernel.ts";
import type { Policy, Redactor } from "../kernel/ports.ts";
import { profileText } from "./profile-seat.ts";
import { openRunCapsules, type RulesInForce, type RunCapsuleMeans } from "./run-capsule-seat.ts";

export interface Runs {
  readonly domains: readonly Domain[];
  /** A run by its episode, its capsule or its file. */
  readonly recordings: RecordingSource;
  readonly replayer: Replayer;
}

export interface RunMeans extends RunCapsuleMeans {
  /** Agents beside those that the hub brings along. */
  readonly programs: readonly AgentProgram[];
  readonly profileFiles: ProfileFiles;
  readonly redactor: Redactor;
}

interface RunNeeds extends RulesInForce {
  /** The agent that follows recipes. */
  readonly recipe: AgentProgram;
  readonly policy: Policy;
}

export function openRuns(means: RunMeans, parts: KernelParts, { recipe, policy, contracts }: RunNeeds): Runs {
  const { finder, domain: profiles } = createProfiles({ parts, text: profileText, files: means.profileFiles });
  const programs = [scout, answers, recipe, ...means.programs];
  const problems = () => parts.kernel.table.problems;
  const redact = (value: unknown): unknown => means.redactor.value(value);
  const replayer = createReplayer({ programs, finder, problems, redact, soon: means.clock.soon });
  const tableHash = (): string => parts.kernel.table.hash;
  const { domain: capsules, source: recordings } = openRunCapsules(means, parts, {
    contracts,
    more: (source) => [
      replayOperation({ recordings: source, replayer, tableHash }),
      answersOperation({ recordings: source }),
      debugOperation({ recordings: source, ...means.runCapsules, home: homedir() }),
    ],
  });
  return { domains: [createAgents({ parts, programs, finder, policy }), capsules, profiles], recordings, replayer };
}
