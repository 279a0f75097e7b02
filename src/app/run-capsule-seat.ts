/** What run capsules stand on in this process: their folder, the hub's key, and what knows the secrets. */
import { join } from "node:path";
import { createCapsuleFiles } from "../adapters/capsules/capsule-files.ts";
import { createCapsuleKeys } from "../adapters/capsules/capsule-key.ts";
import { plainPacking, sealedPacking } from "../adapters/files/blob-packing.ts";
import { createFileBlobs } from "../adapters/files/blobs.ts";
import type { Damage } from "../adapters/files/state-file.ts";
import type { Sealer } from "../adapters/sealed-state/sealer.ts";
import { allowances, allowancesMax } from "../domains/budgets/views.ts";
import { type Conditions, capsuleBytesMax } from "../domains/capsules/contract.ts";
import type { CapsuleMeans, Cutter } from "../domains/capsules/port.ts";
import { type Capsules, type CapsulesDeps, createCapsules } from "../domains/capsules/service.ts";
import { storyLine } from "../domains/episodes/story.ts";
import type { PolicySet } from "../domains/policy/engine-port.ts";
import type { KernelParts } from "../kernel/create-kernel.ts";
import type { BlobStore, Clock, Log, Redactor, Vault } from "../kernel/ports.ts";
import type { ConfigValues } from "./config/schema.ts";

/** Recorded results and before-images above this are not kept as blobs. */
const blobBytesMax = 64_000_000;

/** The rest is known where the domains are put together. */
export type RunCapsuleSeat = Pick<CapsuleMeans, "shelf" | "files" | "keys" | "cutter" | "limits" | "program">;

interface SeatOptions {
  readonly values: ConfigValues;
  readonly version: string;
  readonly redactor: Redactor;
  readonly vault: Vault;
  readonly report: (damage: Damage) => void;
  readonly sealer: Sealer | null;
}

/** What runs read and were, by content: the recorder's store, and the shelf of capsules. */
export function openContents(options: SeatOptions): {
  readonly blobs: BlobStore;
  readonly runCapsules: RunCapsuleSeat;
} {
  const { values, report } = options;
  const folder = join(values.state.dir, "blobs");
  return {
    blobs: createFileBlobs({ folder, sizeBytesMaxEach: blobBytesMax, report, packing: packingOf(options) }),
    runCapsules: createSeat(options),
  };
}

const packingOf = ({ sealer }: SeatOptions) => (sealer === null ? plainPacking : sealedPacking(sealer));

function createSeat(options: SeatOptions): RunCapsuleSeat {
  const { values, version, redactor, vault, report, sealer } = options;
  const stateDir = values.state.dir;
  return {
    shelf: createFileBlobs({
      folder: join(stateDir, "capsules"),
      sizeBytesMaxEach: capsuleBytesMax,
      report,
      packing: packingOf(options),
    }),
    files: createCapsuleFiles({ stateDir }),
    keys: createCapsuleKeys({ stateDir, sealer }),
    cutter: cutterOf(redactor, vault),
    limits: values.capsules,
    program: { version, nodeVersion: process.versions.node },
  };
}

/** The redactor finds what looks like a secret, too; the vault every form of what was handed over. */
export function cutterOf(redactor: Redactor, vault: Vault): Cutter {
  const isFound = (text: string): boolean => vault.text(text) !== text;
  const isBroken = (text: string): boolean => {
    const joined = text.replace(breaks, "");
    return joined !== text && isFound(joined);
  };
  const text = (given: string): string => {
    const clean = vault.text(redactor.text(given));
    return isBroken(clean) ? brokenMark : clean;
  };
  return {
    text,
    value: (value) => withTexts(vault.clean(redactor.value(value)), text),
    isHeld: (given) => isFound(given) || isBroken(given),
  };
}

/**
 * Where a text is broken into lines, in JSON too, and what stands in place of a break once its lines were joined again. A secret
 * is looked for across them, and then nothing says where it began: the whole text goes.
 */
const breaks = /(?:\r?\n|\\[rn])[ \t>]*|\\t|\s+|"\s*,\s*"/gu;
const brokenMark = "[redacted:secret]";

/** The value with every text in plain objects and arrays changed; the same reference where none is. */
function withTexts<T>(root: T, change: (text: string) => string): T {
  const visit = (value: unknown): unknown => {
    if (typeof value === "string") return change(value);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([name, member]) => [name, member, visit(member)] as const);
    if (entries.every(([, member, next]) => Object.is(member, next))) return value;
    return Array.isArray(value)
      ? entries.map(([, , next]) => next)
      : Object.fromEntries(entries.map(([name, , next]) => [name, next]));
  };
  // Texts become texts and containers keep their kind, so the shape is still that of T.
  return visit(root) as T;
}

export interface RunCapsuleMeans {
  readonly runCapsules: RunCapsuleSeat;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly policies: PolicySet;
  readonly askPatterns: readonly string[];
}

export interface RulesInForce {
  /** Contracts as they were written, with where they stand. */
  contracts(): Conditions["contracts"];
}

export const openRunCapsules = (
  { runCapsules, blobs, clock, log, policies, askPatterns }: RunCapsuleMeans,
  parts: KernelParts,
  { contracts, ...more }: Omit<CapsulesDeps, "parts" | "means"> & RulesInForce,
): Capsules =>
  createCapsules({
    ...more,
    parts,
    means: {
      ...runCapsules,
      blobs,
      clock,
      log,
      rules: () => ({
        policies: policies.engine().policies.map(({ id, source, effect, text }) => ({ id, source, effect, text })),
        askPatterns: [...askPatterns],
        contracts: contracts(),
        allowances: parts.kernel.views
          .list(allowances, { limit: allowancesMax })
          .rows.map(({ row: { allowanceId, text, createdBy } }) => ({ allowanceId, text, createdBy })),
      }),
      tell: (envelope) => storyLine(envelope).text,
    },
  });
