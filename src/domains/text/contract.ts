/** Text: what can be seen in a file without understanding it. */
import { op } from "../../contract/operation.ts";
import { closed, Digest, EpochMs, FolderPath, RelativePath, SizeBytes, Type } from "../../contract/schema.ts";
import { fileProblems } from "../fs/contract.ts";
import { FileOutline } from "./outline-schema.ts";

export { FileOutline };
export { isStopWord } from "./stop-words.ts";

/** One outline call reads at most this many files and bytes, so that a run can be stopped between two calls. */
export const outlineFilesMax = 64;
export const outlineBytesMax = 16_000_000;

export const Outline = op({
  id: "text.outline",
  http: "POST /text/outline",
  effect: "read",
  isTool: true,
  isTask: true,
  about:
    "Read files of a folder and give back extracts: headings, dates, to-dos, questions, links and central sentences.",
  input: closed({
    folder: FolderPath,
    paths: Type.Array(RelativePath, { minItems: 1, maxItems: outlineFilesMax }),
    todayMs: EpochMs,
  }),
  output: closed({
    files: Type.Array(
      closed({
        path: RelativePath,
        sizeBytes: SizeBytes,
        modifiedMs: EpochMs,
        digest: Type.Union([Digest, Type.Null()]),
        outline: Type.Union([FileOutline, Type.Null()], {
          description: "The extract, or null when the file was skipped.",
        }),
        skippedReason: Type.Optional(Type.String()),
      }),
    ),
    /** Paths that did not fit into this call any more; ask for them again. */
    left: Type.Array(RelativePath),
  }),
  problems: fileProblems,
  needs: ["fs:read"],
  scope: (input) => ({ folder: input.folder }),
});
