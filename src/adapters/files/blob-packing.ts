/** What a blob looks like on the disk: as it is under the hash of its content, or sealed under a name that tells nobody which. */
import { SealFault, sealBytes, type Sealer } from "../sealed-state/sealer.ts";

export interface BlobPacking {
  /** The file's name: 64 hex digits. */
  nameOf(ref: string): string;
  /** How long the file of so many bytes is. */
  fileBytes(sizeBytes: number): number;
  pack(ref: string, bytes: Uint8Array): Uint8Array;
  /** Null for a file that is not this blob. What is in it is checked by whoever asked. */
  unpack(ref: string, file: Uint8Array): Uint8Array | null;
  /** How much of a file says which blob it is; 0 where its name does. */
  readonly headBytes: number;
  told(name: string, head: Uint8Array, fileBytes: number): { readonly ref: string; readonly sizeBytes: number } | null;
}

const scheme = "sha256:";

export const plainPacking: BlobPacking = {
  nameOf: (ref) => ref.slice(scheme.length),
  fileBytes: (sizeBytes) => sizeBytes,
  pack: (_ref, bytes) => bytes,
  unpack: (_ref, file) => file,
  headBytes: 0,
  told: (name, _head, sizeBytes) => ({ ref: `${scheme}${name}`, sizeBytes }),
};

const digestBytes = 32;
/** The digest, and the size as a number of eight bytes. */
const tagBytes = digestBytes + 8;
const headBytes = tagBytes + sealBytes;
/** Most contents are shorter than this and look alike. */
const paddedBytesMin = 1024;

/** The name is a keyed hash, so that nobody can find out whether a file that they know was read. Sizes are rounded up. */
export function sealedPacking(sealer: Sealer): BlobPacking {
  const nameOf = (ref: string): string => sealer.nameOf(`blob ${ref}`);
  const told: BlobPacking["told"] = (name, head) => {
    const tag = opened(sealer, head.subarray(0, headBytes), `head of blob ${name}`);
    if (tag === null || tag.length !== tagBytes) return null;
    const ref = `${scheme}${tag.toString("hex", 0, digestBytes)}`;
    return nameOf(ref) === name ? { ref, sizeBytes: Number(tag.readBigUInt64BE(digestBytes)) } : null;
  };
  return {
    nameOf,
    headBytes,
    fileBytes: (sizeBytes) => headBytes + paddedBytes(sizeBytes) + sealBytes,
    pack(ref, bytes) {
      const name = nameOf(ref);
      const tag = Buffer.alloc(tagBytes);
      tag.write(ref.slice(scheme.length), "hex");
      tag.writeBigUInt64BE(BigInt(bytes.length), digestBytes);
      const padded = new Uint8Array(paddedBytes(bytes.length));
      padded.set(bytes);
      return Buffer.concat([sealer.seal(tag, `head of blob ${name}`), sealer.seal(padded, `blob ${name}`)]);
    },
    unpack(ref, file) {
      const name = nameOf(ref);
      const known = told(name, file, file.length);
      if (known === null) return null;
      const padded = opened(sealer, file.subarray(headBytes), `blob ${name}`);
      return padded === null ? null : new Uint8Array(padded.buffer, padded.byteOffset, known.sizeBytes);
    },
    told,
  };
}

function opened(sealer: Sealer, sealed: Uint8Array, place: string): Buffer | null {
  try {
    return sealer.open(sealed, place);
  } catch (error) {
    if (error instanceof SealFault) return null;
    throw error;
  }
}

/** Rounded up by at most an eighth, as in the padding PADMÉ: a size tells little, and costs little. */
export function paddedBytes(sizeBytes: number): number {
  if (sizeBytes <= paddedBytesMin) return paddedBytesMin;
  const exponent = Math.floor(Math.log2(sizeBytes));
  const unit = 2 ** (exponent - (Math.floor(Math.log2(exponent)) + 1));
  return Math.ceil(sizeBytes / unit) * unit;
}
