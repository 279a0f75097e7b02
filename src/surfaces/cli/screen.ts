/** Lines that stay and one line that moves: progress below, redrawn on a terminal, told sparsely elsewhere. */
import { truncate } from "../../base/text-marks.ts";
import type { Terminal } from "./port.ts";

export interface Screen {
  /** A line that stays. */
  line(text: string): void;
  /** Replaces the moving line; off a terminal it is told only when `mark` changes. */
  progress(text: string, mark: string): void;
  /** Takes the moving line away and keeps lines back, so that a question stands still. */
  hold(): void;
  release(): void;
}

const clearLine = "\r\u001B[2K";
/** Lines kept back during one question; the oldest go, for the story can be read again. */
const heldMax = 1000;

export function createScreen(terminal: Pick<Terminal, "write" | "writeError" | "isTty" | "columns">): Screen {
  let moving = "";
  let lastMark = "";
  let isHeld = false;
  let held: string[] = [];

  const clear = (): void => {
    if (moving !== "") terminal.writeError(clearLine);
  };
  const draw = (): void => {
    if (moving !== "") terminal.writeError(moving);
  };

  return {
    line(text) {
      if (isHeld) {
        held = [...held.slice(-heldMax), text];
        return;
      }
      clear();
      terminal.write(`${text}\n`);
      draw();
    },
    progress(text, mark) {
      if (isHeld) return;
      if (!terminal.isTty) {
        if (mark !== lastMark) terminal.writeError(`${text}\n`);
        lastMark = mark;
        return;
      }
      clear();
      moving = truncate(text, Math.max(1, terminal.columns - 1));
      draw();
    },
    hold() {
      clear();
      moving = "";
      isHeld = true;
    },
    release() {
      isHeld = false;
      const lines = held;
      held = [];
      clear();
      moving = "";
      for (const text of lines) terminal.write(`${text}\n`);
    },
  };
}
