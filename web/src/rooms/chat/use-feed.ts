import { useEffect, useMemo, useSyncExternalStore } from "react";
import { after, pause } from "../../hub.ts";
import { useHub } from "../../hub-context.ts";
import { keys } from "../../stream/refresh.ts";
import { type AnswerFeed, createAnswerFeed, type LiveAnswer } from "./answer-feed.ts";
import { chatApi } from "./chat-api.ts";

/** The answer that comes in one conversation, for as long as it is open. */
export function useFeed(conversation: string): AnswerFeed {
  const { client } = useHub();
  const feed = useMemo(
    () =>
      createAnswerFeed({
        notifier: { now: Date.now, after, isHidden: () => document.hidden },
        pause,
        openFollow: (message, signal) => chatApi.follow(conversation, message, signal),
        onTurn: () => void client.invalidateQueries({ queryKey: keys.chat }),
      }),
    [conversation, client],
  );
  useEffect(() => {
    document.addEventListener("visibilitychange", feed.wake);
    return () => {
      document.removeEventListener("visibilitychange", feed.wake);
      feed.leave();
    };
  }, [feed]);
  return feed;
}

/** Renders again when something came, at most ten times a second. */
export function useLive(feed: AnswerFeed): LiveAnswer | null {
  useSyncExternalStore(feed.subscribe, feed.version);
  return feed.now();
}
