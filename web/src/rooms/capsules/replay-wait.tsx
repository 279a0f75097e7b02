import { useState } from "react";
import { useStream } from "../../hub-context.ts";
import { Skeleton } from "../../parts/skeleton.tsx";
import { plainLine } from "../../text/plain.ts";
import { k } from "./capsules-messages.ts";
import { progressIn } from "./replay-progress.ts";

/** While a replay works; a long one says how far it is. */
export function ReplayWait({ id }: { readonly id: string }) {
  const { ring } = useStream();
  // What was told of a former replay is not this one's.
  const [from] = useState(ring.end);
  const progress = progressIn(ring, id, from);
  if (progress === null) return <Skeleton rows={2} />;
  const { phase, done, total: count } = progress;
  return <p role="status">{k("replay.wait.place", { phase: plainLine(phase), done, count })}</p>;
}
