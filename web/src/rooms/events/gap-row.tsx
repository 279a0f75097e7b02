import { useSyncExternalStore } from "react";
import { useHub } from "../../hub-context.ts";
import { Button } from "../../parts/button.tsx";
import type { HubEvent } from "../../shapes.ts";
import { type GapFill, rangeOf } from "../../stream/gap-fills.ts";
import { v } from "./events-messages.ts";
import styles from "./gap-row.module.css";
import { reasonOf } from "./reason-of.ts";

export interface GapRowProps {
  readonly gap: HubEvent;
  /** How many of the events that were read into it pass the filter. */
  readonly shownCount: number;
  /** It is about to be read: whoever follows the newest stays here. */
  readonly onLoad?: () => void;
}

/** Where the stream lost events: how many, and the way to get them back. */
export function GapRow({ gap, shownCount, onLoad }: GapRowProps) {
  const { gaps } = useHub();
  useSyncExternalStore(gaps.subscribe, gaps.version);
  const fill = gaps.of(gap);
  const load = (): void => {
    onLoad?.();
    void gaps.load(gap);
  };
  const isWhole = fill?.phase === "whole";
  return (
    <div className={isWhole ? `${styles["gap"]} ${styles["filled"]}` : styles["gap"]} data-thing="gap" tabIndex={0}>
      <span>{gapText(gap, fill, shownCount)}</span>
      {fill?.phase === "failed" ? (
        <span role="alert">{v("events.gap.failed", { reason: reasonOf(fill.error) })}</span>
      ) : null}
      {isWhole ? null : (
        <Button look="quiet" hotkey="Enter" disabled={fill?.phase === "loading"} onClick={load}>
          {v(buttonKey(fill))}
        </Button>
      )}
    </div>
  );
}

function buttonKey(fill: GapFill | undefined) {
  if (fill?.phase === "loading") return "events.gap.loading";
  return fill && fill.events.length > 0 ? "events.gap.older" : "events.gap.load";
}

function gapText(gap: HubEvent, fill: GapFill | undefined, shown: number): string {
  const { skipped } = rangeOf(gap);
  const loaded = fill?.events.length ?? 0;
  if (fill?.phase !== "whole") {
    return loaded === 0
      ? v("events.gap.text", { count: skipped })
      : v("events.gap.partial", { count: skipped, loaded, shown });
  }
  if (loaded === 0) return v("events.gap.passed", { count: skipped });
  const passed = Math.max(0, skipped - loaded);
  return passed > 0
    ? v("events.gap.rest", { count: skipped, loaded, shown, passed })
    : v("events.gap.whole", { count: skipped, shown });
}
