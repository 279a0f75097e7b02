/**
 * How many calls passed under a quota. A window begins with its first call and is measured by the clock that never goes
 * back, so a clock that is set neither frees nor stalls anybody; a restart goes on from the journal.
 */
import type { Clock } from "../../kernel/ports.ts";
import type { Rule } from "./rule.ts";
import type { QuotaCounts } from "./views.ts";

/** One count as it is written down. */
export interface QuotaCount {
  readonly source: string;
  readonly contract: string;
  readonly key: string;
  readonly count: number;
  readonly windowStartMs: number;
  /** Keys of this contract whose windows ended. */
  readonly ended: string[];
}

export interface QuotaUse {
  readonly rule: Rule;
  readonly key: string;
}

export interface Quotas {
  /** Contracts that something is counted of. */
  readonly size: number;
  /** Milliseconds until the rule lets the next call of the key pass; 0 when it does now. */
  waitMs(rule: Rule, key: string): number;
  used(rule: Rule, key: string): number;
  /** Counts all of them at once, and resolves when it is durable. When that fails, none is counted. */
  take(uses: readonly QuotaUse[]): Promise<void>;
  /** What the journal kept. */
  restore(rows: Iterable<QuotaCounts>): void;
  /** Lets go of the counts of contracts that are no more, and answers whose they were. */
  forget(isKept: (source: string, contract: string) => boolean): readonly Pick<QuotaCount, "source" | "contract">[];
}

type Ticking = Pick<Clock, "nowMs" | "monotonicMs">;

interface Window {
  beganMs: number;
  windowStartMs: number;
  count: number;
}

interface Account {
  readonly source: string;
  readonly contract: string;
  readonly windows: Map<string, Window>;
}

export function createQuotas(clock: Ticking, write: (count: QuotaCount) => Promise<unknown>): Quotas {
  const accounts = new Map<string, Account>();
  const accountOf = (source: string, contract: string): Account => {
    const name = `${contract} ${source}`;
    const known = accounts.get(name);
    if (known !== undefined) return known;
    const made: Account = { source, contract, windows: new Map() };
    accounts.set(name, made);
    return made;
  };
  /** The window that runs now, if one does. */
  const running = (rule: Rule, key: string): Window | undefined => {
    const window = accounts.get(`${rule.contract.id} ${rule.source.name}`)?.windows.get(key);
    return window === undefined || clock.monotonicMs() - window.beganMs >= windowMsOf(rule) ? undefined : window;
  };
  const count = ({ rule, key }: QuotaUse): QuotaCount => {
    const account = accountOf(rule.source.name, rule.contract.id);
    const beganMs = clock.monotonicMs();
    const ended = endWindows(account, beganMs - windowMsOf(rule));
    const window = account.windows.get(key) ?? { beganMs, windowStartMs: clock.nowMs(), count: 0 };
    window.count += 1;
    account.windows.set(key, window);
    const { source, contract } = account;
    return {
      source,
      contract,
      key,
      count: window.count,
      windowStartMs: window.windowStartMs,
      ended: ended.filter((each) => each !== key),
    };
  };
  return {
    get size() {
      return accounts.size;
    },
    waitMs(rule, key) {
      const window = running(rule, key);
      if (window === undefined || window.count < (rule.contract.quotaLimit ?? 0)) return 0;
      return Math.max(1, windowMsOf(rule) - (clock.monotonicMs() - window.beganMs));
    },
    used: (rule, key) => running(rule, key)?.count ?? 0,
    async take(uses) {
      const written = await Promise.allSettled(uses.map((use) => write(count(use))));
      const failed = written.find((each) => each.status === "rejected");
      if (failed === undefined) return;
      for (const { rule, key } of uses) {
        const window = running(rule, key);
        if (window !== undefined) window.count -= 1;
      }
      throw failed.reason;
    },
    restore(rows) {
      for (const { source, contract, windows } of rows) {
        const account = accountOf(source, contract);
        for (const kept of windows) account.windows.set(kept.key, windowOf(kept, clock));
      }
    },
    forget(isKept) {
      const gone = [...accounts.values()].filter(({ source, contract }) => !isKept(source, contract));
      for (const { source, contract } of gone) accounts.delete(`${contract} ${source}`);
      return gone.map(({ source, contract }) => ({ source, contract }));
    },
  };
}

function windowOf({ windowStartMs, count }: QuotaCounts["windows"][number], clock: Ticking): Window {
  // A clock that was set back must not make the window longer than it is from now on.
  const elapsedMs = Math.max(0, clock.nowMs() - windowStartMs);
  return { beganMs: clock.monotonicMs() - elapsedMs, windowStartMs, count };
}

/** Takes out the windows that began so long ago, and answers their keys. */
function endWindows({ windows }: Account, beganMsMax: number): string[] {
  const ended = [...windows].filter(([, { beganMs }]) => beganMs <= beganMsMax).map(([key]) => key);
  for (const key of ended) windows.delete(key);
  return ended;
}

const windowMsOf = ({ contract }: Rule): number => (contract.quotaWindowSecs ?? 0) * 1000;
