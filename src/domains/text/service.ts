import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import type { Static } from "../../contract/schema.ts";
import { Outline, outlineBytesMax } from "./contract.ts";
import { outlineText, outlineTextMax } from "./outline.ts";
import type { TextFiles } from "./port.ts";

/** Reads the files in turn and gives back extracts; stops taking more when the call has read enough. */
export const createText = ({ files }: { readonly files: TextFiles }): Domain => ({
  name: "text",
  operations: [
    bind(Outline, async ({ folder, paths, todayMs }, ctx) => {
      const done: Static<typeof Outline.output>["files"] = [];
      let readBytes = 0;
      await files.read({ folder, paths, sizeBytesMax: outlineTextMax, signal: ctx.signal }, (file) => {
        const { path, sizeBytes, modifiedMs, digest, skippedReason } = file;
        const outline =
          file.text === null ? null : outlineText({ path, text: file.text, todayMs, isTruncated: file.isTruncated });
        done.push({
          path,
          sizeBytes,
          modifiedMs,
          digest,
          outline,
          ...(skippedReason === undefined ? {} : { skippedReason }),
        });
        readBytes += file.text?.length ?? 0;
        return readBytes >= outlineBytesMax ? "enough" : "more";
      });
      return { files: done, left: paths.slice(done.length) };
    }),
  ],
  events: [],
  views: [],
});
