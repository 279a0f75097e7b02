/** How a replay goes: where it stands in the record, whether it departed from it, and how it ends. */
import type { Envelope } from "../../contract/event.ts";
import { Problem, type ProblemDefinition } from "../../contract/problem.ts";
import { Cancelled } from "../../contract/standard-problems.ts";
import { type ReplayOptions, RunCancelled } from "./contract.ts";
import type { Divergence } from "./replay.ts";
import { createOrder, type Order, type Turn } from "./replay-order.ts";
import type { Reading } from "./replay-reading.ts";
import { createSupply, type Supply } from "./replay-supply.ts";

/** How a run ends that goes no further though it has not ended. */
export type Ending =
  | { readonly kind: "diverged"; readonly divergence: Divergence }
  /** An answer of the record is gone or was cut. */
  | { readonly kind: "incomplete"; readonly step: number }
  /** The record ends before the run does. */
  | { readonly kind: "open" }
  | { readonly kind: "unknown"; readonly step: number; readonly why: string };

export interface Following {
  readonly reading: Reading;
  readonly blob: (ref: string) => Promise<Uint8Array | null>;
  readonly problems: ReadonlyMap<string, ProblemDefinition>;
  readonly redact: (value: unknown) => unknown;
  readonly options: ReplayOptions;
  /** Runs when everything that can move has moved. */
  readonly soon: (run: () => void) => void;
  /** Stops the run as a person did. */
  readonly abort: (reason: Problem) => void;
  readonly declassify: (source: { readonly step: number; readonly digest: string; readonly seq: number }) => void;
}

export interface Course extends Pick<Following, "reading" | "blob" | "problems" | "redact" | "options"> {
  readonly order: Order;
  readonly supply: Supply;
  readonly made: Envelope[];
  readonly isBranch: boolean;
  nowMs: number;
  departedAt(): number | null;
  isOver(): boolean;
  readonly ended: Promise<Ending>;
  end(ending: Ending): void;
  /** From here on the record is a supply of answers and nothing to be compared with. */
  depart(step: number): void;
  /** Ends a replay; a branch departs. */
  differ(divergence: Divergence): void;
  /** A turn for everybody else, where it is time for one; null where it is not. */
  rest(): Promise<void> | null;
}

/** Events that are made again between two rests: some twenty milliseconds of work, beside which a rest costs little. */
const strideEvents = 2_000;

export function createCourse(following: Following): Course {
  const { reading, options, blob, problems, redact, soon } = following;
  const isBranch = options.beforeStep !== undefined || options.given !== undefined;
  const ended = Promise.withResolvers<Ending>();
  let isOver = false;
  let departedAt: number | null = null;
  let restAt = strideEvents;
  const order = createOrder({
    own: reading.own,
    soon,
    onPass(at) {
      if (reading.declassified.size === 0) return;
      for (const source of reading.declassified.get(at) ?? []) following.declassify(source);
    },
    onStuck: (first) => {
      if (!isOver) decide(first, course, following.abort);
    },
  });
  const course: Course = {
    reading,
    options,
    blob,
    problems,
    redact,
    order,
    supply: createSupply(reading.steps),
    made: [],
    isBranch,
    nowMs: reading.started.timeMs,
    departedAt: () => departedAt,
    isOver: () => isOver,
    ended: ended.promise,
    end(ending) {
      isOver = true;
      ended.resolve(ending);
    },
    depart(step) {
      departedAt ??= step;
      for (const each of order.clear()) each.depart();
    },
    differ(divergence) {
      if (isBranch) course.depart(divergence.step ?? 0);
      else course.end({ kind: "diverged", divergence });
    },
    rest() {
      const at = order.at();
      if (at < restAt) return null;
      restAt = at + strideEvents;
      options.onPlace?.(at, reading.own.length);
      return order.during(new Promise<void>((resolve) => soon(resolve)));
    },
  };
  return course;
}

/** The code waits for something that is not what the record has next, and nothing moves any more. */
function decide(first: Turn, course: Course, abort: Following["abort"]): void {
  const { order } = course;
  const next = order.next();
  if (next === undefined) return course.end({ kind: "open" });
  if (next.data === null) {
    // What retention let go of was read again by a resume; or else it is what is missing now.
    const after = order.after();
    if (after !== undefined && order.isAwaited(after)) return order.pass();
    return course.end({ kind: "incomplete", step: first.step ?? 1 });
  }
  const { kind, data, seq } = next;
  if (kind === RunCancelled.kind) {
    const reason = new Problem(Cancelled, (data as { readonly reason: string }).reason);
    abort(reason);
    for (const each of order.clear()) each.stop(reason);
    return undefined;
  }
  const why = `the record has ${kind} here, and the code did something else`;
  return course.differ({ step: first.step, seq, at: "", why, recorded: { kind, data }, made: first.says });
}
