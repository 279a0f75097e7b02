/** How far the hub is with a capsule, as its stream tells it. */
import type { EventRing } from "../../stream/event-ring.ts";

export interface ReplayProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** The newest of this capsule from a position on; null where nothing was told. */
export function progressIn(ring: Pick<EventRing, "start" | "end" | "at">, id: string, from: number) {
  for (let position = ring.end - 1; position >= Math.max(from, ring.start); position -= 1) {
    const event = ring.at(position);
    const data = event?.kind === "capsules.progress" ? (event.data as ReplayProgress & { capsule: string }) : null;
    if (data?.capsule === id) return data;
  }
  return null;
}
