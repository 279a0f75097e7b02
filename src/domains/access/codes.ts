/** Sign-in codes: they carry a browser over the first step, work once, and never leave this process. */
import { hash } from "node:crypto";

/** A link in a terminal is used at once or not at all. */
export const codeLifeMs = 10 * 60_000;
/** More links than anybody has open; the oldest goes first. */
export const codesMax = 32;
const codeBytes = 16;

export interface Codes {
  make(nowMs: number): { readonly code: string; readonly expiresAtMs: number };
  /** True once per code, in time. */
  use(code: string, nowMs: number): boolean;
}

export function createCodes(randomBytes: (count: number) => Uint8Array): Codes {
  // Kept and looked up as hashes, so that how long a look-up takes says nothing of the codes.
  const expiries = new Map<string, number>();
  return {
    make(nowMs) {
      for (const [key, expiresAtMs] of expiries)
        if (expiresAtMs <= nowMs || expiries.size >= codesMax) expiries.delete(key);
      const code = Buffer.from(randomBytes(codeBytes)).toString("base64url");
      expiries.set(hash("sha256", code), nowMs + codeLifeMs);
      return { code, expiresAtMs: nowMs + codeLifeMs };
    },
    use(code, nowMs) {
      const key = hash("sha256", code);
      const expiresAtMs = expiries.get(key);
      expiries.delete(key);
      return expiresAtMs !== undefined && nowMs < expiresAtMs;
    },
  };
}
