/** What access needs from outside: the hash of the admin token, and a place where sign-ins survive a restart. */
import { createHmac } from "node:crypto";

/** A token as it is stored. The salt is 32 random bytes; both are hexadecimal. */
export interface StoredToken {
  readonly salt: string;
  readonly hash: string;
}

/** HMAC-SHA-256 of the token under the salt. */
export const tokenHash = (salt: string, token: string): string =>
  createHmac("sha256", Buffer.from(salt, "hex")).update(token).digest("hex");

/** A browser's sign-in. Only the hash of the cookie is kept, so that the file lets nobody in. */
export interface StoredSession {
  readonly hash: string;
  readonly createdAtMs: number;
  readonly usedAtMs: number;
}

/** Not part of the journal: a journal is exported and replayed, and sign-ins are neither. */
export interface SessionStore {
  /** Replaces what is stored. Never called again before it settled. */
  save(sessions: readonly StoredSession[]): Promise<void>;
}
