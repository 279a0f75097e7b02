import type { HubEvent } from "../../shapes.ts";
import { gistOf } from "../../text/event-words.ts";
import { EventRow } from "./event-row.tsx";
import { v } from "./events-messages.ts";

export interface EventLineProps {
  readonly event: HubEvent;
  /** At the end of the line, where there is room. */
  readonly trailing: string;
  readonly copy: string;
  readonly isOpen: boolean;
  readonly onOpen: () => void;
}

/** An event as a line; one whose data is gone says so. */
export function EventLine({ event, trailing, copy, isOpen, onOpen }: EventLineProps) {
  const isTombstone = event.data === null;
  return (
    <EventRow
      kind={event.kind}
      timeMs={event.timeMs}
      caller={trailing}
      gist={isTombstone ? v("events.row.dropped") : gistOf(event.data)}
      isTombstone={isTombstone}
      isOpen={isOpen}
      copy={copy}
      onOpen={onOpen}
    />
  );
}
