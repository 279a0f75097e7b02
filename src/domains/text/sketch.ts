/**
 * A sketch is the `sketchSize` smallest hashes of a text's word triples, ascending. Two sketches estimate how much two
 * texts have in common (Jaccard) without either text; for texts of up to `sketchSize` triples the answer is exact.
 * One hash per triple makes it several times cheaper than a hash per slot.
 */
export const sketchSize = 64;

export type SketchBuilder = { add(hash: number): void; hashes(): number[] };

export function createSketch(): SketchBuilder {
  const smallest = new Uint32Array(sketchSize);
  let count = 0;
  return {
    add(hash) {
      if (count === sketchSize && hash >= (smallest[count - 1] ?? 0)) return;
      const at = insertionPoint(smallest, count, hash);
      if (at < count && smallest[at] === hash) return;
      smallest.copyWithin(at + 1, at, Math.min(count, sketchSize - 1));
      smallest[at] = hash;
      if (count < sketchSize) count++;
    },
    hashes: () => [...smallest.subarray(0, count)],
  };
}

function insertionPoint(sorted: Uint32Array, count: number, hash: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < hash) low = middle + 1;
    else high = middle;
  }
  return low;
}
