/** Who is trusted: pure questions and changes. A key belongs to one issuer, and a revoked one never comes back. */
import { bytesOf } from "../../base/dsse.ts";
import { keyIdOf, publicKeyFault } from "../../base/ed25519.ts";
import type { StoredIssuer, StoredKey } from "./port.ts";
import type { ListedIssuer } from "./contract.ts";
import { issuersMax } from "./format.ts";

/** The new one, those on their way out, and a few for the record. */
const keysMax = 8;

export interface KnownKey {
  readonly issuer: StoredIssuer;
  readonly key: StoredKey;
}

export const keysById = (issuers: readonly StoredIssuer[]): ReadonlyMap<string, KnownKey> =>
  new Map(issuers.flatMap((issuer) => issuer.keys.map((key) => [key.keyId, { issuer, key }] as const)));

export const isInTime = ({ validFromMs, validToMs }: StoredKey, timeMs: number): boolean =>
  timeMs >= validFromMs && (validToMs === null || timeMs <= validToMs);

export interface NewKey {
  readonly id: string;
  readonly publicKey: string;
  readonly nowMs: number;
}

/** Answers the fault in words when the issuer or its key is not possible. */
export function added(issuers: readonly StoredIssuer[], given: NewKey): readonly StoredIssuer[] | string {
  if (issuers.some(({ id }) => id === given.id))
    return `there is an issuer ${given.id}; rotate its key, or choose another name`;
  if (issuers.length >= issuersMax) return `there are ${issuersMax} issuers`;
  const key = newKey(issuers, given);
  if (typeof key === "string") return key;
  return [...issuers, { id: given.id, addedAtMs: given.nowMs, revokedAtMs: null, keys: [key] }];
}

/** The former keys stay good until `formerToMs`, unless they end before. */
export function rotated(
  issuers: readonly StoredIssuer[],
  given: NewKey & { readonly formerToMs: number },
): readonly StoredIssuer[] | string {
  const key = newKey(issuers, given);
  if (typeof key === "string") return key;
  const ending = (each: StoredKey): StoredKey => ({
    ...each,
    validToMs: Math.min(each.validToMs ?? given.formerToMs, given.formerToMs),
  });
  return issuers.map((issuer) =>
    issuer.id === given.id ? { ...issuer, keys: [...issuer.keys.map(ending), key].slice(-keysMax) } : issuer,
  );
}

export const revoked = (issuers: readonly StoredIssuer[], id: string, nowMs: number): readonly StoredIssuer[] =>
  issuers.map((issuer) => (issuer.id === id ? { ...issuer, revokedAtMs: issuer.revokedAtMs ?? nowMs } : issuer));

function newKey(issuers: readonly StoredIssuer[], { publicKey, nowMs }: NewKey): StoredKey | string {
  const bytes = bytesOf(publicKey);
  if (bytes === null) return "the key is not base64";
  const fault = publicKeyFault(bytes);
  if (fault !== null) return fault;
  const keyId = keyIdOf(bytes);
  const known = keysById(issuers).get(keyId);
  if (known !== undefined) return `the key belongs to the issuer ${known.issuer.id} already`;
  return { keyId, publicKey: Buffer.from(bytes).toString("base64"), validFromMs: nowMs, validToMs: null };
}

/** What a file says is held to the same checks as what a person imports; null when it does not stand them. */
export function checkedIssuers(issuers: readonly StoredIssuer[]): readonly StoredIssuer[] | null {
  const keys = issuers.flatMap((issuer) => issuer.keys);
  const isWhole =
    issuers.length <= issuersMax &&
    new Set(issuers.map(({ id }) => id)).size === issuers.length &&
    new Set(keys.map(({ keyId }) => keyId)).size === keys.length &&
    keys.every(({ keyId, publicKey }) => {
      const bytes = bytesOf(publicKey);
      return bytes !== null && publicKeyFault(bytes) === null && keyIdOf(bytes) === keyId;
    });
  return isWhole ? issuers : null;
}

export const listed = ({ id, addedAtMs, revokedAtMs, keys }: StoredIssuer): ListedIssuer => ({
  id,
  status: revokedAtMs === null ? "trusted" : "revoked",
  addedAtMs,
  keys: keys.map((key) => ({ ...key })),
});
