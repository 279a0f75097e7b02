/** What the journal remembers of capsules: enough to refuse a replay, and to offer anew what an earlier boot held. */
import type { Views } from "../../kernel/kernel.ts";
import { rememberedMax } from "./format.ts";
import { type HeldCapsule, provenanceCapsules } from "./views.ts";

export interface Memory {
  /** Reads the view once, at the start; from then on it follows. */
  load(views: Views): void;
  readonly isFull: boolean;
  get(key: string): HeldCapsule | undefined;
  all(): readonly HeldCapsule[];
  /** Those that an earlier boot held. */
  former(): readonly HeldCapsule[];
  /** Those whose rules ended before this moment. */
  endedBefore(nowMs: number): readonly HeldCapsule[];
  /** When the next one ends; null when none is remembered. */
  nextEndMs(): number | null;
  onChange(run: () => void): void;
}

export function createMemory(): Memory {
  const rows = new Map<string, HeldCapsule>();
  const watchers: (() => void)[] = [];
  return {
    load(views) {
      const page = views.list(provenanceCapsules, { limit: rememberedMax * 2 });
      for (const { key, row } of page.rows) rows.set(key, row);
      views.onChange(provenanceCapsules.name, (changes) => {
        for (const { key, after } of changes)
          if (after === undefined) rows.delete(key);
          else rows.set(key, after as HeldCapsule);
        for (const run of watchers) run();
      });
    },
    get isFull() {
      return rows.size >= rememberedMax;
    },
    get: (key) => rows.get(key),
    all: () => [...rows.values()],
    former: () => [...rows.values()].filter(({ status }) => status === "former"),
    endedBefore: (nowMs) => [...rows.values()].filter(({ untilMs }) => untilMs < nowMs),
    nextEndMs() {
      let nextMs: number | null = null;
      for (const { untilMs } of rows.values()) nextMs = Math.min(nextMs ?? untilMs, untilMs);
      return nextMs;
    },
    onChange: (run) => void watchers.push(run),
  };
}
