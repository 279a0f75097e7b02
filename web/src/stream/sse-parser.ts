/** Reads server-sent events from text that arrives in any pieces. Comments and retry hints are passed over. */

export interface SseFrame {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

/** One frame may not grow beyond this: the hub's largest event is far smaller, so more means that this is no event stream. */
const frameLengthMax = 16_000_000;

/** Every frame of a response, as it comes; with `onChunk` whoever batches knows where a batch ends. */
export async function readFrames(
  body: ReadableStream<Uint8Array>,
  onFrame: (frame: SseFrame) => void,
  onChunk: () => void = () => {},
): Promise<void> {
  const parser = createSseParser(onFrame);
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.push(decoder.decode(value, { stream: true }));
    onChunk();
  }
}

export function createSseParser(onFrame: (frame: SseFrame) => void): { push(text: string): void } {
  let rest = "";
  let id: string | null = null;
  let event = "";
  let data: string[] = [];

  const finish = (): void => {
    if (data.length > 0) onFrame({ id, event: event || "message", data: data.join("\n") });
    id = null;
    event = "";
    data = [];
  };
  const line = (text: string): void => {
    if (text === "") return finish();
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + (text[colon + 1] === " " ? 2 : 1));
    if (name === "data") data.push(value);
    else if (name === "event") event = value;
    else if (name === "id") id = value;
  };

  return {
    push(text) {
      rest += text;
      if (rest.length > frameLengthMax) throw new RangeError("an event is larger than any event of the hub");
      // A carriage return at the very end may be the first half of a line end.
      const lines = rest.split(/\r\n|\n|\r(?!$)/u);
      rest = lines.pop() ?? "";
      for (const text of lines) line(text);
    },
  };
}
