/** Judges one envelope against the trust store and the clock. Pure: what is held or was held is asked elsewhere. */
import { sha256Hex } from "../../base/canonical-json.ts";
import { bytesOf } from "../../base/dsse.ts";
import { isSignedBy } from "../../base/ed25519.ts";
import type { Capsule } from "./format.ts";
import { readCapsule, untimely, hasTwins } from "./capsule.ts";
import { isRefused, openEnvelope, type OpenedEnvelope, type Refused, refused } from "./envelope.ts";
import { isInTime, type KnownKey } from "./trust.ts";

export interface Judged {
  readonly capsule: Capsule;
  readonly keyId: string;
  /** Of the signed payload: the same capsule after more hops has the same one. */
  readonly digest: string;
  readonly hops: number;
  readonly text: string;
}

export interface Judges {
  readonly keys: ReadonlyMap<string, KnownKey>;
  readonly nowMs: number;
  /** What contradicts itself in a contract of the capsule; null when nothing does. */
  readonly contractFault: (contract: Capsule["contracts"][number]) => string | null;
}

/** The signature is looked at before a byte of the payload is read. */
export function judge(given: string, judges: Judges): Judged | Refused {
  const envelope = openEnvelope(given);
  if (isRefused(envelope)) return envelope;
  const signer = signerOf(envelope, judges.keys);
  if (isRefused(signer)) return signer;
  const capsule = readCapsule(envelope.payload);
  if (isRefused(capsule)) return capsule;
  if (capsule.issuer !== signer.issuer.id)
    return refused("bad-signature", `it names another issuer than ${signer.issuer.id}, who signed it`);
  const fault = contentFault(capsule, signer, { ...judges, hops: envelope.hops });
  if (fault !== null) return { ...fault, issuer: capsule.issuer, id: capsule.id };
  return {
    capsule,
    keyId: signer.key.keyId,
    digest: `sha256:${sha256Hex(envelope.payload)}`,
    hops: envelope.hops,
    text: envelope.text,
  };
}

/** The name of a key in the envelope is a hint that nobody signed: the key itself comes from the trust store alone. */
function signerOf({ signatures, signedBytes }: OpenedEnvelope, keys: Judges["keys"]): KnownKey | Refused {
  const known = signatures.flatMap(({ keyId, bytes }) => {
    const found = keys.get(keyId);
    return found === undefined ? [] : [{ found, bytes }];
  });
  if (known.length === 0) return refused("unknown-issuer", "no key that this hub trusts is named by its signatures");
  const good = known.find(({ found, bytes }) =>
    isSignedBy(bytesOf(found.key.publicKey) ?? new Uint8Array(), signedBytes, bytes),
  );
  if (good === undefined) return refused("bad-signature", "the signature does not fit the capsule");
  const { issuer } = good.found;
  return issuer.revokedAtMs === null ? good.found : refused("revoked-issuer", `${issuer.id} is trusted no more`);
}

function contentFault(
  capsule: Capsule,
  { key }: KnownKey,
  { nowMs, hops, contractFault }: Judges & { readonly hops: number },
): Refused | null {
  if (!isInTime(key, nowMs)) return refused("retired-key", "it is signed by a key that another one took the place of");
  const late = untimely(capsule, hops, nowMs);
  if (late !== null) return late;
  if (hasTwins(capsule)) return refused("malformed", "two of its contracts have the same id");
  for (const contract of capsule.contracts) {
    const fault = contractFault(contract);
    if (fault !== null) return refused("malformed", `${contract.id}: ${fault}`);
  }
  return null;
}
