/** Lines over a pair of byte streams, with a limit: what is longer is skipped to its end, and named as null. */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

export interface LineOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** Characters of one line. */
  readonly lengthMax: number;
}

export function createLines({ input, output, lengthMax }: LineOptions) {
  let isGone = false;
  output.on("error", () => {
    isGone = true;
  });
  let last = Promise.resolve();
  const send = async (line: string): Promise<void> => {
    if (isGone || output.destroyed || output.writableEnded) return;
    if (!output.write(`${line}\n`))
      await Promise.race([once(output, "drain"), once(output, "close")]).catch(() => undefined);
  };
  return {
    lines: readLines(input, lengthMax),
    write(line: string): Promise<void> {
      last = last.then(() => send(line));
      return last;
    },
    async close(): Promise<void> {
      await last;
      if (!output.destroyed && !output.writableEnded) output.end();
    },
  };
}

async function* readLines(input: Readable, lengthMax: number): AsyncGenerator<string | null> {
  const decoder = new StringDecoder("utf8");
  let parts: string[] = [];
  let length = 0;
  const add = (text: string): void => {
    length += text.length;
    if (length <= lengthMax) parts.push(text);
    else parts = [];
  };
  const take = (): string | null => {
    const line = length > lengthMax ? null : parts.join("");
    parts = [];
    length = 0;
    return line;
  };
  try {
    for await (const chunk of input) {
      const text = decoder.write(chunk as Buffer);
      let from = 0;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
        add(text.slice(from, end));
        yield take();
        from = end + 1;
      }
      add(text.slice(from));
    }
  } catch {
    // A broken pipe ends like a closed one.
    return;
  }
  add(decoder.end());
  if (length > 0) yield take();
}
