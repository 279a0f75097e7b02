/** Whether the terminal that this process was started in is still there. */
import { closeSync, openSync } from "node:fs";

/** A terminal that was closed can be opened no more, although the streams to it still say that they are one. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r+"));
    return true;
  } catch {
    return false;
  }
}
