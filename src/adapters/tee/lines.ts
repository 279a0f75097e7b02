/** Lines of a file, plain or gzipped, whatever its name says. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { createGunzip } from "node:zlib";

/** An event's data has at most a mebibyte of text; a longer line is no line of ours. */
export const lineLengthMax = 8_388_608;

export class LineTooLong extends Error {
  readonly code = "LINE_TOO_LONG";
  constructor(line: number) {
    super(`line ${line} is longer than ${lineLengthMax} characters`);
    this.name = "LineTooLong";
  }
}

/**
 * Whole lines only: what stands behind the last newline was cut off while it was written. `node:readline` is not used, since
 * it also breaks at U+2028, which JSON leaves as it is.
 */
export async function* readLines(path: string): AsyncGenerator<string> {
  const isZipped = await isGzip(path);
  const source = createReadStream(path);
  const bytes = isZipped ? source.pipe(createGunzip()) : source;
  source.on("error", (error) => bytes.destroy(error));
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let count = 0;
  try {
    for await (const chunk of bytes) {
      const lines = (rest + decoder.write(chunk as Buffer)).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > lineLengthMax) throw new LineTooLong(count + lines.length + 1);
      for (const line of lines) {
        count += 1;
        yield line;
      }
    }
  } finally {
    source.destroy();
  }
}

async function isGzip(path: string): Promise<boolean> {
  const handle = await open(path, "r");
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}
