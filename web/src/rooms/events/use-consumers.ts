import { useEffect, useMemo, useSyncExternalStore } from "react";
import { after, pause } from "../../hub.ts";
import type { Consumer } from "../../shapes.ts";
import { watchView, type WatchedView } from "../../stream/view-watch.ts";

/** The consumers as the hub has them, for as long as someone looks. */
export function useConsumers(): WatchedView<Consumer> {
  const view = useMemo(
    () =>
      watchView<Consumer>({
        path: "/state/consumers/-/watch",
        fetch: (...args) => fetch(...args),
        pause,
        notifier: { now: Date.now, after, isHidden: () => document.hidden },
      }),
    [],
  );
  useEffect(() => {
    const end = new AbortController();
    void view.follow(end.signal);
    document.addEventListener("visibilitychange", view.wake);
    return () => {
      end.abort();
      document.removeEventListener("visibilitychange", view.wake);
    };
  }, [view]);
  useSyncExternalStore(view.subscribe, view.version);
  return view;
}
