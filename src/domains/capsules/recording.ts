/** A recorded run, wherever it comes from: what replay, what-if and undo read. */
import type { Envelope } from "../../contract/event.ts";
import type { Manifest } from "./contract.ts";

export interface Recording {
  readonly manifest: Manifest;
  /** All durable events of the episode up to its end, in order. */
  readonly events: readonly Envelope[];
  /** A recorded answer or before-image by its digest; null where it was not kept or was cut. */
  blob(ref: string): Promise<Uint8Array | null>;
}

export interface RecordingSource {
  /**
   * Takes the digest of a kept capsule (or its beginning), an episode of this hub, or the absolute path of a capsule file.
   * Throws `NotFound`, `RunIsGoing`, `CapsuleUnsound`.
   */
  of(name: string, signal: AbortSignal): Promise<Recording>;
}
