/** The fs side of reading texts: what the text domain asks for through its port, `app` ties to this. */
import { FolderFault, type OpenFolder } from "./port.ts";
import type { FolderReader } from "./reader.ts";

interface ReadFile {
  readonly path: string;
  readonly text: string | null;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly digest: string | null;
  readonly isTruncated: boolean;
  readonly skippedReason?: string;
}

interface ReadRequest {
  readonly folder: string;
  readonly paths: readonly string[];
  readonly sizeBytesMax: number;
  readonly signal: AbortSignal;
}

/** Files read ahead while one is looked at, so that disk and processor work at once; no more than these are held. */
const readAheadFiles = 4;

export const createTextFiles = (reader: FolderReader) => ({
  read: (
    { folder, paths, sizeBytesMax, signal }: ReadRequest,
    take: (file: ReadFile) => "more" | "enough",
  ): Promise<void> =>
    reader.within(folder, { signal }, async (open) => {
      const ahead: Promise<ReadFile>[] = [];
      let next = 0;
      const readOn = (): void => {
        for (; ahead.length < readAheadFiles && next < paths.length; next += 1) {
          const reading = readOne(reader, open, { path: paths[next] as string, sizeBytesMax, signal });
          // Its failure is met where it is awaited, which may be later than it happens.
          reading.catch(() => undefined);
          ahead.push(reading);
        }
      };
      readOn();
      for (let first = ahead.shift(); first !== undefined; first = ahead.shift()) {
        const file = await first;
        signal.throwIfAborted();
        readOn();
        if (take(file) === "enough") return;
      }
    }),
});

/** Trouble with one file is told about that file; the others are still read. */
async function readOne(
  reader: FolderReader,
  open: OpenFolder,
  request: { path: string; sizeBytesMax: number; signal: AbortSignal },
): Promise<ReadFile> {
  const { path } = request;
  try {
    const found = await reader.readText(open, path, request);
    const { sizeBytes, modifiedMs, digest, isTruncated } = found.file;
    const facts = { path, sizeBytes, modifiedMs, digest, isTruncated };
    return found.kind === "text" ? { ...facts, text: found.text } : { ...facts, text: null, skippedReason: "binary" };
  } catch (error) {
    if (!(error instanceof FolderFault)) throw error;
    return {
      path,
      text: null,
      sizeBytes: 0,
      modifiedMs: 0,
      digest: null,
      isTruncated: false,
      skippedReason: error.code,
    };
  }
}
