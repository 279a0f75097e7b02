/** What access needs from outside: the hash of the admin token, and places where tokens and sign-ins survive a restart. */
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
  /** Hash of the named token that it came by; absent for the admin token. */
  readonly tokenHash?: string;
}

/** A person, an agent or a node acts; an observer is a person who only reads. */
export const tokenRoles = ["person", "agent", "node", "observer"] as const;
export type TokenRole = (typeof tokenRoles)[number];

/** A named token. Only its hash is kept, under the key of the book. */
export interface StoredNamedToken {
  readonly name: string;
  readonly role: TokenRole;
  readonly keys: readonly string[];
  readonly hash: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** How long a token of this name lives from its making or rotation. */
  readonly lifeMs: number;
}

export interface StoredTokens {
  /** Key of the hashes, 32 random bytes as hexadecimal. */
  readonly salt: string;
  readonly tokens: readonly StoredNamedToken[];
}

/** Not part of the journal either, for the same reason; the journal says that a token was made, and never how it reads. */
export interface TokenStore {
  /** Durable when it returns. */
  save(tokens: StoredTokens): Promise<void>;
}

/** Not part of the journal: a journal is exported and replayed, and sign-ins are neither. */
export interface SessionStore {
  /** Replaces what is stored. Never called again before it settled. */
  save(sessions: readonly StoredSession[]): Promise<void>;
}
