/**
 * The part of the tar format (POSIX ustar) that a backup needs: regular files with short names. The reader takes nothing
 * else, so that no link, device or long name can mean what nobody checked.
 */
import { BackupFault } from "../../domains/backup/port.ts";

export interface TarEntry {
  readonly name: string;
  readonly sizeBytes: number;
  /** Exactly `sizeBytes`. Of a read entry: to be taken before the next one is asked for. */
  readonly content: AsyncIterable<Uint8Array>;
}

const blockBytes = 512;
const nameBytesMax = 100;
/** Eleven octal digits; larger sizes are written as a number of 12 bytes with the first bit set, as GNU and BSD do. */
const octalSizeMax = 8 ** 11 - 1;
const at = { mode: 100, userId: 108, groupId: 116, size: 124, time: 136, sum: 148, type: 156, magic: 257 } as const;

export async function* writeTar(
  entries: AsyncIterable<TarEntry>,
  options: { readonly modifiedMs: number },
): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) {
    yield headerOf(entry, options.modifiedMs);
    let sizeBytes = 0;
    for await (const chunk of entry.content) {
      sizeBytes += chunk.length;
      yield chunk;
    }
    if (sizeBytes !== entry.sizeBytes)
      throw new BackupFault("disk", `${entry.name} has ${sizeBytes} bytes and was said to have ${entry.sizeBytes}`);
    yield new Uint8Array(paddingOf(sizeBytes));
  }
  yield new Uint8Array(2 * blockBytes);
}

/** Reads until the end marks; throws a `BackupFault` for anything but whole regular files. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const bytes = createTaking(source);
  for (;;) {
    const header = await bytes.exactly(blockBytes);
    if (header.every((byte) => byte === 0)) return;
    const { name, sizeBytes } = readHeader(header);
    let left = sizeBytes;
    const content = async function* (): AsyncGenerator<Uint8Array> {
      while (left > 0) {
        const chunk = await bytes.some(left);
        left -= chunk.length;
        yield chunk;
      }
    };
    yield { name, sizeBytes, content: content() };
    if (left > 0) throw new BackupFault("unsound", `${name} was not read to its end`);
    await bytes.exactly(paddingOf(sizeBytes));
  }
}

const paddingOf = (sizeBytes: number): number => (blockBytes - (sizeBytes % blockBytes)) % blockBytes;

function headerOf({ name, sizeBytes }: TarEntry, modifiedMs: number): Uint8Array {
  const header = Buffer.alloc(blockBytes);
  if (Buffer.byteLength(name) > nameBytesMax) throw new RangeError(`${name} is too long for an entry`);
  header.write(name, 0, "utf8");
  header.write("0000600\0", at.mode, "latin1");
  header.write("0000000\0", at.userId, "latin1");
  header.write("0000000\0", at.groupId, "latin1");
  if (sizeBytes <= octalSizeMax) header.write(`${octal(sizeBytes, 11)}\0`, at.size, "latin1");
  else {
    header.writeUInt8(0x80, at.size);
    header.writeBigUInt64BE(BigInt(sizeBytes), at.size + 4);
  }
  header.write(`${octal(Math.floor(modifiedMs / 1000), 11)}\0`, at.time, "latin1");
  header.write("0", at.type, "latin1");
  header.write("ustar\x0000", at.magic, "latin1");
  header.write(`${octal(sumOf(header), 6)}\0 `, at.sum, "latin1");
  return header;
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");

/** The sum of all bytes, those of the sum itself counted as spaces. */
function sumOf(header: Uint8Array): number {
  return header.reduce((sum, byte, index) => sum + (index >= at.sum && index < at.sum + 8 ? 0x20 : byte), 0);
}

function readHeader(bytes: Uint8Array): { readonly name: string; readonly sizeBytes: number } {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = (start: number, length: number): string =>
    header.toString("utf8", start, start + length).split("\0")[0] ?? "";
  const name = text(0, nameBytesMax);
  const sum = Number.parseInt(text(at.sum, 8), 8);
  if (text(at.magic, 5) !== "ustar" || sum !== sumOf(header)) throw new BackupFault("unsound", "an entry is damaged");
  if (text(at.type, 1) !== "0") throw new BackupFault("unsound", `${JSON.stringify(name)} is not a regular file`);
  const isLarge = header.readUInt8(at.size) === 0x80;
  const sizeText = text(at.size, 12).trim();
  const sizeBytes = isLarge ? Number(header.readBigUInt64BE(at.size + 4)) : Number.parseInt(sizeText, 8);
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || (!isLarge && !/^[0-7]+$/.test(sizeText)))
    throw new BackupFault("unsound", `${JSON.stringify(name)} has no size`);
  return { name, sizeBytes };
}

interface Taking {
  exactly(count: number): Promise<Uint8Array>;
  /** At least one byte, at most `max`. */
  some(max: number): Promise<Uint8Array>;
}

function createTaking(source: AsyncIterable<Uint8Array>): Taking {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  const some = async (max: number): Promise<Uint8Array> => {
    while (rest.length === 0) {
      const next = await chunks.next();
      if (next.done === true) throw new BackupFault("unsound", "the file ends too early");
      rest = next.value;
    }
    const taken = rest.subarray(0, max);
    rest = rest.subarray(taken.length);
    return taken;
  };
  return {
    some,
    async exactly(count) {
      const taken = new Uint8Array(count);
      for (let filled = 0; filled < count; ) {
        const chunk = await some(count - filled);
        taken.set(chunk, filled);
        filled += chunk.length;
      }
      return taken;
    },
  };
}
