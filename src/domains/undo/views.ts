import { sha256Hex } from "../../base/canonical-json.ts";
import { CorrelationId } from "../../contract/schema.ts";
import { on, view } from "../../contract/view.ts";
import { FileReopened, FileRestored, UndoneFile } from "./contract.ts";

/** Beyond it the oldest are forgotten; an undo of those again finds the files as they were and changes nothing. */
const undoneMax = 100_000;

export interface FileOfRun {
  readonly episode: string;
  readonly folder: string;
  readonly path: string;
}

export const undoneKey = ({ episode, folder, path }: FileOfRun): string =>
  `${episode}:${sha256Hex(`${folder}\n${path}`)}`;

export const undone = view(UndoneFile)({
  name: "undone",
  version: 2,
  about:
    "Files that were brought back to what they were before a run, or that a person settled, with the undo that did it, newest run first.",
  rowsMax: undoneMax,
  filters: {
    episode: { schema: CorrelationId, matches: (row: UndoneFile, value: string) => row.episode === value },
  },
  folds: [
    on<UndoneFile>()(
      FileRestored,
      (e) => undoneKey(e.data),
      (_row, e) => {
        const { madeFolders: _made, realFolder: _real, ...file } = e.data;
        return { ...file, undoId: e.corrId, atMs: e.timeMs };
      },
    ),
    on<UndoneFile>()(
      FileReopened,
      (e) => undoneKey(e.data),
      () => null,
    ),
  ],
});
