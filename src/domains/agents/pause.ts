/** A gate that a person closes and opens: whoever comes to it while it is closed waits. */
import { abortable } from "../../base/async.ts";

export interface PauseGate {
  isClosed(): boolean;
  close(): void;
  open(): void;
  /** Null while it is open. Rejects when the run ends. */
  wait(): Promise<void> | null;
}

export function createPause(signal: AbortSignal): PauseGate {
  let closed: PromiseWithResolvers<void> | null = null;
  return {
    isClosed: () => closed !== null,
    close() {
      closed ??= Promise.withResolvers<void>();
    },
    open() {
      closed?.resolve();
      closed = null;
    },
    wait: () => (closed === null ? null : abortable(closed.promise, signal)),
  };
}
