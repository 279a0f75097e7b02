import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "react";
import { JsonView } from "../../parts/json-view.tsx";
import type { StoryLine } from "../../shapes.ts";
import { t } from "../../text/messages.ts";
import { plainLine } from "../../text/plain.ts";
import { EventRow } from "./event-row.tsx";
import styles from "./story-events.module.css";
import { useRowHeight } from "./use-row-height.ts";

/** The events of one episode, all of them: only the rows in sight are in the page. */
export function StoryEvents({ story }: { readonly story: readonly StoryLine[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [openSeq, setOpenSeq] = useState<number>();
  const rowHeight = useRowHeight();
  const rows = useVirtualizer({
    count: story.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => story[index]?.seq ?? index,
    overscan: 10,
  });
  return (
    <div ref={scroller} className={styles["scroller"]} role="group" aria-label={t("episode.tab.events")}>
      <div className={styles["whole"]} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((item) => {
          const line = story[item.index];
          if (!line) return null;
          const isOpen = line.seq === openSeq;
          return (
            <div
              key={item.key}
              ref={rows.measureElement}
              data-index={item.index}
              className={styles["item"]}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <EventRow
                kind={line.kind}
                timeMs={line.timeMs}
                caller={String(line.seq)}
                gist={plainLine(line.text)}
                isOpen={isOpen}
                copy={String(line.seq)}
                onOpen={() => setOpenSeq(isOpen ? undefined : line.seq)}
              />
              {isOpen ? (
                <div className={styles["json"]}>
                  <JsonView value={line} />
                </div>
              ) : null}
            </div>
          );
        })}
      </div>
    </div>
  );
}
