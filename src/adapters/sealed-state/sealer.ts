/**
 * Seals values before they reach the disk, with AES-256-GCM. Each process that seals draws a salt, and with it derives a key of
 * its own from the state's master key; under that key a nonce is a plain count. So no nonce is ever used twice, whatever was
 * killed or restored from a backup, and no count has to be kept. The salt stands in each sealed value.
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { createLru } from "../../base/lru.ts";

export interface Sealer {
  /** `place` says where the value belongs; it opens nowhere else. */
  seal(plain: Uint8Array, place: string): Buffer;
  /** Throws `SealFault` for what was changed, moved, or sealed with another key. */
  open(sealed: Uint8Array, place: string): Buffer;
  /** A name of 64 hex digits that is always the same for a text, and tells nobody which text. */
  nameOf(text: string): string;
}

/** Its words hold nothing of what was sealed. */
export class SealFault extends Error {
  constructor(place: string) {
    super(`${place} cannot be opened: it was changed or moved, or belongs to another key`);
    this.name = "SealFault";
  }
}

/** The first byte of what is sealed: no JSON, PEM or text of ours begins with it. */
const sealVersion = 1;
const saltBytes = 16;
const countBytes = 4;
const headBytes = 1 + saltBytes + countBytes;
const nonceBytes = 12;
const tagBytes = 16;
/** A sealed value is so much longer than the plain one. */
export const sealBytes = headBytes + tagBytes;
export const masterBytes = 32;
/** Behind the last count comes a new salt. */
const countMax = 2 ** 32 - 1;
/** Keys of earlier processes that are held ready; a journal of years was written by thousands, read in their order. */
const keysMax = 500;
const cipherName = "aes-256-gcm";

export interface SealerOptions {
  readonly master: Uint8Array;
  readonly randomBytes: (count: number) => Uint8Array;
}

export const isSealed = (bytes: Uint8Array): boolean => bytes[0] === sealVersion && bytes.length >= sealBytes;

export function createSealer({ master, randomBytes }: SealerOptions): Sealer {
  const nameKey = createSecretKey(derived(master, "", "arw names"));
  const keys = createLru<string, KeyObject>(keysMax);
  const keyOf = (salt: Uint8Array): KeyObject => {
    const name = Buffer.from(salt.buffer, salt.byteOffset, salt.byteLength).toString("latin1");
    const known = keys.get(name);
    if (known !== undefined) return known;
    const key = createSecretKey(derived(master, salt, "arw values"));
    keys.set(name, key);
    return key;
  };
  const own = createCounter(randomBytes, keyOf);
  return {
    seal(plain, place) {
      const sealed = Buffer.allocUnsafe(plain.length + sealBytes);
      const key = own.mark(sealed);
      const cipher = createCipheriv(cipherName, key, nonceOf(sealed), { authTagLength: tagBytes });
      cipher.setAAD(Buffer.from(place));
      cipher.update(plain).copy(sealed, headBytes);
      cipher.final();
      cipher.getAuthTag().copy(sealed, headBytes + plain.length);
      return sealed;
    },
    open(sealed, place) {
      if (!isSealed(sealed)) throw new SealFault(place);
      const key = keyOf(sealed.subarray(1, 1 + saltBytes));
      const decipher = createDecipheriv(cipherName, key, nonceOf(sealed), { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
      const plain = decipher.update(sealed.subarray(headBytes, sealed.length - tagBytes));
      try {
        decipher.final();
      } catch {
        throw new SealFault(place);
      }
      return plain;
    },
    nameOf: (text) => createHmac("sha256", nameKey).update(text).digest("hex"),
  };
}

/** Gives each value the next count, and draws the salt with the first one: who only reads needs none. */
function createCounter(randomBytes: SealerOptions["randomBytes"], keyOf: (salt: Uint8Array) => KeyObject) {
  let count = countMax;
  let salt: Uint8Array = new Uint8Array(saltBytes);
  let key: KeyObject | null = null;
  return {
    /** Writes the head of a sealed value and answers its key. */
    mark(sealed: Buffer): KeyObject {
      if (key === null || count === countMax) {
        salt = randomBytes(saltBytes);
        key = keyOf(salt);
        count = 0;
      }
      count += 1;
      sealed[0] = sealVersion;
      sealed.set(salt, 1);
      sealed.writeUInt32BE(count, 1 + saltBytes);
      return key;
    },
  };
}

/** The count behind zeros. */
function nonceOf(sealed: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(nonceBytes);
  nonce.set(sealed.subarray(1 + saltBytes, headBytes), nonceBytes - countBytes);
  return nonce;
}

export const derived = (master: Uint8Array, salt: string | Uint8Array, purpose: string): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", master, salt, purpose, masterBytes));
