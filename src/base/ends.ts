/**
 * When permissions end: when the wall clock says so, or when their time has passed. A clock that goes back lengthens none, and
 * one that goes forward ends them early.
 */

interface BothClocks {
  /** Wall clock, epoch milliseconds. */
  nowMs(): number;
  /** Never goes back. */
  monotonicMs(): number;
}

export interface Ending {
  readonly leaseId: string;
  readonly grantedAtMs: number;
  readonly endsAtMs: number;
}

export interface Ends<E extends Ending> {
  leftMs(lease: E): number;
  isOver(lease: E): boolean;
  /** Remembers those that are new, and forgets those that are gone. */
  learn(leases: readonly E[]): readonly E[];
}

export function createEnds<E extends Ending>(clock: BothClocks): Ends<E> {
  const endsAt = new Map<string, number>();
  const leftMs = ({ leaseId, endsAtMs }: E): number =>
    Math.min(endsAtMs - clock.nowMs(), (endsAt.get(leaseId) ?? Number.POSITIVE_INFINITY) - clock.monotonicMs());
  return {
    leftMs,
    isOver: (lease) => leftMs(lease) <= 0,
    learn(leases) {
      const ids = new Set(leases.map(({ leaseId }) => leaseId));
      for (const leaseId of endsAt.keys()) if (!ids.has(leaseId)) endsAt.delete(leaseId);
      // A clock that was set back before this start gives none more than it was given.
      for (const { leaseId, grantedAtMs, endsAtMs } of leases)
        if (!endsAt.has(leaseId))
          endsAt.set(leaseId, clock.monotonicMs() + endsAtMs - Math.max(clock.nowMs(), grantedAtMs));
      return leases;
    },
  };
}
