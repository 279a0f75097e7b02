import { useNow } from "../hub-context.ts";
import { formatExact, formatWhen } from "../text/formats.ts";

/** A moment: relative under an hour, exact on hover. */
export function When({ timeMs }: { readonly timeMs: number }) {
  const now = useNow();
  return (
    <time dateTime={new Date(timeMs).toISOString()} title={formatExact(timeMs)}>
      {formatWhen(timeMs, Math.max(now, timeMs))}
    </time>
  );
}
