/** The capsules that this hub keeps: what is on the shelf, under which ceiling, and for how long. */
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { CapsuleFile } from "./capsule-file.ts";
import { CapsuleImported, CapsuleRemoved, CapsulesFull, type KeptCapsule } from "./contract.ts";
import type { CapsuleMeans } from "./port.ts";
import { keptCapsules, type Signed, type Signers } from "./signers.ts";
import { capsules, keptMax } from "./views.ts";

/** What is kept under the digest from now on, and who signed that. */
export interface Keeping extends Pick<KeptCapsule, "digest" | "keyId" | "sizeBytes"> {
  /** False when another copy was kept before, and stays. */
  readonly isNew: boolean;
}

export interface Shelf {
  /** Null when none begins so. Throws `NotFound` when several do. */
  find(name: string): KeptCapsule | null;
  /** The file; null when the disk no longer has it as it was. */
  bytes(kept: KeptCapsule): Promise<Uint8Array | null>;
  all(): readonly KeptCapsule[];
  /**
   * One copy of a capsule is kept, whoever signed others of it: the one whose signer more is known of, and among equals the
   * first. Throws `CapsulesFull`.
   */
  keep(given: Given, ctx: Context): Promise<Keeping>;
  /** Throws `NotFound`. */
  remove(name: string, ctx: Context): Promise<string>;
  /** Lets go of what is older than the age, and of files that no row names. */
  tidy(ctx: Context): Promise<void>;
}

interface Given {
  readonly file: CapsuleFile;
  readonly bytes: Uint8Array;
  readonly origin: KeptCapsule["origin"];
}

type Means = Pick<CapsuleMeans, "shelf" | "clock" | "limits"> & { readonly signers: Signers };

/** A file without a row is one that is being kept this moment, or that a crash left. Nothing takes a day. */
const orphanAgeMs = 86_400_000;
const prefixForm = /^(?:sha256:)?(?<hex>[0-9a-f]{4,64})$/;

export function createShelf(parts: KernelParts, means: Means): Shelf {
  const { shelf } = means;
  const all = (): readonly KeptCapsule[] => keptCapsules(parts);
  const inTurn = createTurns();
  const find = (name: string): KeptCapsule | null => {
    const hex = prefixForm.exec(name)?.groups?.["hex"];
    if (hex === undefined) return null;
    const found = all().filter(({ digest }) => digest.startsWith(`sha256:${hex}`));
    if (found.length > 1)
      throw new Problem(NotFound, `${found.length} kept capsules begin with ${name}; type more of the one you mean`);
    return found[0] ?? null;
  };
  const takeOff = async (row: KeptCapsule, why: "person" | "age", ctx: Context): Promise<void> => {
    await ctx.emit(CapsuleRemoved, { digest: row.digest, why });
    await shelf.remove(row.fileDigest);
  };
  return {
    find,
    all,
    bytes: ({ fileDigest }) => shelf.get(fileDigest),
    keep: (given, ctx) => inTurn(() => keepBetter(given, ctx, { parts, means })),
    remove: (name, ctx) =>
      inTurn(async () => {
        const row = find(name);
        if (row === null) throw new Problem(NotFound, `no kept capsule begins with ${name}`);
        await takeOff(row, "person", ctx);
        return row.digest;
      }),
    tidy: (ctx) =>
      inTurn(async () => {
        const nowMs = means.clock.nowMs();
        for (const row of all()) if (row.keptAtMs < nowMs - means.limits.ageMsMax) await takeOff(row, "age", ctx);
        const named = new Set(all().map(({ fileDigest }) => fileDigest));
        for await (const { ref, modifiedMs } of shelf.list())
          if (!named.has(ref) && modifiedMs < nowMs - orphanAgeMs) await shelf.remove(ref);
      }),
  };
}

/** One after the other: which copy is the better one holds until it is kept, and no file goes while it is being kept. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    // Whoever asked is told of the failure; the next one begins regardless.
    last = turn.catch(() => undefined);
    return turn;
  };
}

async function keepBetter(
  { file, bytes, origin }: Given,
  ctx: Context,
  { parts, means: { shelf, limits, signers } }: { readonly parts: KernelParts; readonly means: Means },
): Promise<Keeping> {
  const before = parts.kernel.views.get(capsules, file.digest);
  if (before !== undefined && (await shelf.has(before.fileDigest)) && !(await signers.isBetter(file, before)))
    return { ...keepingOf(before), isNew: false };
  const others = keptCapsules(parts).filter(({ digest }) => digest !== file.digest);
  refuseFull(others, file.sizeBytes, limits.sizeBytesMax);
  await shelf.put(bytes);
  await ctx.emit(CapsuleImported, { ...keptFacts(file), origin });
  if (before !== undefined && before.fileDigest !== file.fileDigest) await shelf.remove(before.fileDigest);
  return { ...keepingOf(file), isNew: true };
}

const keepingOf = ({ digest, keyId, sizeBytes }: Signed & { readonly sizeBytes: number }): Omit<Keeping, "isNew"> => ({
  digest,
  keyId,
  sizeBytes,
});

/** Nothing is pushed out: whoever keeps capsules decides which one goes. */
function refuseFull(kept: readonly KeptCapsule[], sizeBytes: number, sizeBytesMax: number): void {
  const keptBytes = kept.reduce((sum, each) => sum + each.sizeBytes, 0);
  if (keptBytes + sizeBytes <= sizeBytesMax && kept.length < keptMax) return;
  const detail = `${kept.length} capsules with ${keptBytes} bytes are kept, and this one has ${sizeBytes}`;
  throw new Problem(CapsulesFull, detail, { sizeBytesMax });
}

const keptFacts = ({ manifest, digest, fileDigest, sizeBytes, keyId }: CapsuleFile) => {
  const { episode, agent, title, status } = manifest.run;
  const { ofSteps: steps, toStep: replayableToStep } = manifest.replayable;
  return { digest, fileDigest, sizeBytes, keyId, episode, agent, title, status, steps, replayableToStep };
};
