/** The fs side of undoing: what a file is now, byte for byte, as the undo domain asks for it through its port. */
import { currentBytes, refuseGit } from "./restore.ts";
import type { FolderReader } from "./reader.ts";

export const createWholeFiles = (reader: FolderReader) => ({
  read: (folder: string, path: string, signal: AbortSignal): Promise<Uint8Array | null> => {
    refuseGit(path);
    return reader.within(folder, { signal }, async (open) => (await currentBytes(open, path, signal))?.bytes ?? null);
  },
});
