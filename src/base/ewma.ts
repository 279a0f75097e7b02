/** An exponentially weighted moving average: one number that leans to the recent. */

export interface Ewma {
  /** Undefined until the first observation. */
  readonly value: number | undefined;
  readonly count: number;
  /** What is not a finite number is ignored: one bad sample must not poison the average for ever. */
  observe(sample: number): void;
  reset(): void;
}

/** `alpha` is the weight of the newest sample, above 0 and at most 1; the first sample is taken whole. */
export function createEwma(alpha: number): Ewma {
  if (!(alpha > 0 && alpha <= 1)) throw new RangeError(`alpha lies above 0 and at most at 1, not at ${alpha}.`);
  let value: number | undefined;
  let count = 0;
  return {
    get value() {
      return value;
    },
    get count() {
      return count;
    },
    observe(sample) {
      if (!Number.isFinite(sample)) return;
      count += 1;
      // Weights instead of a difference: the difference of two huge samples overflows.
      value = value === undefined ? sample : alpha * sample + (1 - alpha) * value;
    },
    reset() {
      value = undefined;
      count = 0;
    },
  };
}
