/** Ed25519 for keys that come from elsewhere. Keys are checked once, when they are imported; signatures by Node's OpenSSL. */
import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";

export const keyBytes = 32;
export const signatureBytes = 64;

/** The curve of RFC 8032: -x² + y² = 1 + d·x²·y² over this field. */
const field = 2n ** 255n - 19n;
const signBit = 1n << 255n;
/** Halves of the order of the field, by Euler: 1 for squares. */
const eulerPower = (field - 1n) / 2n;
const d = modulo(-121665n * inverse(121666n));

/**
 * Why these bytes are no key to be trusted; null when they are one. Some versions of OpenSSL take keys of small order, under
 * which one signature fits every message, and points that are written in two ways, under which one key has two names.
 */
export function publicKeyFault(bytes: Uint8Array): string | null {
  if (bytes.length !== keyBytes) return `an Ed25519 key has ${keyBytes} bytes, not ${bytes.length}`;
  const written = littleEndian(bytes);
  const y = written & (signBit - 1n);
  if (y >= field) return "the point is not written in the one canonical way";
  const xx = xSquared(y);
  if (xx !== 0n && power(xx, eulerPower) !== 1n) return "the bytes are no point of the curve";
  if (xx === 0n && (written & signBit) !== 0n) return "the point is not written in the one canonical way";
  if (hasSmallOrder(y)) return "the point has small order: one signature would fit every message";
  return null;
}

/** Doubled three times, the eight points of small order come to the neutral one, and no other does. */
function hasSmallOrder(point: bigint): boolean {
  let y = point;
  for (let times = 0; times < 3; times += 1) y = doubledY(y);
  return y === 1n;
}

/** y of twice the point; on this curve it does not depend on the sign of x. */
function doubledY(y: bigint): bigint {
  const yy = modulo(y * y);
  const xx = xSquared(y);
  return modulo((yy + xx) * inverse(2n + xx - yy));
}

function xSquared(y: bigint): bigint {
  const yy = modulo(y * y);
  return modulo((yy - 1n) * inverse(d * yy + 1n));
}

function modulo(value: bigint): bigint {
  const rest = value % field;
  return rest < 0n ? rest + field : rest;
}

function inverse(value: bigint): bigint {
  return power(modulo(value), field - 2n);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = modulo(base);
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes.toReversed()).toString("hex")}`);

/** What stands before the 32 bytes in the form that OpenSSL reads. */
const spkiHead = Buffer.from("302a300506032b6570032100", "hex");

const publicKeyOf = (bytes: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([spkiHead, bytes]), format: "der", type: "spki" });

/** `sha256:` and the hash of the 32 bytes: the key's name, which follows from the key and from nothing else. */
export const keyIdOf = (bytes: Uint8Array): string => `sha256:${hash("sha256", bytes, "hex")}`;

/** False for anything that is no signature of exactly these bytes by this key; never throws. */
export function isSignedBy(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (key.length !== keyBytes || signature.length !== signatureBytes) return false;
  return verify(null, message, publicKeyOf(key), signature);
}

/** The 32 bytes of the public half of an Ed25519 key. Throws TypeError for a key of another kind. */
export function publicBytesOf(privateKey: KeyObject): Uint8Array {
  const { x, crv } = createPublicKey(privateKey).export({ format: "jwk" });
  if (crv !== "Ed25519" || x === undefined) throw new TypeError("It is no Ed25519 key.");
  return Buffer.from(x, "base64url");
}
