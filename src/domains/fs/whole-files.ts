/** The fs side of undoing: what a file is now, byte for byte, as the undo domain asks for it through its port. */
import { currentBytes, type Place, refuseGit, refuseMoved } from "./restore.ts";
import type { FolderReader } from "./reader.ts";

export const createWholeFiles = (reader: FolderReader) => ({
  read: (place: Place, path: string, signal: AbortSignal): Promise<Uint8Array | null> => {
    refuseGit(path);
    return reader.within(place.folder, { signal }, async (open) => {
      refuseMoved(open, place);
      return (await currentBytes(open, path, signal))?.bytes ?? null;
    });
  },
});
