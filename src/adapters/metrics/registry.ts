/**
 * The few shapes of metric the hub has, over prom-client. Every one that takes labels takes a bounded number of different
 * ones: what comes after that is counted together.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Stands for every label beyond the bound, so that totals stay true. */
export const otherLabel = "other";
/** Far above the rows of the table times their outcomes; a scrape of as many lines still takes milliseconds. */
const labelSetsMax = 5_000;
/** Between labels in a key: no label of ours holds it. */
const separator = "\u0000";

export interface Tally {
  (...labels: string[]): void;
  /** What was counted, in the order it came first. */
  readonly counts: ReadonlyMap<string, { readonly labels: readonly string[]; readonly count: number }>;
}

export interface Timing {
  /** Seconds, as everything that Prometheus measures. */
  observe(seconds: number): void;
}

interface Named {
  readonly name: string;
  readonly help: string;
}
type Labelled = Named & { readonly label: string };
type LabelledFigures = () => Iterable<readonly [label: string, figure: number]>;
type TallyOptions = Named & { readonly labelNames: readonly string[]; readonly setsMax?: number };
type TimingOptions = Named & { readonly labelNames: readonly string[]; readonly buckets: readonly number[] };

export interface MetricSet {
  readonly registry: Registry;
  gauge(name: string, help: string, read: () => number | Promise<number>): void;
  counter(name: string, help: string, read: () => number): void;
  /** One line per label: what is read replaces what was there. */
  gauges(options: Labelled, read: LabelledFigures): void;
  counters(options: Labelled, read: LabelledFigures): void;
  /** Counts in a plain map, which the scrape reads: the hot path pays for one look-up. */
  tally(options: TallyOptions): Tally;
  /** A histogram with a child per set of labels, found once by whoever observes often. */
  timings(options: TimingOptions): (...labels: string[]) => Timing;
}

export function createMetricSet(): MetricSet {
  const registry = new Registry();
  const registers = [registry];
  const keep = (_metric: unknown): void => undefined;
  const counters = ({ name, help, labelNames }: TallyOptions, fill: (counter: Counter) => void): void =>
    keep(
      new Counter({
        name,
        help,
        labelNames: [...labelNames],
        registers,
        collect() {
          this.reset();
          fill(this);
        },
      }),
    );
  const gauges = ({ name, help, labelNames }: TallyOptions, fill: (gauge: Gauge) => void | Promise<void>): void =>
    keep(
      new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers,
        async collect() {
          this.reset();
          await fill(this);
        },
      }),
    );
  return {
    registry,
    gauge: (name, help, read) => gauges({ name, help, labelNames: [] }, async (gauge) => gauge.set(await read())),
    counter: (name, help, read) => counters({ name, help, labelNames: [] }, (counter) => counter.inc(read())),
    gauges: ({ label, ...named }, read) =>
      gauges({ ...named, labelNames: [label] }, (gauge) => {
        for (const [value, figure] of read()) gauge.labels(value).set(figure);
      }),
    counters: ({ label, ...named }, read) =>
      counters({ ...named, labelNames: [label] }, (counter) => {
        for (const [value, figure] of read()) counter.labels(value).inc(figure);
      }),
    tally(options) {
      const tally = createTally(options);
      counters(options, (counter) => {
        for (const { labels, count } of tally.counts.values()) counter.labels(...labels).inc(count);
      });
      return tally;
    },
    timings: (options) => createTimings(options, registers),
  };
}

function createTally({ labelNames, setsMax = labelSetsMax }: TallyOptions): Tally {
  const counts = new Map<string, { readonly labels: readonly string[]; count: number }>();
  const others = labelNames.map(() => otherLabel);
  const addTo = (key: string, labels: readonly string[]): void => {
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { labels, count: 1 });
    else known.count += 1;
  };
  const add = (...labels: string[]): void => {
    const key = labels.length === 1 ? (labels[0] ?? "") : labels.join(separator);
    const hasPlace = counts.has(key) || counts.size < setsMax - 1;
    if (hasPlace) addTo(key, labels);
    else addTo(others.join(separator), others);
  };
  return Object.assign(add, { counts });
}

function createTimings(options: TimingOptions, registers: Registry[]): (...labels: string[]) => Timing {
  const { name, help, labelNames, buckets } = options;
  const histogram = new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers });
  if (labelNames.length === 0) return () => histogram;
  const children = new Map<string, Timing>();
  const others = labelNames.map(() => otherLabel);
  return (...labels) => {
    const asked = labels.length === 1 ? (labels[0] ?? "") : labels.join(separator);
    const hasPlace = children.has(asked) || children.size < labelSetsMax - 1;
    const key = hasPlace ? asked : others.join(separator);
    let child = children.get(key);
    if (child === undefined) {
      child = histogram.labels(...(hasPlace ? labels : others));
      children.set(key, child);
    }
    return child;
  };
}
