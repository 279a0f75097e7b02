import type { BriefFile, BriefLimits, Inventory, Listing, SizedPath } from "./findings.ts";
import { comparePath, compareText, createRanking, type Ranking } from "./ranking.ts";

export type InventoryBuilder = { add(file: BriefFile): void; result(): Inventory };

type Kind = Inventory["kinds"][number];
/** Reasons come from a short list of the reader; a flood of distinct ones is counted under one name. */
const reasonsMax = 64;
const otherReason = "other reasons";

/** Counts files by kind and size, and the skipped ones by reason. */
export function createInventory(limits: BriefLimits): InventoryBuilder {
  const kinds = new Map<string, Kind>();
  const skipped = new Map<string, Ranking<string>>();
  const largest = createRanking<SizedPath>(
    limits.largest,
    (a, b) => b.sizeBytes - a.sizeBytes || comparePath(a.path, b.path),
  );
  const truncated = createRanking<string>(3, comparePath);
  const empty = createRanking<string>(3, comparePath);
  let fileCount = 0;
  let sizeBytes = 0;
  let wordCount = 0;
  return {
    add({ path, sizeBytes: size, outline, skippedReason }) {
      fileCount++;
      sizeBytes += size;
      wordCount += outline?.wordCount ?? 0;
      largest.offer({ path, sizeBytes: size });
      if (size === 0) empty.offer(path);
      if (outline?.isTruncated === true) truncated.offer(path);
      const kind = outline?.kind ?? "other";
      const known = kinds.get(kind) ?? { kind, count: 0, sizeBytes: 0, firstPath: path };
      const firstPath = comparePath(path, known.firstPath) < 0 ? path : known.firstPath;
      kinds.set(kind, { kind, count: known.count + 1, sizeBytes: known.sizeBytes + size, firstPath });
      if (skippedReason === undefined) return;
      const reason = skipped.has(skippedReason) || skipped.size < reasonsMax ? skippedReason : otherReason;
      const paths = skipped.get(reason) ?? createRanking<string>(3, comparePath);
      skipped.set(reason, paths);
      paths.offer(path);
    },
    result: () => ({
      fileCount,
      sizeBytes,
      wordCount,
      kinds: [...kinds.values()].toSorted((a, b) => b.count - a.count || compareText(a.kind, b.kind)),
      largest: largest.first(),
      skipped: [...skipped]
        .map(([reason, paths]) => ({ reason, count: paths.count, paths: paths.first() }))
        .toSorted((a, b) => b.count - a.count || compareText(a.reason, b.reason))
        .slice(0, limits.skippedReasons),
      truncated: listingOf(truncated),
      empty: listingOf(empty),
    }),
  };
}

function listingOf(ranking: Ranking<string>): Listing<string> {
  return { entries: ranking.first(), count: ranking.count, isComplete: true };
}
