/** Hashes of tokens. Worked out on every request, so the key's share of the HMAC is worked out once. */
import { hash, timingSafeEqual } from "node:crypto";
import type { StoredToken } from "./port.ts";

/** Block size of SHA-256, which HMAC pads its key to (RFC 2104). */
const blockBytes = 64;
const digestBytes = 32;
const innerPad = 0x36;
const outerPad = 0x5c;
/** Longer ones are never right: the schema and the header limit stop tokens of use below it. */
const tokenBytesMax = 1024;

/** A token's bytes, good until the next one is hashed, and its HMAC-SHA-256; null for what is no token by its length. */
type TokenHash = (token: string) => { readonly bytes: Buffer; readonly digest: () => Buffer } | null;

function createTokenHash(salt: string): TokenHash {
  const key = Buffer.from(salt, "hex");
  const inner = Buffer.alloc(blockBytes + tokenBytesMax, 0);
  const outer = Buffer.alloc(blockBytes + digestBytes, 0);
  for (let index = 0; index < blockBytes; index += 1) {
    inner[index] = (key[index] ?? 0) ^ innerPad;
    outer[index] = (key[index] ?? 0) ^ outerPad;
  }
  return (token) => {
    const sizeBytes = Buffer.byteLength(token);
    if (sizeBytes === 0 || sizeBytes > tokenBytesMax) return null;
    const keyed = inner.subarray(0, blockBytes + sizeBytes);
    const bytes = keyed.subarray(blockBytes);
    bytes.write(token);
    return {
      bytes,
      digest() {
        hash("sha256", keyed, "buffer").copy(outer, blockBytes);
        return hash("sha256", outer, "buffer");
      },
    };
  };
}

export interface TokenCheck {
  isRight(token: string): boolean;
  /** True for the token that was right last, for a tenth of the price; false says nothing. */
  isKnown(token: string): boolean;
}

/** Is this the admin token? */
export function createTokenCheck(stored: StoredToken): TokenCheck {
  const hashOf = createTokenHash(stored.salt);
  const expected = Buffer.from(stored.hash, "hex");
  // Hashing is a seventh of a small request. The bytes that passed last are compared first, in constant time; they are in
  // this process with every request anyway, and are never written.
  let right: Buffer | null = null;
  const isLast = (bytes: Buffer): boolean =>
    right !== null && right.length === bytes.length && timingSafeEqual(right, bytes);
  return {
    isKnown(token) {
      const hashed = right === null ? null : hashOf(token);
      return hashed !== null && isLast(hashed.bytes);
    },
    isRight(token) {
      const hashed = hashOf(token);
      if (hashed === null) return false;
      if (isLast(hashed.bytes)) return true;
      const isRight = timingSafeEqual(hashed.digest(), expected);
      if (isRight) right = Buffer.from(hashed.bytes);
      return isRight;
    },
  };
}

/**
 * The hash as hexadecimal text, by which one of many tokens is looked up: how long the look-up takes tells of the hash, and
 * without the key nothing of the token.
 */
export function createTokenDigest(salt: string): (token: string) => string | null {
  const hashOf = createTokenHash(salt);
  return (token) => hashOf(token)?.digest().toString("hex") ?? null;
}
