/** What is used now, in memory and ahead of the journal by the charges that are on their way to it. */
import { createLru } from "../../base/lru.ts";
import type { Use } from "./contract.ts";
import { afterCharge, isSameWindow, useKey } from "./views.ts";

type UseName = Pick<Use, "allowanceId" | "episode">;

export interface Uses {
  used(use: UseName, window: number): number;
  /** Takes more, or gives back when negative. */
  add(use: UseName, window: number, amount: number): void;
  /** Whether the soft limit was told of in this window. */
  isNear(use: UseName, window: number): boolean;
  /** That it was, or that the word of it could not be kept. */
  setNear(use: UseName, window: number, isNear: boolean): void;
  forget(allowanceId: string): void;
}

/** More episodes than this do not work at once; an older one is read from the view again. */
const usesMax = 5_000;

export function createUses(stored: (key: string) => Use | undefined): Uses {
  const known = createLru<string, Pick<Use, "window" | "used" | "isNear">>(usesMax);
  const at = (key: string) => known.get(key) ?? stored(key);
  return {
    used: (use, window) => afterCharge(at(useKey(use)), window, 0),
    add(use, window, amount) {
      const key = useKey(use);
      const before = at(key);
      // What is given back to a window that is over helps nobody.
      if (amount < 0 && before?.window !== window) return;
      const isNear = isSameWindow(before, window) && before.isNear;
      known.set(key, { window, used: Math.max(0, afterCharge(before, window, amount)), isNear });
    },
    isNear(use, window) {
      const before = at(useKey(use));
      return isSameWindow(before, window) && before.isNear;
    },
    setNear(use, window, isNear) {
      const key = useKey(use);
      const before = at(key);
      if (before?.window === window) known.set(key, { ...before, isNear });
    },
    forget: (allowanceId) => known.delete(allowanceId),
  };
}
