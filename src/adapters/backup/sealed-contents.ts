/** The contents of an encrypted state as they lie on the disk: a backup of it takes them along unopened. */
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BlobStore } from "../../kernel/ports.ts";
import { unlessMissing } from "../files/faults.ts";
import { type ContentFolder, contentName } from "./layout.ts";

type Contents = Pick<BlobStore, "list" | "get">;

export const sealedContents = (stateDir: string): Readonly<Record<ContentFolder, Contents>> => ({
  blobs: filesOf(stateDir, "blobs"),
  capsules: filesOf(stateDir, "capsules"),
});

const namePattern = /^[0-9a-f]{64}$/;

/** References are the names of the files, which are no digests of anything. */
function filesOf(stateDir: string, folder: ContentFolder): Contents {
  const pathOf = (ref: string): string => join(stateDir, contentName(folder, ref));
  return {
    async *list() {
      const names = (await unlessMissing(readdir(join(stateDir, folder), { recursive: true }))) ?? [];
      for (const name of names.map((each) => each.slice("00/".length)).filter((each) => namePattern.test(each))) {
        const ref = `sha256:${name}`;
        const info = await unlessMissing(lstat(pathOf(ref)));
        if (info !== null) yield { ref, sizeBytes: info.size, modifiedMs: Math.floor(info.mtimeMs) };
      }
    },
    get: (ref) => unlessMissing(readFile(pathOf(ref))),
  };
}
