/** What an undo needs of files: what one is now, byte for byte. */

export interface UndoFiles {
  /**
   * Null when nothing is there. Throws the problems of `fs` for what cannot be read, and `FolderMoved` where the folder does not
   * lie where it lay: in `realFolder`, or without it where its path says.
   */
  read(
    place: { readonly folder: string; readonly realFolder?: string | undefined },
    path: string,
    signal: AbortSignal,
  ): Promise<Uint8Array | null>;
}
