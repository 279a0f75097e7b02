/** Commands that look at the state directory by themselves: they must work when no hub does. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { restoreBackup } from "../adapters/backup/restore-backup.ts";
import { createDoctor } from "../adapters/doctor/examine.ts";
import { stateHolder } from "../adapters/files/state-lock.ts";
import { keysName } from "../adapters/sealed-state/keys.ts";
import type { Sealer } from "../adapters/sealed-state/sealer.ts";
import { storeFormat } from "../adapters/sqlite/store.ts";
import { showControls } from "../base/text-marks.ts";
import { formatBytes } from "../base/units.ts";
import { checkerOf, type Static } from "../contract/schema.ts";
import { BackupFault } from "../domains/backup/port.ts";
import { Healthz } from "../domains/system/contract.ts";
import type { Finding } from "../domains/doctor/port.ts";
import { StoreFault } from "../kernel/ports.ts";
import { type CliParts, exitCodes, type Globals, type OwnCommand } from "../surfaces/cli/port.ts";
import { createConfineSeat } from "./confine-seat.ts";
import type { RehearsedRun } from "./rehearse-copy.ts";
import { journalFault, journalTailFault, nodeMin } from "./state-checks.ts";
import { faultDocument } from "./system-faults.ts";
import type { Unlocking } from "./unlock.ts";

export interface OwnOptions {
  readonly terminal: CliParts["terminal"];
  readonly version: string;
  readonly workDir: string;
  readonly nowMs: () => number;
  /** Where the state lies; throws as other commands do when the configuration cannot be read. */
  readonly stateDirOf: (globals: Globals) => string;
  /** The way into an encrypted state. */
  readonly unlocking: Unlocking;
}

export const ownCommands = (options: OwnOptions): readonly OwnCommand[] => [
  doctorCommand(options),
  restoreCommand(options),
];

function doctorCommand({ terminal, version, nowMs, stateDirOf, unlocking }: OwnOptions): OwnCommand {
  return {
    words: "doctor",
    about: "Examine the state directory, with or without a hub on it, and name the repair for what is wrong.",
    options: [],
    async run({ globals }) {
      const stateDir = stateDirOf(globals);
      const { sealer, unopened } = await sealerGiven(stateDir, unlocking);
      const doctor = createDoctor({
        stateDir,
        nowMs,
        storeFormat,
        verifyTail: (path) => journalTailFault(path, sealer),
        sealer,
        unopened,
        versions: { arw: version, node: process.versions.node, nodeMin },
        async holder() {
          const holder = await readHolder(stateDir);
          return holder === null ? null : `held by the hub with process id ${holder.pid}`;
        },
        confinement: () => createConfineSeat({ own: [], programs: [] }).abilities(),
        ailing: async () => ailingOf((await readHolder(stateDir))?.address ?? null),
      });
      const findings = await doctor.examine();
      const ok = findings.every((each) => each.level !== "fault");
      terminal.write(globals.json ? `${JSON.stringify({ ok, findings })}\n` : findings.map(findingText).join(""));
      return ok ? exitCodes.ok : exitCodes.problem;
    },
  };
}

/** Where the lock cannot even be looked at, no hub of this user runs there; what is wrong with the files, the findings say. */
const readHolder = (stateDir: string): ReturnType<typeof stateHolder> =>
  stateHolder(stateDir).catch((error: unknown) => {
    if (faultDocument(error) === null) throw error;
    return null;
  });

/** A hub that is stuck must not make the doctor wait. */
const healthMsMax = 3000;

/** What a hub says is not well; nothing when none answers, which the other findings do without. */
async function ailingOf(
  address: string | null,
): Promise<readonly { readonly name: string; readonly detail: string }[]> {
  if (address === null) return [];
  try {
    const answer = await fetch(new URL("/healthz", address), { signal: AbortSignal.timeout(healthMsMax) });
    const health: unknown = await answer.json();
    const { checks } = checkerOf(Healthz.output).check(health)
      ? (health as Static<typeof Healthz.output>)
      : { checks: [] };
    return checks.filter(({ ok }) => !ok);
  } catch {
    return [{ name: "hub", detail: `it does not answer on ${address}` }];
  }
}

const marks: Readonly<Record<Finding["level"], string>> = { ok: "✓", warning: "!", fault: "✗" };
const nameWidth = 12;

const findingText = ({ name, level, detail, repair }: Finding): string =>
  `${marks[level]} ${name.padEnd(nameWidth)} ${detail}\n${repair === null ? "" : `  ${"".padEnd(nameWidth)} → ${repair}\n`}`;

function restoreCommand({ terminal, workDir, stateDirOf, unlocking }: OwnOptions): OwnCommand {
  return {
    words: "restore",
    about: "Check a backup and make a new state directory from it; no hub runs there yet.",
    argument: { name: "file", about: "a backup made with `arw backup`" },
    options: [
      [
        "--dry-run",
        "check everything in a copy aside, let its newest runs and kept capsules happen again, and leave nothing",
      ],
    ],
    async run({ argument, flags, globals }) {
      const isDryRun = flags["dryRun"] === true;
      const stateDir = stateDirOf(globals);
      const runs: RehearsedRun[] = [];
      try {
        const { manifest, files, sizeBytes } = await restoreBackup({
          file: resolve(workDir, argument),
          stateDir,
          isDryRun,
          storeFormat,
          verifyJournal: journalFault,
          unlock: (folder) => sealerOf(folder, unlocking),
          ...(isDryRun
            ? { examine: async (folder, sealer) => void runs.push(...(await rehearsed(folder, sealer))) }
            : {}),
        });
        const words = [
          `✓ ${files} files, ${formatBytes(sizeBytes)}, up to event ${manifest.journal.seq}: the backup is whole.`,
          ...(isDryRun ? runsText(runs) : []),
          isDryRun ? `Nothing was written; without --dry-run it goes to ${stateDir}.` : `Restored to ${stateDir}.`,
          ...manifest.leftOut.map((text) => `  Left out: ${text}`),
        ];
        const json = { stateDir, isDryRun, files, sizeBytes, manifest, ...(isDryRun ? { runs } : {}) };
        terminal.write(globals.json ? `${JSON.stringify(json)}\n` : `${words.join("\n")}\n`);
        return runs.some(({ verdict }) => verdict === "diverged" || verdict === "unreadable")
          ? exitCodes.problem
          : exitCodes.ok;
      } catch (error) {
        if (!(error instanceof BackupFault)) throw error;
        terminal.writeError(`✗ Not restored (${error.reason}): ${error.message}\n  Nothing was changed.\n`);
        return exitCodes.problem;
      }
    },
  };
}

/** What replays runs is paid for only by who asks for it. */
async function rehearsed(folder: string, sealer: Sealer | null): Promise<readonly RehearsedRun[]> {
  const { rehearseCopy } = await import("./rehearse-copy.ts");
  return rehearseCopy(folder, sealer);
}

/** Null for a state in plain, which loads nothing of this. */
async function sealerOf(folder: string, unlocking: Unlocking): Promise<Sealer | null> {
  if (!existsSync(join(folder, keysName))) return null;
  const { unlockState } = await import("./unlock.ts");
  return (await unlockState(folder, unlocking))?.sealer ?? null;
}

/** Whoever examines is not asked: without a key the contents are not looked into. */
async function sealerGiven(
  stateDir: string,
  { env }: Unlocking,
): Promise<{ readonly sealer: Sealer | null; readonly unopened: string | null }> {
  if (!existsSync(join(stateDir, keysName))) return { sealer: null, unopened: null };
  const { isKeyGiven, unlockState } = await import("./unlock.ts");
  if (!isKeyGiven(env)) return { sealer: null, unopened: null };
  try {
    const opened = await unlockState(stateDir, { env, ask: null });
    return { sealer: opened?.sealer ?? null, unopened: null };
  } catch (error) {
    // The examination says what is wrong with the keys.
    if (error instanceof StoreFault && error.reason === "locked") return { sealer: null, unopened: error.message };
    throw error;
  }
}

function runsText(runs: readonly RehearsedRun[]): readonly string[] {
  if (runs.length === 0) return ["  It holds no run that ended, so none could happen again."];
  return runs.map(({ source, episode, agent, title, verdict, events, why }) => {
    const what = source === "run" ? "It" : "A kept capsule";
    const name = showControls(`${agent}, ${title} (${episode})`).replaceAll("\n", " ");
    const end = why === null ? "" : `: ${showControls(why)}`;
    if (verdict === "equal") return `✓ ${what} happens again in the copy, all ${events} events: ${name}`;
    if (verdict === "diverged") return `✗ ${what} goes another way in the copy: ${name}${end}`;
    if (verdict === "unreadable") return `✗ ${what} cannot be read in the copy: ${name}${end}`;
    return `! ${what} does not happen again to its end: ${name}${end}`;
  });
}
