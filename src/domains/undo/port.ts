/** What an undo needs of files: what one is now, byte for byte. */

export interface UndoFiles {
  /** Null when nothing is there. Throws the problems of `fs` for what cannot be read. */
  read(folder: string, path: string, signal: AbortSignal): Promise<Uint8Array | null>;
}
