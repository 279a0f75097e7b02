/** From this estimated share of common word triples on, two files are told as nearly the same. */
const nearLikenessMin = 0.8;

/** Fewer triples than this say too little: two short lists of the same things are no copies. */
const triplesMin = 16;
/** Files that are nearly the same share most of their smallest hashes; so many are looked up, and two must agree. */
const probes = 8;
const probesSharedMin = 2;
/** Text that opens thousands of files fills a bucket; the other buckets of a file still find its likes. */
const bucketMax = 32;
const sketchSize = 64;

export type Sketched = { readonly path: string; readonly sketch: Uint32Array };
export type NearGroup = { readonly paths: readonly string[]; readonly likeness: number };

type Group = { readonly first: Sketched; readonly paths: string[]; likeness: number };

/**
 * Groups files that are nearly the same. Every file is compared with the first files of the groups in its buckets, never
 * with all others, so the cost grows with the number of files. `files` must be in a fixed order: the first of a group leads it.
 */
export function findNearDuplicates(files: readonly Sketched[]): NearGroup[] {
  const buckets = new Map<number, Group[]>();
  const groups: Group[] = [];
  for (const file of files) {
    if (file.sketch.length < triplesMin) continue;
    const best = bestGroup(file, buckets);
    if (best !== null) {
      best.group.paths.push(file.path);
      best.group.likeness = Math.min(best.group.likeness, best.likeness);
      continue;
    }
    const group: Group = { first: file, paths: [file.path], likeness: 1 };
    groups.push(group);
    for (const hash of file.sketch.subarray(0, probes)) {
      const bucket = buckets.get(hash);
      if (bucket === undefined) buckets.set(hash, [group]);
      else if (bucket.length < bucketMax) bucket.push(group);
    }
  }
  return groups.filter(({ paths }) => paths.length > 1).map(({ paths, likeness }) => ({ paths, likeness }));
}

function bestGroup(
  { sketch }: Sketched,
  buckets: ReadonlyMap<number, Group[]>,
): { group: Group; likeness: number } | null {
  const shared = new Map<Group, number>();
  for (const hash of sketch.subarray(0, probes * 2)) {
    for (const group of buckets.get(hash) ?? []) shared.set(group, (shared.get(group) ?? 0) + 1);
  }
  let best: { group: Group; likeness: number } | null = null;
  for (const [group, count] of shared) {
    if (count < probesSharedMin) continue;
    const likeness = likenessOf(sketch, group.first.sketch);
    if (likeness >= nearLikenessMin && (best === null || likeness > best.likeness)) best = { group, likeness };
  }
  return best;
}

/** Estimated Jaccard likeness: the share of common hashes among the smallest of both. Exact when a sketch is not full. */
function likenessOf(a: Uint32Array, b: Uint32Array): number {
  const isExact = a.length < sketchSize && b.length < sketchSize;
  const limit = isExact ? a.length + b.length : sketchSize;
  let inA = 0;
  let inB = 0;
  let shared = 0;
  let count = 0;
  while (count < limit && (inA < a.length || inB < b.length)) {
    const left = inA < a.length ? (a[inA] ?? 0) : Number.POSITIVE_INFINITY;
    const right = inB < b.length ? (b[inB] ?? 0) : Number.POSITIVE_INFINITY;
    if (left === right) shared++;
    if (left <= right) inA++;
    if (right <= left) inB++;
    count++;
  }
  return count === 0 ? 0 : shared / count;
}
