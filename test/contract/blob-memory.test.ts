import { createMemoryBlobs } from "../../src/adapters/files/memory-blobs.ts";
import { blobContract } from "./blob-suite.ts";

blobContract("memory", async () => ({
  blobs: createMemoryBlobs({ sizeBytesMaxEach: 1_000 }),
  [Symbol.asyncDispose]: async () => {},
}));
