/** An answer that is pushed to us, as a stream that is read; the other side waits while nobody reads. */
import { createSseParser } from "../../base/sse-parser.ts";
import { Problem } from "../../contract/problem.ts";
import type { RuntimeCall, Send } from "../../domains/models/port.ts";
import { BadAnswer } from "../../domains/models/port.ts";
import { problemOf } from "./answer.ts";

/** Of an answer that is no stream so much is kept, to read it as a whole. */
const wholeBytesMax = 4_000_000;

interface Waiter {
  readonly resolve: () => void;
}

/** The data of the frames that came together. An answer without frames is handed on as one: some servers do not stream. */
export async function* streamed(
  request: Omit<Parameters<Send>[0], "sink">,
  { send, signal }: RuntimeCall,
): AsyncGenerator<readonly string[]> {
  let pieces: string[] = [];
  const parser = createSseParser();
  const raw: Uint8Array[] = [];
  let rawBytes = 0;
  let frames = 0;
  let isOver = false;
  let isLeft = false;
  let reader: Waiter | null = null;
  let writer: Waiter | null = null;
  const wake = (): void => {
    reader?.resolve();
    reader = null;
  };
  const sent = send({
    ...request,
    sink(chunk) {
      if (isLeft) throw new Problem(BadAnswer, "nobody reads the answer any more", { reason: "left" });
      for (const { data } of read(parser, chunk)) {
        frames += 1;
        pieces.push(data);
      }
      if (frames === 0 && rawBytes + chunk.byteLength <= wholeBytesMax) {
        raw.push(chunk.slice());
        rawBytes += chunk.byteLength;
      }
      wake();
      if (pieces.length === 0) return undefined;
      return new Promise<void>((resolve) => {
        writer = { resolve };
      });
    },
  }).finally(() => {
    isOver = true;
    wake();
  });
  // A reader that left before the end takes no more notice of how it ended.
  sent.catch(() => undefined);
  signal.addEventListener("abort", wake);
  try {
    while (!isOver || pieces.length > 0) {
      signal.throwIfAborted();
      if (pieces.length > 0) {
        const came = pieces;
        pieces = [];
        yield came;
        continue;
      }
      (writer as Waiter | null)?.resolve();
      writer = null;
      if (isOver) break;
      await new Promise<void>((resolve) => {
        reader = { resolve };
      });
    }
    const { status, headers } = await sent;
    if (status >= 400) throw problemOf({ status, headers, text: textOf(raw) });
    if (frames === 0) yield [textOf(raw)];
  } finally {
    isLeft = true;
    signal.removeEventListener("abort", wake);
    (writer as Waiter | null)?.resolve();
  }
}

function read(parser: ReturnType<typeof createSseParser>, chunk: Uint8Array) {
  try {
    return parser.push(chunk);
  } catch (cause) {
    throw new Problem(BadAnswer, "a line of the answer does not end", { reason: "endless line", cause });
  }
}

function textOf(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return chunks.map((each) => decoder.decode(each, { stream: true })).join("") + decoder.decode();
}
