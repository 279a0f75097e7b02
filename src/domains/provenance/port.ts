/** What provenance needs from outside: who is trusted, kept in a file, and the rules of the gate. */
import type { Contract } from "../gating/contract.ts";

export interface StoredKey {
  readonly keyId: string;
  /** 32 bytes in base64. */
  readonly publicKey: string;
  readonly validFromMs: number;
  /** Null without an end. */
  readonly validToMs: number | null;
}

export interface StoredIssuer {
  readonly id: string;
  readonly addedAtMs: number;
  /** Null while it is trusted. A revoked one is kept, so that its keys are known as revoked and never come back. */
  readonly revokedAtMs: number | null;
  readonly keys: readonly StoredKey[];
}

/** Keeps the issuers, for their owner's eyes alone. */
export interface IssuerStore {
  /** Null when the file cannot be understood. Without a file nobody is trusted. */
  load(): Promise<readonly StoredIssuer[] | null>;
  save(issuers: readonly StoredIssuer[]): Promise<void>;
}

/** The part of the gate that rules from elsewhere have. */
export interface CapsuleRules {
  /** What contradicts itself in a contract; null when nothing does. */
  fault(contract: Contract): string | null;
  /** Throws `TooManyContracts`. */
  put(placed: { readonly contract: Contract; readonly place: string }): void;
  remove(id: string): boolean;
}
