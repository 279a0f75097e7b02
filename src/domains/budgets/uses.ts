/** What is used now, in memory and ahead of the journal by the charges that are on their way to it. */
import { createLru } from "../../base/lru.ts";
import type { Use } from "./contract.ts";
import { afterCharge, useKey } from "./views.ts";

type UseName = Pick<Use, "allowanceId" | "episode">;

export interface Uses {
  used(use: UseName, window: number): number;
  /** Takes more, or gives back when negative. */
  add(use: UseName, window: number, amount: number): void;
  forget(allowanceId: string): void;
}

/** More episodes than this do not work at once; an older one is read from the view again. */
const usesMax = 5_000;

export function createUses(stored: (key: string) => Use | undefined): Uses {
  const known = createLru<string, { readonly window: number; readonly used: number }>(usesMax);
  const at = (key: string) => known.get(key) ?? stored(key);
  return {
    used: (use, window) => afterCharge(at(useKey(use)), window, 0),
    add(use, window, amount) {
      const key = useKey(use);
      const before = at(key);
      // What is given back to a window that is over helps nobody.
      if (amount < 0 && before?.window !== window) return;
      known.set(key, { window, used: Math.max(0, afterCharge(before, window, amount)) });
    },
    forget: (allowanceId) => known.delete(allowanceId),
  };
}
