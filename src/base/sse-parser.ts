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
  let rest = "";
  let searchedTo = 0;
  let isAfterReturn = false;
  let id = "";
  // An id counts once its frame is whole: resuming behind a frame that never came would lose it.
  let lastEventId = "";
  let event = "";
  let data: string[] = [];
  let dataLength = 0;
  let retryMs: number | undefined;

  const field = (line: string): void => {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "event") event = value;
    else if (name === "data") {
      data.push(value);
      dataLength += value.length;
    } else if (name === "id" && !value.includes("\0")) id = value;
    else if (name === "retry" && /^\d{1,9}$/.test(value)) retryMs = Number(value);
  };

  const finish = (): SseFrame | undefined => {
    lastEventId = id;
    const frame = data.length === 0 ? undefined : { id, event: event || "message", data: data.join("\n") };
    event = "";
    data = [];
    dataLength = 0;
    return frame;
  };

  /** The next whole line, or undefined until more bytes come. */
  const takeLine = (): string | undefined => {
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
  };

  return {
    push(chunk) {
      rest += decoder.decode(chunk, { stream: true });
      const frames: SseFrame[] = [];
      for (let line = takeLine(); line !== undefined; line = takeLine()) {
        if (line !== "") field(line);
        const frame = line === "" ? finish() : undefined;
        if (frame !== undefined) frames.push(frame);
      }
      if (rest.length + dataLength > frameLengthMax) throw new RangeError("A frame of the stream is too long.");
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

function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 10 || code === 13) return at;
  }
  return -1;
}
