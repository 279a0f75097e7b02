/** A recorded run, wherever it comes from: what replay, what-if and undo read. */
import type { Envelope } from "../../contract/event.ts";
import type { Manifest, Signer } from "./contract.ts";
import type { Waiting } from "./pieces.ts";

export interface Recording {
  readonly manifest: Manifest;
  /** All durable events of the episode up to its end, in order. */
  readonly events: readonly Envelope[];
  /** A recorded answer or before-image by its digest; null where it was not kept or was cut. */
  blob(ref: string): Promise<Uint8Array | null>;
  /** Of a capsule, its digest and whose key it bears; absent where the recording is this hub's own journal. */
  readonly signed?: { readonly digest: string; readonly keyId: string };
}

export interface RecordingSource {
  /**
   * Takes the digest of a kept capsule (or its beginning), an episode of this hub, or the absolute path of a capsule file.
   * Throws `NotFound`, `RunIsGoing`, `CapsuleUnsound`.
   */
  of(name: string, signal: AbortSignal, onPlace?: Waiting["onPlace"]): Promise<Recording>;
}

export interface SignedSource extends RecordingSource {
  /** On whose word the recording is; null where this hub wrote it down itself. */
  signerOf(recording: Recording): Promise<Signer | null>;
}
