/** The issuers that the hub trusts, in `provenance-issuers.json` of the state directory, readable by its owner alone. */
import { join } from "node:path";
import type { IssuerStore, StoredIssuer, StoredKey } from "../../domains/provenance/port.ts";
import { jsonCodec, type StateFiles } from "../files/state-file.ts";

export const issuerFileName = "provenance-issuers.json";

export function createIssuerFile(options: { readonly stateDir: string; readonly files: StateFiles }): IssuerStore {
  const { stateDir, files } = options;
  // No backup: it would bring back an issuer that was revoked.
  const path = join(stateDir, issuerFileName);
  const file = files.open({ path, codec: jsonCodec(parseIssuers), keepsBackup: false });
  return {
    async load() {
      const damagedBefore = files.damages.length;
      const issuers = await file.read();
      if (issuers !== null) return issuers;
      const isDamaged = files.damages.slice(damagedBefore).some((damage) => damage.path === path);
      return isDamaged ? null : [];
    },
    save: (issuers) => file.write(issuers),
  };
}

/** One entry that is not understood condemns the file: trust is not guessed. */
const parseIssuers = (value: unknown): readonly StoredIssuer[] | null =>
  Array.isArray(value) && value.every(isIssuer) ? value : null;

function isIssuer(value: unknown): value is StoredIssuer {
  if (typeof value !== "object" || value === null) return false;
  const { id, addedAtMs, revokedAtMs, keys } = value as Record<string, unknown>;
  return (
    typeof id === "string" &&
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/.test(id) &&
    Number.isInteger(addedAtMs) &&
    isEnd(revokedAtMs) &&
    Array.isArray(keys) &&
    keys.every(isKey)
  );
}

function isKey(value: unknown): value is StoredKey {
  if (typeof value !== "object" || value === null) return false;
  const { keyId, publicKey, validFromMs, validToMs } = value as Record<string, unknown>;
  return (
    typeof keyId === "string" && typeof publicKey === "string" && Number.isInteger(validFromMs) && isEnd(validToMs)
  );
}

const isEnd = (value: unknown): boolean => value === null || Number.isInteger(value);
