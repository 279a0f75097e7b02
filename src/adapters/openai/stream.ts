/** An answer that is pushed to us, as a stream that is read; the other side waits while nobody reads. */
import { Problem } from "../../contract/problem.ts";
import { BadAnswer, type Part, type RuntimeCall, type Send } from "../../domains/models/port.ts";
import { problemOf } from "./answer.ts";
import { createAnswerReader } from "./frames.ts";

export type Request = Omit<Parameters<Send>[0], "sink">;

/** So much may wait unread, bytes: a reader that keeps up is never waited for. */
const waitingBytesMax = 65_536;

/**
 * The parts of one answer, as they come. An answer without frames is read as one: some servers do not stream. A server that
 * refused is asked once more where `again` says how. Every token of every answer comes by here, so one generator does it all.
 */
export async function* streamed(
  request: Request,
  { send, signal }: RuntimeCall,
  again: (refusal: Problem) => Request | null,
): AsyncGenerator<Part> {
  const inbox = createInbox();
  let isEnded = false;
  const sent = send({ ...request, sink: inbox.push }).finally(inbox.close);
  // A reader that left before the end takes no more notice of how it ended.
  sent.catch(() => undefined);
  signal.addEventListener("abort", inbox.wake);
  try {
    while (!inbox.isOver()) {
      for (const part of inbox.take()) {
        // What came with the piece at which its reader left is nothing that they still want.
        signal.throwIfAborted();
        yield part;
        isEnded = part.kind === "end";
      }
      if (isEnded) return;
      signal.throwIfAborted();
      await inbox.more();
    }
    signal.throwIfAborted();
    const { status, headers } = await sent;
    if (status < 400) {
      yield* inbox.rest();
      return;
    }
    const refusal = problemOf({ status, headers, text: inbox.text() });
    const next = again(refusal);
    if (next === null) throw refusal;
    yield* streamed(next, { send, signal }, () => null);
  } finally {
    signal.removeEventListener("abort", inbox.wake);
    inbox.leave();
  }
}

/** Where the two sides meet, which wait for each other. */
function createInbox() {
  const answer = createAnswerReader();
  let fault: { readonly error: unknown } | null = null;
  let isClosed = false;
  let isLeft = false;
  let reader: (() => void) | null = null;
  let writer: (() => void) | null = null;
  const wake = (): void => {
    reader?.();
    reader = null;
  };
  const letGo = (): void => {
    writer?.();
    writer = null;
  };
  return {
    wake,
    text: answer.text,
    rest: answer.rest,
    push(chunk: Uint8Array): void | Promise<void> {
      if (isLeft || fault !== null)
        throw new Problem(BadAnswer, "nobody reads the answer any more", { reason: "left" });
      try {
        answer.push(chunk);
      } catch (error) {
        // Told to the reader, behind all that came before.
        fault = { error };
      }
      wake();
      if (answer.waitingLength <= waitingBytesMax) return undefined;
      return new Promise<void>((resolve) => {
        writer = resolve;
      });
    },
    /** All that waits; throws, once there is nothing, what is wrong with the rest. */
    take(): readonly Part[] {
      const parts = answer.take();
      letGo();
      if (parts.length === 0 && fault !== null) throw fault.error;
      return parts;
    },
    /** Nothing waits and nothing comes. */
    isOver: (): boolean => isClosed && fault === null && answer.waitingLength === 0,
    more(): Promise<void> {
      if (answer.waitingLength > 0 || isClosed || fault !== null) return Promise.resolve();
      return new Promise((resolve) => {
        reader = resolve;
      });
    },
    close(): void {
      isClosed = true;
      wake();
    },
    leave(): void {
      isLeft = true;
      letGo();
    },
  };
}
