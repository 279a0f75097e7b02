/** Notices that a test gives itself: the second adapter of the port's contract. */
import type { FolderNotices } from "../../domains/schedules/port.ts";

export interface ManualNotices extends FolderNotices {
  /** Says that something in the folder changed. */
  notice(folder: string): void;
  /** The folder is gone. */
  end(folder: string): void;
  readonly watched: readonly string[];
}

export function createManualNotices(): ManualNotices {
  const watching = new Map<object, { readonly folder: string; readonly tell: (isOver: boolean) => void }>();
  const told = (folder: string, isOver: boolean): void => {
    for (const [token, each] of watching) {
      if (each.folder !== folder) continue;
      if (isOver) watching.delete(token);
      each.tell(isOver);
    }
  };
  return {
    watch(folder, onNotice) {
      const token = {};
      watching.set(token, { folder, tell: (isOver) => onNotice({ isOver }) });
      return { [Symbol.dispose]: () => void watching.delete(token) };
    },
    notice: (folder) => told(folder, false),
    end: (folder) => told(folder, true),
    get watched() {
      return [...watching.values()].map(({ folder }) => folder);
    },
  };
}
