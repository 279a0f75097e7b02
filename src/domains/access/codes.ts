/** Sign-in codes: they carry a browser over the first step, work once, and never leave this process. */
import { hash } from "node:crypto";

/** A link in a terminal is used at once or not at all. */
export const codeLifeMs = 10 * 60_000;
/** More links than anybody has open; the oldest goes first. */
export const codesMax = 32;
const codeBytes = 16;
/** A clock that is corrected by this much voids no code. */
const clockBackMsMax = 60_000;

export interface Codes {
  /** `tokenHash` is the named token that the sign-in will belong to; null for the admin token. */
  make(tokenHash: string | null, nowMs: number): { readonly code: string; readonly expiresAtMs: number };
  /** Once per code, in time: whose sign-in it is. Null for what is no code any more. */
  use(code: string, nowMs: number): { readonly tokenHash: string | null } | null;
}

export function createCodes(randomBytes: (count: number) => Uint8Array): Codes {
  // Kept and looked up as hashes, so that how long a look-up takes says nothing of the codes.
  const open = new Map<string, { readonly expiresAtMs: number; readonly tokenHash: string | null }>();
  return {
    make(tokenHash, nowMs) {
      for (const [key, { expiresAtMs }] of open) if (expiresAtMs <= nowMs || open.size >= codesMax) open.delete(key);
      const code = Buffer.from(randomBytes(codeBytes)).toString("base64url");
      open.set(hash("sha256", code), { expiresAtMs: nowMs + codeLifeMs, tokenHash });
      return { code, expiresAtMs: nowMs + codeLifeMs };
    },
    use(code, nowMs) {
      const key = hash("sha256", code);
      const known = open.get(key);
      open.delete(key);
      if (known === undefined || nowMs >= known.expiresAtMs) return null;
      // One with more than its whole life before it was made under a clock that was set back since.
      return known.expiresAtMs - nowMs > codeLifeMs + clockBackMsMax ? null : { tokenHash: known.tokenHash };
    },
  };
}
