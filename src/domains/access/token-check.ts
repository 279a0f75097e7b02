/** Is this the admin token? Asked on every request, so the key's share of the HMAC is worked out once. */
import { hash, timingSafeEqual } from "node:crypto";
import type { StoredToken } from "./port.ts";

/** Block size of SHA-256, which HMAC pads its key to (RFC 2104). */
const blockBytes = 64;
const digestBytes = 32;
const innerPad = 0x36;
const outerPad = 0x5c;
/** Longer ones are never right: the schema and the header limit stop tokens of use below it. */
const tokenBytesMax = 1024;

export function createTokenCheck(stored: StoredToken): (token: string) => boolean {
  const key = Buffer.from(stored.salt, "hex");
  const inner = Buffer.alloc(blockBytes + tokenBytesMax, 0);
  const outer = Buffer.alloc(blockBytes + digestBytes, 0);
  for (let index = 0; index < blockBytes; index += 1) {
    inner[index] = (key[index] ?? 0) ^ innerPad;
    outer[index] = (key[index] ?? 0) ^ outerPad;
  }
  const expected = Buffer.from(stored.hash, "hex");
  // Hashing is a seventh of a small request. The bytes that passed last are compared first, in constant time; they are in
  // this process with every request anyway, and are never written.
  let right: Buffer | null = null;
  return (token) => {
    const sizeBytes = Buffer.byteLength(token);
    if (sizeBytes === 0 || sizeBytes > tokenBytesMax) return false;
    const keyed = inner.subarray(0, blockBytes + sizeBytes);
    const bytes = keyed.subarray(blockBytes);
    bytes.write(token);
    if (right !== null && right.length === sizeBytes && timingSafeEqual(right, bytes)) return true;
    hash("sha256", keyed, "buffer").copy(outer, blockBytes);
    const isRight = timingSafeEqual(hash("sha256", outer, "buffer"), expected);
    if (isRight) right = Buffer.from(bytes);
    return isRight;
  };
}
