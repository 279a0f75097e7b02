/**
 * The leases that run, in memory: which covers a call, what is left of each, and which calls are under way by it. Counts are
 * taken here at once, so that calls of the same moment never take more than there is, and written down behind.
 */
import type { Ends } from "../../base/ends.ts";
import { Problem } from "../../contract/problem.ts";
import { Denied } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Amounts as Cost, LeaseHold, Leases, PolicyCall } from "../../kernel/ports.ts";
import type { LeaseBook } from "../policy/contract.ts";
import { type Amounts, type Lease, LeaseSettled, leaseUnits, LeaseUsed } from "./contract.ts";
import { covers } from "./coverage.ts";
import { moved } from "./views.ts";

export interface Holds extends LeaseBook, Leases {
  /** Takes up a lease that was given, as the view has it. */
  learn(lease: Lease): void;
  /** Its row is gone. */
  forget(leaseId: string): void;
  /** Ends it, and with it every call that it let pass. It stays ended, although its row may outlast it by a commit. */
  end(leaseId: string, why: string): void;
  /** Aborts when that lease ends; has done so when there is none. */
  signalOf(leaseId: string): AbortSignal;
  all(): readonly Lease[];
  has(leaseId: string): boolean;
}

interface Live {
  readonly lease: Lease;
  readonly stop: AbortController;
  /** Infinite where nobody counts. */
  usesLeft: number;
  /** Empty where nothing is counted. */
  left: Amounts;
  /** How many calls of each episode are under way. */
  readonly underWay: Map<string, number>;
}

interface HoldsDeps {
  readonly parts: KernelParts;
  readonly ends: Ends<Lease>;
  /** A lease was found to be over. It ends now: a clock that goes back meanwhile revives none. */
  readonly onOver: () => void;
}

export function createHolds({ parts, ends, onOver }: HoldsDeps): Holds {
  const live = new Map<string, Live>();
  const over = new Set<string>();
  const candidates = (call: PolicyCall): readonly Live[] => {
    const covering = [...live.values()].filter((each) => covers(each.lease, call) && hasRoom(each, call));
    const running = covering.filter(({ lease }) => !ends.isOver(lease));
    if (running.length < covering.length) onOver();
    return running;
  };
  return {
    covering: (call) => (live.size === 0 ? null : (best(candidates(call))?.lease ?? null)),
    enter(call) {
      const fitting = live.size === 0 ? [] : candidates(call).filter((each) => takenOf(each, call.cost) !== null);
      const found = best(fitting);
      return found === null ? null : holdOf(found, call, parts);
    },
    learn(lease) {
      if (live.has(lease.leaseId) || over.has(lease.leaseId)) return;
      const { usesLeft = Number.POSITIVE_INFINITY, budgetLeft: left = {} } = lease;
      live.set(lease.leaseId, { lease, stop: new AbortController(), usesLeft, left, underWay: new Map() });
      ends.learn(leasesOf(live));
    },
    end(leaseId, why) {
      const found = live.get(leaseId);
      if (found === undefined) return;
      live.delete(leaseId);
      over.add(leaseId);
      ends.learn(leasesOf(live));
      found.stop.abort(ended(leaseId, found.lease.grantedBy, why));
    },
    forget: (leaseId) => void over.delete(leaseId),
    signalOf: (leaseId) => live.get(leaseId)?.stop.signal ?? AbortSignal.abort(ended(leaseId, "leases", "it is over")),
    all: () => leasesOf(live),
    has: (leaseId) => live.has(leaseId),
  };
}

const leasesOf = (live: ReadonlyMap<string, Live>): readonly Lease[] => [...live.values()].map(({ lease }) => lease);

const ended = (leaseId: string, source: string, why: string): Problem =>
  new Problem(Denied, `the lease that let this pass has ended: ${why}`, { rule: `lease:${leaseId}`, source });

const isCounted = ({ lease }: Live): boolean => lease.uses !== undefined || lease.budget !== undefined;

/** A step on the way belongs to the use that its call has taken. */
function hasRoom(each: Live, { isStep, corrId }: PolicyCall): boolean {
  if (!isCounted(each)) return true;
  if (isStep === true) return corrId !== undefined && each.underWay.has(corrId);
  return each.usesLeft > 0 && leaseUnits.every((unit) => each.left[unit] !== 0);
}

/** One that counts nothing before one that does, and the one that lasts longest: fewer calls are cut off. */
function best(candidates: readonly Live[]): Live | null {
  const [first] = candidates.toSorted(
    (a, b) => Number(isCounted(a)) - Number(isCounted(b)) || b.lease.endsAtMs - a.lease.endsAtMs,
  );
  return first ?? null;
}

/** The most that the call can use of what is counted; null where that is more than is left, or where nobody can say. */
function takenOf({ left }: Live, cost: Cost): Amounts | null {
  const taken: { -readonly [U in keyof Amounts]: Amounts[U] } = {};
  for (const unit of leaseUnits) {
    const has = left[unit];
    if (has === undefined) continue;
    const wanted = cost[unit];
    if (wanted === "unknown" || wanted > has) return null;
    taken[unit] = wanted;
  }
  return taken;
}

function holdOf(each: Live, call: PolicyCall & { readonly cost: Cost }, parts: KernelParts): LeaseHold {
  const { leaseId } = each.lease;
  const { key, caller, corrId = leaseId } = call;
  const taken = takenOf(each, call.cost) ?? {};
  const actor = () => parts.act({ caller: { kind: caller.kind, id: caller.id }, corrId });
  const give = (back: Amounts): void => void (each.left = moved(each.left, back, 1));
  each.usesLeft -= 1;
  each.left = moved(each.left, taken, -1);
  each.underWay.set(corrId, (each.underWay.get(corrId) ?? 0) + 1);
  let isOver = false;
  let isWritten = false;
  return {
    leaseId,
    grantedBy: each.lease.grantedBy,
    signal: each.stop.signal,
    async use() {
      if (isCounted(each)) await actor().emit(LeaseUsed, { leaseId, tool: key, taken });
      isWritten = true;
    },
    async settle(spent) {
      const back = beyond(taken, spent, each.left);
      const over = beyond(spent, taken, each.left);
      if (back === null && over === null) return;
      each.left = moved(moved(each.left, back ?? {}, 1), over ?? {}, -1);
      const data = { leaseId, tool: key, back: back ?? {} };
      await actor().emit(LeaseSettled, over === null ? data : { ...data, over });
    },
    leave() {
      if (isOver) return;
      isOver = true;
      const others = (each.underWay.get(corrId) ?? 1) - 1;
      if (others > 0) each.underWay.set(corrId, others);
      else each.underWay.delete(corrId);
      if (isWritten) return;
      each.usesLeft += 1;
      give(taken);
    },
  };
}

/** By how much one is more than the other, of what is counted; null when by nothing. What nobody knows is neither. */
function beyond(more: Partial<Cost>, less: Partial<Cost>, counted: Amounts): Amounts | null {
  const by: { -readonly [U in keyof Amounts]: Amounts[U] } = {};
  for (const unit of leaseUnits) {
    const [most, least] = [more[unit] ?? 0, less[unit] ?? 0];
    if (counted[unit] === undefined || most === "unknown" || least === "unknown" || most <= least) continue;
    by[unit] = most - least;
  }
  return Object.keys(by).length === 0 ? null : by;
}
