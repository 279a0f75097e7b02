import { ChevronLeftIcon, ChevronRightIcon } from "lucide-react";
import type { KeyboardEvent } from "react";
import { useRoomKeys } from "../../keys/room-keys.ts";
import { IconButton } from "../../parts/button.tsx";
import own from "./capsules.module.css";
import { k } from "./capsules-messages.ts";

export interface ScrubberProps {
  readonly count: number;
  /** From 1. */
  readonly at: number;
  /** What stands there, for whoever hears the page. */
  readonly text: string;
  readonly onMove: (at: number) => void;
}

/** Events that a press with Shift passes over. */
const stride = 10;

/** A place in a record: dragged, or moved by Left and Right, one event each, with Shift ten. */
export function Scrubber({ count, at, text, onMove }: ScrubberProps) {
  const move = (to: number): void => onMove(Math.min(count, Math.max(1, to)));
  useRoomKeys({
    ArrowLeft: () => move(at - 1),
    ArrowRight: () => move(at + 1),
    "Shift+ArrowLeft": () => move(at - stride),
    "Shift+ArrowRight": () => move(at + stride),
  });
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!event.shiftKey || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
    event.preventDefault();
    move(at + (event.key === "ArrowLeft" ? -stride : stride));
  };
  return (
    <div className={own["scrub"]}>
      <IconButton
        label={k("replay.scrub.back")}
        icon={<ChevronLeftIcon size={16} aria-hidden />}
        disabled={at <= 1}
        onClick={() => move(at - 1)}
      />
      <input
        type="range"
        min={1}
        max={count}
        value={at}
        aria-label={k("replay.scrub.label")}
        aria-valuetext={k("replay.scrub.text", { at, count, text })}
        onKeyDown={onKeyDown}
        onChange={(event) => move(Number(event.target.value))}
      />
      <IconButton
        label={k("replay.scrub.forth")}
        icon={<ChevronRightIcon size={16} aria-hidden />}
        disabled={at >= count}
        onClick={() => move(at + 1)}
      />
    </div>
  );
}
