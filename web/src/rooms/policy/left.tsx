import { useNow } from "../../hub-context.ts";
import { formatDuration, formatExact } from "../../text/formats.ts";
import { p } from "./policy-messages.ts";

const dayMs = 86_400_000;

/** Counting days is enough where there are two of them. */
export function leftText(leftMs: number): string {
  if (leftMs <= 0) return p("policy.time.over");
  if (leftMs >= 2 * dayMs) return p("policy.time.days", { count: Math.floor(leftMs / dayMs) });
  return formatDuration(Math.max(1000, Math.floor(leftMs / 1000) * 1000));
}

/** What is left until a moment, by the second. */
export function Left({ untilMs }: { readonly untilMs: number }) {
  const now = useNow();
  return (
    <time dateTime={new Date(untilMs).toISOString()} title={formatExact(untilMs)}>
      {leftText(untilMs - now)}
    </time>
  );
}
