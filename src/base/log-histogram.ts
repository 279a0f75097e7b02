/**
 * Quantiles of the recent past in a fixed few kilobytes: buckets that grow by a constant factor, so every answer is
 * within `relativeError`, in two epochs that take turns, so the past is forgotten.
 */

export interface LogHistogramOptions {
  /** Half the width of a bucket, as a part of its value. */
  readonly relativeError?: number;
  /** Samples below count as `min`, above as `max`. */
  readonly min: number;
  readonly max: number;
  /** Samples in one epoch. The answers cover the last one to two epochs. */
  readonly epochSize?: number;
}

export interface LogHistogram {
  /** Samples that the answers cover: the newest `count` ones. */
  readonly count: number;
  /** Allocates nothing. What is not a number is ignored. */
  observe(sample: number): void;
  /** The sample of nearest rank, `q` from 0 to 1; undefined before the first one. */
  quantile(q: number): number | undefined;
  reset(): void;
}

/** Two epochs of 16-bit counters in 8 KB. */
const bucketsMax = 2_000;
/** What a 16-bit counter holds. */
const epochSizeMax = 65_535;
/** After twice as many, 300 samples, nothing of the past is left, so a step shows within 300 samples at any quantile. */
const epochSizeDefault = 150;

export function createLogHistogram(options: LogHistogramOptions): LogHistogram {
  const { relativeError = 0.01, min, max, epochSize = epochSizeDefault } = options;
  if (!(relativeError > 0 && relativeError < 1)) throw new RangeError("relativeError lies between 0 and 1.");
  if (!(min > 0 && max > min && max < Number.POSITIVE_INFINITY))
    throw new RangeError("0 < min < max, and max is finite.");
  if (!Number.isInteger(epochSize) || epochSize < 1 || epochSize > epochSizeMax) {
    throw new RangeError(`epochSize is a whole number from 1 to ${epochSizeMax}.`);
  }
  const logGrowth = Math.log((1 + relativeError) / (1 - relativeError));
  const bucketCount = Math.ceil(Math.log(max / min) / logGrowth) + 1;
  if (bucketCount > bucketsMax)
    throw new RangeError(`The range takes ${bucketCount} buckets of at most ${bucketsMax}.`);

  let current = new Uint16Array(bucketCount);
  let previous = new Uint16Array(bucketCount);
  let currentCount = 0;
  let previousCount = 0;

  const rotate = (): void => {
    const spent = previous;
    previous = current;
    previousCount = currentCount;
    current = spent.fill(0);
    currentCount = 0;
  };

  /** Bucket i holds the samples within `relativeError` of its middle, min x growth^i. */
  const valueOf = (bucket: number): number => Math.min(max, min * Math.exp(bucket * logGrowth));

  return {
    get count() {
      return currentCount + previousCount;
    },
    observe(sample) {
      if (Number.isNaN(sample)) return;
      if (currentCount === epochSize) rotate();
      const clamped = Math.min(max, Math.max(min, sample));
      const bucket = Math.min(bucketCount - 1, Math.round(Math.log(clamped / min) / logGrowth));
      current[bucket] = (current[bucket] ?? 0) + 1;
      currentCount += 1;
    },
    quantile(q) {
      if (!(q >= 0 && q <= 1)) throw new RangeError(`A quantile lies between 0 and 1, not at ${q}.`);
      const count = currentCount + previousCount;
      if (count === 0) return undefined;
      let rank = Math.max(1, Math.ceil(q * count));
      for (let bucket = 0; bucket < bucketCount; bucket += 1) {
        rank -= (current[bucket] ?? 0) + (previous[bucket] ?? 0);
        if (rank <= 0) return valueOf(bucket);
      }
      return max;
    },
    reset() {
      current.fill(0);
      previous.fill(0);
      currentCount = 0;
      previousCount = 0;
    },
  };
}
