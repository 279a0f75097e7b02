import { useEffect, useRef, useState } from "react";
import { useHub } from "../hub-context.ts";
import { isErrorKind } from "../text/event-words.ts";
import { t } from "../text/messages.ts";
import { plainLine } from "../text/plain.ts";
import { useHalt } from "./use-halt.ts";
import { useWaiting } from "./use-now.ts";

/** More often would talk over everything else. */
const pauseMs = 5_000;

/** The one polite voice of the app: what waits for the user first, the stream in summaries. */
export function Announcer() {
  const { store } = useHub();
  const waiting = useWaiting().length;
  const halt = useHalt();
  const [text, setText] = useState("");
  const asked = waiting > 0 ? t("announce.approval.waiting", { count: waiting }) : text;
  const lastMs = useRef(0);
  const next = useRef(store.ring.end);
  useEffect(
    () =>
      store.subscribe(() => {
        if (next.current > store.ring.end) next.current = store.ring.start;
        if (Date.now() - lastMs.current < pauseMs) return;
        const count = store.ring.end - next.current;
        let errors = 0;
        for (let position = Math.max(next.current, store.ring.start); position < store.ring.end; position += 1) {
          if (isErrorKind(store.ring.at(position)?.kind ?? "")) errors += 1;
        }
        next.current = store.ring.end;
        if (count === 0) return;
        lastMs.current = Date.now();
        setText(t("announce.stream.summary", { count, errors }));
      }),
    [store],
  );
  return (
    <div className="hidden-text" role="status" aria-live="polite">
      {halt ? t("announce.halt.on", { caller: plainLine(halt.by) }) : asked}
    </div>
  );
}
