/** Reads the bytes of a streamed answer, cut anywhere, as the parts that they complete. */
import { createSseParser, type SseFrame, type SseParser } from "../../base/sse-parser.ts";
import { Problem } from "../../contract/problem.ts";
import { BadAnswer, type Part } from "../../domains/models/port.ts";
import { type Mould, mouldOf } from "./mould.ts";
import { createPartReader, join } from "./parts.ts";

export interface AnswerReader {
  /** Once it threw, nothing is read any more; what had come before is still there. */
  push(chunk: Uint8Array): void;
  /** Characters that wait to be taken. */
  readonly waitingLength: number;
  /** All that came since the last time; an end is the last of it. */
  take(): readonly Part[];
  /** Nothing comes any more: what is left to say. Throws when the answer was not whole. */
  rest(): readonly Part[];
  /** The answer as a text; only of one without frames is it kept. */
  text(): string;
}

/** Of an answer that is no stream so much is kept, to read it as a whole. */
const wholeBytesMax = 4_000_000;
/** A server that says something new in each frame beside its text is read frame by frame. */
const mouldsMax = 4;
/** A frame that is longer than this has no end that is worth waiting for here, characters. */
const heldLengthMax = 1_000_000;

export function createAnswerReader(): AnswerReader {
  const parser = createSseParser();
  const reader = createPartReader();
  let parts: Part[] = [];
  let waitingLength = 0;
  const raw: Uint8Array[] = [];
  let rawBytes = 0;
  let hasFrames = false;
  let isEnded = false;
  let mould: Mould | null = null;
  let mouldsLeft = mouldsMax;
  /** The beginning of a frame. */
  let held = "";
  const text = (): string => textOf(raw);

  const readPlain = (whole: string): void => {
    const frames = framesIn(parser, whole);
    hasFrames ||= frames.length > 0;
    for (const { data } of frames) {
      // What stands behind the end is no part of the answer.
      if (isEnded) return;
      const came = reader.take(data);
      for (const part of came) join(parts, part);
      isEnded = came.at(-1)?.kind === "end";
      if (mouldsLeft === 0 || came.length === 0) continue;
      mouldsLeft -= 1;
      mould = mouldOf(data, came) ?? mould;
    }
  };
  const readWhole = (whole: string, { kind, textIn }: Mould): void => {
    const said = parser.isBetweenFrames ? textIn(whole) : null;
    if (said === null) readPlain(whole);
    else if (said !== "") join(parts, { kind, text: said });
  };
  const keepRaw = (chunk: Uint8Array): void => {
    if (hasFrames || rawBytes + chunk.byteLength > wholeBytesMax) return;
    raw.push(chunk.slice());
    rawBytes += chunk.byteLength;
  };
  return {
    push(chunk) {
      waitingLength += chunk.byteLength;
      if (isEnded) return;
      const came = parser.decode(chunk);
      // Other ends of lines are rare, and no mould is made for them.
      if (came.includes("\r")) {
        mould = null;
        mouldsLeft = 0;
      }
      const known = held + came;
      const end = wholeLength(known, mould);
      held = known.slice(end);
      if (mould === null) readPlain(known);
      else if (end > 0) readWhole(known.slice(0, end), mould);
      keepRaw(chunk);
    },
    get waitingLength() {
      return waitingLength;
    },
    take() {
      const came = parts;
      if (came.length > 0) parts = [];
      waitingLength = 0;
      return came;
    },
    rest: () => (hasFrames ? reader.rest() : [...reader.take(text()), ...reader.rest()]),
    text,
  };
}

/** How much of a text is whole frames; all of it where nothing is gained by waiting. */
function wholeLength(text: string, mould: Mould | null): number {
  if (mould === null || text.length > heldLengthMax) return text.length;
  const last = text.lastIndexOf("\n\n");
  return last < 0 ? 0 : last + 2;
}

function framesIn(parser: SseParser, whole: string): readonly SseFrame[] {
  try {
    return parser.read(whole);
  } catch (cause) {
    throw new Problem(BadAnswer, "a line of the answer does not end", { reason: "endless line", cause });
  }
}

function textOf(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return chunks.map((each) => decoder.decode(each, { stream: true })).join("") + decoder.decode();
}
