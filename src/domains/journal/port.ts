/** What the journal's keeper asks of whoever runs the hub. */
export interface JournalFiles {
  /**
   * Lines of an export or of a tee, gzipped or plain, oldest first: rotated files beside `path` come before it. Rejects with
   * an error that has a `code` when nothing can be read.
   */
  lines(path: string): AsyncIterable<string>;
}

/** Which events keep their data, and for how long. All limits hold that are given. */
export interface RetentionRule {
  /** Beginning of the kinds that it speaks of. */
  readonly prefix: string;
  readonly ageMsMax?: number;
  /** Newest events per kind that keep their data. */
  readonly countMax?: number;
  /** Bytes of data per kind; above it the oldest events are emptied. Looked at every few minutes, the others once a day. */
  readonly sizeBytesMax?: number;
}

/** Everything up to here may lose its data as far as others are concerned, e.g. because the tee has written it. */
export type Frontier = () => number;
