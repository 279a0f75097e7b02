/** What any failing call, kill or power cut does to a file of the hub: nothing that was acknowledged, and nothing unreadable. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "vitest";
import { createFaultyDisk, type Fault, type FaultyDisk, type Plan } from "../kit/faulty-disk.ts";
import { seededRandom } from "../kit/chance.ts";
import {
  auditSubject,
  backupSubject,
  blobSubject,
  capsuleSubject,
  credentialsSubject,
  stateFileSubject,
  teeSubject,
} from "./subjects.ts";

/** One kind of file: how it is written, and what must be true of it afterwards. */
export interface Subject {
  readonly name: string;
  /** Writes on this disk and tells what was acknowledged; a failure is caught here, where the hub would hear of it. */
  run(disk: FaultyDisk, folder: string): Promise<Told>;
}
/** Looks at the folder as the next start does, on a disk that works again. */
export type Told = (folder: string) => Promise<void>;

const faults: readonly Fault[] = ["EIO", "ENOSPC", "short", "cut"];
const isSoak = process.env["ARW_SOAK"] === "1";
const randomRuns = 40;
const faultsMax = 6;
/** Some hundred trials of a few milliseconds; a machine that does much else takes ten times as long. */
const trialsMsMax = 300_000;

async function suffer(subject: Subject, plan: Plan, cutSeed: number | null): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "arw-faults-"));
  try {
    const disk = createFaultyDisk(folder);
    disk.plan(plan);
    const told = await subject.run(disk, folder);
    const { length: calls } = disk.made;
    if (cutSeed !== null) disk.powerCut(seededRandom(cutSeed));
    disk.plan(new Map());
    await told(folder);
    return calls;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** In a soak each fault is followed by a restart and by a power cut; in the suite they take turns, and a power cut follows each EIO. */
function trialsOf(call: number): { readonly fault: Fault; readonly cutSeed: number | null }[] {
  return faults.flatMap((fault, index) => {
    const isKept = fault !== "EIO" && (call + index) % 2 === 0;
    const endings = isSoak ? [null, call] : [isKept ? null : call];
    return endings.map((cutSeed) => ({ fault, cutSeed }));
  });
}

for (const subject of [
  stateFileSubject,
  blobSubject,
  capsuleSubject,
  credentialsSubject,
  auditSubject,
  teeSubject,
  backupSubject,
] satisfies readonly Subject[]) {
  test(`${subject.name}: any one call that fails, and a kill or a power cut at any call`, {
    timeout: trialsMsMax,
  }, async () => {
    const calls = await suffer(subject, new Map(), null);
    for (let call = 1; call <= calls; call += 1) {
      for (const trial of trialsOf(call)) {
        const { fault, cutSeed } = trial;
        await suffer(subject, new Map([[call, fault]]), cutSeed).catch((cause: unknown) => {
          const ending = cutSeed === null ? "a restart" : "a power cut";
          throw new RangeError(`${fault} at call ${call} of ${calls}, then ${ending}`, { cause });
        });
      }
    }
  });

  test(`${subject.name}: several faults in a row`, async () => {
    const calls = await suffer(subject, new Map(), null);
    const plan = fc.array(fc.tuple(fc.integer({ min: 1, max: calls }), fc.constantFrom(...faults)), {
      maxLength: faultsMax,
    });
    await fc.assert(
      fc.asyncProperty(plan, fc.option(fc.nat()), async (steps, cutSeed) => {
        await suffer(subject, new Map(steps), cutSeed);
      }),
      { numRuns: isSoak ? randomRuns * 25 : randomRuns },
    );
  });
}
