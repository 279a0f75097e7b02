/** What one client, or all of them together, may take of the hub over HTTP. */

export interface HttpLimits {
  /** Largest request body, bytes; from `server.bodyBytesMax`. */
  readonly bodyBytesMax: number;
  /** All header lines together. Tokens and long cursors fit; Node's own default. */
  readonly headerBytesMax: number;
  /** A client that has not sent its headers by then is a slow-loris. */
  readonly headersTimeoutMs: number;
  /** Headers and body together: 8 MB arrive in this time at 140 KB/s. */
  readonly requestTimeoutMs: number;
  /** How often Node looks for connections past the two limits above. Short enough that they mean something. */
  readonly timeoutCheckMs: number;
  /** Idle connections are kept this long: longer than a browser's pause between two clicks. */
  readonly keepAliveTimeoutMs: number;
  /** Open sockets. Above this new ones are dropped, before they cost a parser. */
  readonly connectionsMax: number;
  /** Requests between their first header and their last byte, streams not counted. */
  readonly requestsInFlightMax: number;
  /** Open event streams: every one holds a subscription with its own queue. */
  readonly streamsMax: number;
  /** A comment line goes out when a stream was silent this long; proxies cut at 30 or 60 s. */
  readonly heartbeatMs: number;
  /** A client that does not read for this long while bytes wait is cut; it resumes with `Last-Event-ID`. */
  readonly stalledMsMax: number;
  /**
   * A client that does not read and has lost this many events since it stopped is cut before that time is over: going on
   * from `Last-Event-ID` it gets them from the journal, and until then it costs the hub no queue.
   */
  readonly stalledEventsMax: number;
  /** Bytes of one stream that are gathered into one write. Together with one item this is all a stream ever buffers. */
  readonly streamBatchBytesMax: number;
  /** One item of a stream, e.g. the snapshot that a watch begins with. Larger ones end it with a problem. */
  readonly streamItemBytesMax: number;
  /** Nesting of a JSON body: nothing of ours is deeper than ten, and recursion over input must be bounded. */
  readonly jsonDepthMax: number;
  /** Requests that still run when the hub stops get this long. */
  readonly closeGraceMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  bodyBytesMax: 8_388_608,
  headerBytesMax: 16_384,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  timeoutCheckMs: 5_000,
  keepAliveTimeoutMs: 72_000,
  connectionsMax: 4096,
  requestsInFlightMax: 1024,
  streamsMax: 2048,
  heartbeatMs: 15_000,
  stalledMsMax: 30_000,
  stalledEventsMax: 10_000,
  streamBatchBytesMax: 65_536,
  streamItemBytesMax: 16_777_216,
  jsonDepthMax: 64,
  closeGraceMs: 5_000,
};
