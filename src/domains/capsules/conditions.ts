/**
 * What runs work under: the policies, contracts, allowances and versions of their time. Written down when a run begins under
 * others than the run before it; the texts are one blob, so that a thousand runs under the same rules keep them once.
 */
import { canonicalJson, digestOf } from "../../base/canonical-json.ts";
import type { Context } from "../../contract/operation.ts";
import { isProblem } from "../../contract/problem.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { isFromOutside, RunResumed, RunStarted } from "../agents/contract.ts";
import { type Conditions, ConditionsRecorded } from "./contract.ts";
import { digestOfBytes } from "./capsule-file.ts";
import type { CapsuleMeans } from "./port.ts";

type Means = Pick<CapsuleMeans, "blobs" | "clock" | "log" | "cutter" | "program" | "rules">;
type Facts = Omit<ConditionsRecorded, "atSeq">;

/** The blob counts as used again after this, so that it is not older than the runs that name it. A day. */
const touchEveryMs = 86_400_000;

/** Follows runs from now on; one after the other, in the order in which they began. */
export function recordConditions(parts: KernelParts, means: Means, ctx: Context): void {
  let last = Promise.resolve();
  const state: State = { known: newestOf(parts)?.facts ?? null, touchedAtMs: 0 };
  const note = async (start: Start): Promise<void> => {
    try {
      await noteAt(start, { parts, means, ctx, state });
    } catch (error) {
      if (ctx.signal.aborted) return;
      // A run is not stopped for its label, and a rule may keep it from being told.
      const tell = isProblem(error) ? means.log.info : means.log.error;
      tell("what a run works under could not be recorded", { error: String(error) });
    }
  };
  const stop = parts.kernel.bus.listen([RunStarted.kind, RunResumed.kind], ({ seq, data }) => {
    // One call of a program outside, of which there may be many a second: its rules are told as not known.
    if (isFromOutside((data as { readonly input?: unknown } | null)?.input)) return;
    // As they are at this very moment; they may have changed when their turn comes.
    const start = { atSeq: seq, rules: means.rules() };
    last = last.then(() => note(start));
  });
  ctx.signal.addEventListener("abort", stop, { once: true });
}

interface Start {
  readonly atSeq: number;
  readonly rules: Conditions;
}

interface State {
  known: Facts | null;
  touchedAtMs: number;
}

interface Noting {
  readonly parts: KernelParts;
  readonly means: Means;
  readonly ctx: Context;
  readonly state: State;
}

async function noteAt({ atSeq, rules }: Start, { parts, means, ctx, state }: Noting): Promise<void> {
  const conditions = means.cutter.value(rules);
  const bytes = Buffer.from(canonicalJson(conditions));
  const { policies, contracts, allowances } = conditions;
  const facts: Facts = {
    conditions: digestOfBytes(bytes),
    policies: policies.length,
    policyDigest: digestOf(policies),
    contracts: contracts.length,
    contractsDigest: digestOf(contracts),
    allowances: allowances.length,
    allowancesDigest: digestOf(allowances),
    version: means.program.version,
    nodeVersion: means.program.nodeVersion,
    tableHash: parts.kernel.table.hash,
  };
  const isKnown = state.known !== null && digestOf(state.known) === digestOf(facts);
  const nowMs = means.clock.nowMs();
  if (!isKnown || nowMs - state.touchedAtMs > touchEveryMs) {
    await means.blobs.put(bytes);
    state.touchedAtMs = nowMs;
  }
  if (isKnown) return;
  await ctx.emit(ConditionsRecorded, { atSeq, ...facts });
  state.known = facts;
}

export interface Noted {
  readonly facts: Facts;
  readonly timeMs: number;
}

/** Records that came behind the start that they are for, at most: one commit holds no more runs. */
const lateMax = 64;

/** What was recorded for the run that began at this position; null when nothing was. */
export function conditionsAt(parts: KernelParts, startSeq: number): Noted | null {
  const { journal } = parts.kernel;
  const late = journal.read({ kinds: [ConditionsRecorded.kind], afterSeq: startSeq, limit: lateMax });
  const own = late.findLast(({ data }) => data !== null && (data as ConditionsRecorded).atSeq <= startSeq);
  return own === undefined ? newestOf(parts, startSeq) : notedOf(own);
}

function newestOf({ kernel }: KernelParts, toSeq?: number): Noted | null {
  const upTo = toSeq === undefined ? {} : { toSeq };
  const [last] = kernel.journal.read({ kinds: [ConditionsRecorded.kind], order: "desc", limit: 1, ...upTo });
  return last === undefined || last.data === null ? null : notedOf(last);
}

function notedOf({ data, timeMs }: { readonly data: unknown; readonly timeMs: number }): Noted {
  const { atSeq: _start, ...facts } = data as ConditionsRecorded;
  return { facts, timeMs };
}
