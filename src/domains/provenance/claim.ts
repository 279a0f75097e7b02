/** What a capsule says of itself before anybody looked at its signature: what rules about adoption may speak of. */
import type { Scope } from "../../contract/caller.ts";
import { readCapsule } from "./capsule.ts";
import { isRefused, openEnvelope } from "./envelope.ts";

/** Empty for what is no capsule, and is refused as that. */
export function claimedScope(envelope: string): Scope {
  const opened = openEnvelope(envelope);
  const capsule = isRefused(opened) ? opened : readCapsule(opened.payload);
  if (isRefused(opened) || isRefused(capsule)) return {};
  const { issuer, issuedAtMs, notAfterMs, hopTtl, propagate } = capsule;
  const leaseSecs = Math.max(0, Math.ceil((notAfterMs - issuedAtMs) / 1000));
  return { capsule: { issuer, leaseSecs, hopsLeft: Math.max(0, hopTtl - opened.hops), propagate } };
}
