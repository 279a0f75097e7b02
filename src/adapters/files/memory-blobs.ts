/** The blob store in memory, for tests and for hubs that keep nothing. */
import { FolderFault } from "../../domains/fs/port.ts";
import type { BlobStore } from "../../kernel/ports.ts";
import { digestOf } from "./safe-file.ts";

export function createMemoryBlobs(options: { readonly sizeBytesMaxEach: number }): BlobStore {
  const blobs = new Map<string, { readonly bytes: Uint8Array; readonly modifiedMs: number }>();
  // Time here is the number of puts.
  let puts = 0;
  return {
    put: async (bytes) => {
      if (bytes.byteLength > options.sizeBytesMaxEach) {
        throw new FolderFault(
          "too-large",
          `a blob of ${bytes.byteLength} bytes; the limit is ${options.sizeBytesMaxEach}`,
        );
      }
      const ref = digestOf(bytes);
      blobs.set(ref, { bytes: Uint8Array.from(bytes), modifiedMs: ++puts });
      return ref;
    },
    get: async (ref) => blobs.get(ref)?.bytes.slice() ?? null,
    has: async (ref) => blobs.has(ref),
    remove: async (ref) => void blobs.delete(ref),
    list: async function* () {
      for (const [ref, { bytes, modifiedMs }] of blobs) yield { ref, sizeBytes: bytes.byteLength, modifiedMs };
    },
  };
}
