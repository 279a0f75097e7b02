/** What schedules need from outside: the text of a recipe's file, and notices that something in a folder changed. */
export interface RecipeFiles {
  /** The whole text; null when there is no such file, it cannot be read, or it is longer. Never throws. */
  read(path: string, charsMax: number): Promise<string | null>;
}

/**
 * Says that something in a folder may have changed; what, is found by looking.
 * - `onNotice` comes at least once after each change of a file in the folder or below it; it may come without one.
 * - After a fault, such as the folder's removal, it comes once with `isOver`, and never again.
 * - Disposing is idempotent, and no notice comes behind it.
 */
export interface FolderNotices {
  watch(folder: string, onNotice: (notice: { readonly isOver: boolean }) => void): Disposable;
}
