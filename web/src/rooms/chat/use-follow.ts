/** Keeps the end of a growing log in sight, unless its reader has scrolled up. */
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

/** Within this of the end somebody is at the end; a line of text is not higher. */
const nearPx = 40;

export interface Follow {
  readonly log: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLDivElement | null>;
  /** Something came that is out of sight. */
  readonly hasMore: boolean;
  readonly onScroll: () => void;
  readonly toEnd: () => void;
}

/** `isAway` begins at another place than the end. */
export function useFollow(isAway: boolean): Follow {
  const log = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(!isAway);
  const lastTop = useRef(0);
  const [hasMore, setHasMore] = useState(false);
  const onScroll = useCallback(() => {
    const element = log.current;
    if (!element) return;
    const isNear = element.scrollHeight - element.scrollTop - element.clientHeight < nearPx;
    // What grew since the last scroll moves the end away as well; only a reader moves up.
    if (isNear) isAtEnd.current = true;
    else if (element.scrollTop < lastTop.current) isAtEnd.current = false;
    lastTop.current = element.scrollTop;
    if (isAtEnd.current) setHasMore(false);
  }, []);
  const toEnd = useCallback(() => {
    isAtEnd.current = true;
    setHasMore(false);
    if (!log.current) return;
    log.current.scrollTop = log.current.scrollHeight;
    // The event of this scroll may come as one with that of a reader who scrolls up at once.
    lastTop.current = log.current.scrollTop;
  }, []);
  useEffect(() => {
    if (!content.current || !log.current) return undefined;
    const grown = new ResizeObserver(() => {
      if (isAtEnd.current) toEnd();
      else setHasMore(true);
    });
    grown.observe(content.current);
    grown.observe(log.current);
    return () => grown.disconnect();
  }, [toEnd]);
  return { log, content, hasMore, onScroll, toEnd };
}
