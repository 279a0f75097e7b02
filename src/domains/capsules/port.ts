/** What run capsules need from outside: files that a person names, the hub's key, and facts about this hub. */
import type { Envelope } from "../../contract/event.ts";
import type { BlobStore, Clock, Log } from "../../kernel/ports.ts";
import type { Conditions } from "./contract.ts";

/** The file cannot be had or made; the message says why in words for whoever named it. */
export class CapsuleFileFault extends Error {
  readonly reason: "refused" | "too-large" | "disk-full";
  constructor(reason: "refused" | "too-large" | "disk-full", detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = "CapsuleFileFault";
    this.reason = reason;
  }
}

/** Files at absolute paths; both throw `CapsuleFileFault`. */
export interface CapsuleFiles {
  /** A regular file of at most so many bytes. Looks at the size before anything is read. */
  read(path: string, sizeBytesMax: number): Promise<Uint8Array>;
  /** A new file for its owner alone, durable when it resolves. A file that has these very bytes already is as good. */
  write(path: string, bytes: Uint8Array): Promise<void>;
}

export interface SigningKey {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** The key of this hub. */
export interface CapsuleKeys {
  /** Null before one was made. */
  known(): Promise<SigningKey | null>;
  /** Makes one when there is none. */
  own(): Promise<SigningKey>;
}

/** Takes out what nobody else may see; the same reference where there is nothing to take out. */
export interface Cutter {
  value<T>(value: T): T;
  text(text: string): string;
  /** Whether a secret that was handed over stands in it, in any form that is known. */
  isHeld(text: string): boolean;
}

export interface CapsuleLimits {
  /** Of all kept capsules. */
  readonly sizeBytesMax: number;
  readonly ageMsMax: number;
}

export interface CapsuleMeans {
  /** Kept capsules, each under the digest of its file. */
  readonly shelf: BlobStore;
  /** The recorder's. */
  readonly blobs: BlobStore;
  readonly clock: Pick<Clock, "nowMs" | "soon">;
  readonly log: Pick<Log, "info" | "error">;
  readonly files: CapsuleFiles;
  readonly keys: CapsuleKeys;
  readonly cutter: Cutter;
  readonly limits: CapsuleLimits;
  readonly program: { readonly version: string; readonly nodeVersion: string };
  /** What is in force this moment. No call of the corridor: it would count under the quotas of those who are told of it. */
  rules(): Conditions;
  /** An event as one plain sentence. */
  tell(envelope: Envelope): string;
}
