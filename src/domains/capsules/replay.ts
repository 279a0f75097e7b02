/** Lets a recorded run happen again over its record alone. */
import { bind, type Bound, op } from "../../contract/operation.ts";
import { Problem, problem } from "../../contract/problem.ts";
import { closed, type Static, Type } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { type Replayer, ReplayReport } from "../agents/contract.ts";
import {
  CapsuleName,
  CapsuleProgress,
  CapsuleTooLarge,
  CapsuleUnsound,
  FileNotTaken,
  gapOf,
  judged,
  Manifest,
  RunIsGoing,
  Signer,
  type SignedSource,
} from "./contract.ts";
import { waitingFor } from "./telling.ts";

export const NoRun = problem({
  code: "capsules.no-run",
  status: 409,
  title: "No run of an agent",
  about: "The record holds no beginning of a run, so there is nothing that could happen again.",
});

export const Replay = op({
  id: "capsules.replay",
  http: "POST /capsules/replay",
  cli: "replay <capsule>",
  effect: "read",
  isForPersons: true,
  deadlineMs: 300_000,
  about: "Let a recorded run happen again over its record alone: no model, no key, no socket, and nothing is done.",
  input: closed({ capsule: CapsuleName }),
  output: closed({
    report: ReplayReport,
    gap: Type.Union([Type.String(), Type.Null()], {
      description: "Why the record goes no further, where it does not.",
    }),
    signer: Type.Union([Signer, Type.Null()], {
      description:
        "On whose word all is that was taken from the record: what tools and persons answered, and when. Null: this hub wrote it down itself.",
    }),
    table: closed(
      {
        isSame: Type.Boolean(),
        asOf: Manifest.properties.program.properties.asOf,
        recorded: Type.String(),
        own: Type.String(),
      },
      { description: "The operations, events and problems of then and of this hub, by their digest." },
    ),
  }),
  problems: [NotFound, CapsuleUnsound, FileNotTaken, RunIsGoing, CapsuleTooLarge, NoRun],
  emits: [CapsuleProgress],
});
export type Replayed = Static<typeof Replay.output>;

export interface ReplayDeps {
  readonly recordings: SignedSource;
  readonly replayer: Replayer;
  readonly tableHash: () => string;
}

export const replayOperation = ({ recordings, replayer, tableHash }: ReplayDeps): Bound =>
  bind(Replay, async ({ capsule }, ctx) => {
    const { signal, onPlace } = waitingFor(capsule, ctx);
    const recording = await recordings.of(capsule, signal, onPlace);
    const { run, program } = recording.manifest;
    if (run.status === "none") throw new Problem(NoRun, `${capsule} holds no run of an agent`);
    const { report: found } = await replayer.replay(recording, {
      signal,
      onPlace: (done, total) => onPlace({ phase: "replaying", done, total }),
    });
    const report = judged(found, recording.manifest);
    const own = tableHash();
    const { asOf, tableHash: recorded } = program;
    const signer = await recordings.signerOf(recording);
    const gap = gapOf(report, recording.manifest);
    return { report, gap, signer, table: { isSame: own === recorded, asOf, recorded, own } };
  });
