/** Bytes of an answer as text, in the charset that they or the server name. */
interface Said {
  /** The `content-type` header. */
  readonly type: string;
  readonly isPage: boolean;
}

export const decodedText = (body: Uint8Array, said: Said): string => decoderOf(charsetOf(body, said)).decode(body);

/** Pages say their charset near the beginning, as browsers look for it there. */
const charsetBytesMax = 4096;

/** By the mark that the text begins with, the header, or what the page says of itself. */
function charsetOf(body: Uint8Array, { type, isPage }: Said): string {
  if (body[0] === 0xff && body[1] === 0xfe) return "utf-16le";
  if (body[0] === 0xfe && body[1] === 0xff) return "utf-16be";
  const said = /charset="?([\w:.-]{1,40})/i.exec(type)?.[1];
  if (said !== undefined || !isPage) return said ?? "utf-8";
  const head = new TextDecoder("latin1").decode(body.subarray(0, charsetBytesMax));
  const own = /<meta[^>]{0,200}charset\s{0,9}=\s{0,9}["']?([\w:.-]{1,40})/i.exec(head)?.[1] ?? "utf-8";
  // A page whose bytes say so in one byte each is not written in two.
  return /^utf-?16/i.test(own) ? "utf-8" : own;
}

function decoderOf(charset: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset);
  } catch {
    // Servers make names up; what is readable of it is read.
    return new TextDecoder();
  }
}
