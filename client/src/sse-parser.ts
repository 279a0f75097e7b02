/** Server-sent events, read as the HTML standard says. Imports nothing: the hub's command line and the browser client share it. */

export interface SseFrame {
  /** Last id the stream named, this frame's or an earlier one's; empty before the first. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

export interface SseParser {
  /** Takes the next bytes, cut anywhere, and answers the frames that they complete. Throws RangeError for an endless line. */
  push(chunk: Uint8Array): readonly SseFrame[];
  /** The same in two steps: the text of the next bytes, and the frames that a text completes. */
  decode(chunk: Uint8Array): string;
  read(text: string): readonly SseFrame[];
  /** Whether all that came until now was whole frames. */
  readonly isBetweenFrames: boolean;
  /** Id of the last whole frame that had one. */
  readonly lastEventId: string;
  /** Pause before a reconnect that the server asked for. */
  readonly retryMs: number | undefined;
}

/** The hub's largest events are far below; a peer that sends more is no hub. */
const frameLengthMax = 64 * 1024 * 1024;

export function createSseParser(): SseParser {
  const decode = createDecoder();
  const lines = createLineCutter();
  let frame: Draft = emptyDraft("");
  // An id counts once its frame is whole: resuming behind a frame that never came would lose it.
  let lastEventId = "";
  let retryMs: number | undefined;

  const finish = (): SseFrame | undefined => {
    const { id, event, data } = frame;
    lastEventId = id;
    frame = emptyDraft(id);
    return data.length === 0 ? undefined : { id, event: event || "message", data: data.join("\n") };
  };

  const read = (text: string): readonly SseFrame[] => {
    lines.add(text);
    const frames: SseFrame[] = [];
    for (let line = lines.take(); line !== undefined; line = lines.take()) {
      if (line !== "") retryMs = readField(line, frame) ?? retryMs;
      const whole = line === "" ? finish() : undefined;
      if (whole !== undefined) frames.push(whole);
    }
    if (lines.restLength() + frame.dataLength > frameLengthMax) {
      throw new RangeError("A frame of the stream is too long.");
    }
    return frames;
  };

  return {
    push: (chunk) => read(decode(chunk)),
    decode,
    read,
    get isBetweenFrames() {
      return lines.isAtStart && frame.data.length === 0 && frame.event === "";
    },
    get lastEventId() {
      return lastEventId;
    },
    get retryMs() {
      return retryMs;
    },
  };
}

/** A decoder that may have to wait for the rest of a character is much slower than one that never has to. */
function createDecoder(): (chunk: Uint8Array) => string {
  const waiting = new TextDecoder();
  const whole = new TextDecoder("utf-8", { ignoreBOM: true });
  // The mark that may stand at the very beginning is the waiting one's business, too.
  let isClean = false;
  return (chunk) => {
    const endsWhole = (chunk.at(-1) ?? asciiEnd) < asciiEnd;
    const text = isClean && endsWhole ? whole.decode(chunk) : waiting.decode(chunk, { stream: true });
    isClean = endsWhole || (isClean && chunk.byteLength === 0);
    return text;
  };
}

/** Bytes below stand for themselves: behind one of them nothing is left to wait for. */
const asciiEnd = 0x80;

interface Draft {
  id: string;
  event: string;
  readonly data: string[];
  dataLength: number;
}

const emptyDraft = (id: string): Draft => ({ id, event: "", data: [], dataLength: 0 });

/** Puts one line into the draft; answers the pause when the line asked for one. */
function readField(line: string, draft: Draft): number | undefined {
  const colon = line.indexOf(":");
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
  if (name === "event") draft.event = value;
  else if (name === "data") {
    draft.data.push(value);
    draft.dataLength += value.length;
  } else if (name === "id" && !value.includes("\0")) draft.id = value;
  else if (name === "retry" && /^\d{1,9}$/.test(value)) return Number(value);
  return undefined;
}

interface LineCutter {
  add(text: string): void;
  /** The next whole line, or undefined until more text comes. */
  take(): string | undefined;
  restLength(): number;
  /** Whether whatever comes next begins a line. */
  readonly isAtStart: boolean;
}

function createLineCutter(): LineCutter {
  let text = "";
  let at = 0;
  let searchedTo = 0;
  let hasReturns = false;
  let isAfterReturn = false;
  return {
    add(more) {
      const kept = text.slice(at);
      searchedTo -= at;
      at = 0;
      // Most streams have none, and one kind of line end is looked for by the engine itself.
      hasReturns = more.includes("\r") || (hasReturns && kept.includes("\r"));
      text = kept + more;
    },
    take() {
      if (isAfterReturn && at < text.length) {
        // A line feed right behind a carriage return belongs to the same line end, even in another chunk.
        if (text.charCodeAt(at) === lineFeed) at += 1;
        searchedTo = at;
        isAfterReturn = false;
      }
      const end = hasReturns ? lineEnd(text, searchedTo) : text.indexOf("\n", searchedTo);
      if (end < 0) {
        searchedTo = text.length;
        return undefined;
      }
      const line = text.slice(at, end);
      isAfterReturn = text.charCodeAt(end) === carriageReturn;
      at = end + 1;
      searchedTo = at;
      return line;
    },
    restLength: () => text.length - at,
    get isAtStart() {
      return at === text.length && !isAfterReturn;
    },
  };
}

const lineFeed = 10;
const carriageReturn = 13;

function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === lineFeed || code === carriageReturn) return at;
  }
  return -1;
}
