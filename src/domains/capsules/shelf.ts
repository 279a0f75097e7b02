/** The capsules that this hub keeps: what is on the shelf, under which ceiling, and for how long. */
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { CapsuleFile } from "./capsule-file.ts";
import { CapsuleImported, CapsuleRemoved, CapsulesFull, type KeptCapsule } from "./contract.ts";
import type { CapsuleMeans } from "./port.ts";
import { capsules, keptMax } from "./views.ts";

export interface Shelf {
  /** Null when none, or more than one, begins so. */
  find(name: string): KeptCapsule | null;
  /** The file; null when the disk no longer has it as it was. */
  bytes(kept: KeptCapsule): Promise<Uint8Array | null>;
  all(): readonly KeptCapsule[];
  /** False when it was kept before. Throws `CapsulesFull`. */
  keep(given: { file: CapsuleFile; bytes: Uint8Array; origin: KeptCapsule["origin"] }, ctx: Context): Promise<boolean>;
  /** Throws `NotFound`. */
  remove(name: string, ctx: Context): Promise<string>;
  /** Lets go of what is older than the age, and of files that no row names. */
  tidy(ctx: Context): Promise<void>;
}

type Means = Pick<CapsuleMeans, "shelf" | "clock" | "limits">;

/** A file without a row is one that is being kept this moment, or that a crash left. Nothing takes a day. */
const orphanAgeMs = 86_400_000;
const prefixForm = /^(?:sha256:)?(?<hex>[0-9a-f]{4,64})$/;

export function createShelf(parts: KernelParts, { shelf, clock, limits }: Means): Shelf {
  const all = (): readonly KeptCapsule[] =>
    parts.kernel.views.list(capsules, { limit: keptMax }).rows.map(({ row }) => row);
  const find = (name: string): KeptCapsule | null => {
    const hex = prefixForm.exec(name)?.groups?.["hex"];
    if (hex === undefined) return null;
    const [found, other] = all().filter(({ digest }) => digest.startsWith(`sha256:${hex}`));
    return found !== undefined && other === undefined ? found : null;
  };
  const takeOff = async (row: KeptCapsule, why: "person" | "age", ctx: Context): Promise<void> => {
    await ctx.emit(CapsuleRemoved, { digest: row.digest, why });
    await shelf.remove(row.fileDigest);
  };
  return {
    find,
    all,
    bytes: ({ fileDigest }) => shelf.get(fileDigest),
    async keep({ file, bytes, origin }, ctx) {
      const known = parts.kernel.views.get(capsules, file.digest);
      if (known !== undefined && (await shelf.has(known.fileDigest))) return false;
      refuseFull(all(), file.sizeBytes, limits.sizeBytesMax);
      await shelf.put(bytes);
      await ctx.emit(CapsuleImported, { ...keptFacts(file), origin });
      return true;
    },
    async remove(name, ctx) {
      const row = find(name);
      if (row === null) throw new Problem(NotFound, `no kept capsule, or more than one, begins with ${name}`);
      await takeOff(row, "person", ctx);
      return row.digest;
    },
    async tidy(ctx) {
      const oldestMs = clock.nowMs() - limits.ageMsMax;
      for (const row of all()) if (row.keptAtMs < oldestMs) await takeOff(row, "age", ctx);
      const named = new Set(all().map(({ fileDigest }) => fileDigest));
      for await (const { ref, modifiedMs } of shelf.list())
        if (!named.has(ref) && modifiedMs < clock.nowMs() - orphanAgeMs) await shelf.remove(ref);
    },
  };
}

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
