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
  /** Id of the last whole frame that had one. */
  readonly lastEventId: string;
  /** Pause before a reconnect that the server asked for. */
  readonly retryMs: number | undefined;
}

/** The hub's largest events are far below; a peer that sends more is no hub. */
const frameLengthMax = 64 * 1024 * 1024;

export function createSseParser(): SseParser {
  const decoder = new TextDecoder();
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

  return {
    push(chunk) {
      lines.add(decoder.decode(chunk, { stream: true }));
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
    },
    get lastEventId() {
      return lastEventId;
    },
    get retryMs() {
      return retryMs;
    },
  };
}

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
}

function createLineCutter(): LineCutter {
  let rest = "";
  let searchedTo = 0;
  let isAfterReturn = false;
  return {
    add(text) {
      rest += text;
    },
    take() {
      if (isAfterReturn && rest !== "") {
        // A line feed right behind a carriage return belongs to the same line end, even in another chunk.
        if (rest.startsWith("\n")) rest = rest.slice(1);
        isAfterReturn = false;
      }
      const end = lineEnd(rest, searchedTo);
      if (end < 0) {
        searchedTo = rest.length;
        return undefined;
      }
      const line = rest.slice(0, end);
      isAfterReturn = rest[end] === "\r";
      rest = rest.slice(end + 1);
      searchedTo = 0;
      return line;
    },
    restLength: () => rest.length,
  };
}

function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 10 || code === 13) return at;
  }
  return -1;
}
