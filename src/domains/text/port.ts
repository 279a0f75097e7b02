/** Where texts come from: files of a folder, with secrets cut out before they arrive here. */
export interface TextFile {
  readonly path: string;
  /** Null when there is nothing to read in it; `skippedReason` says why. */
  readonly text: string | null;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly digest: string | null;
  /** Only the head of the file is here. */
  readonly isTruncated: boolean;
  readonly skippedReason?: string;
}

/** Reads one file after the other; trouble with one is its `skippedReason`, trouble with the folder a problem. */
export interface TextFiles {
  read(
    request: {
      readonly folder: string;
      readonly paths: readonly string[];
      readonly sizeBytesMax: number;
      readonly signal: AbortSignal;
    },
    take: (file: TextFile) => "more" | "enough",
  ): Promise<void>;
}
