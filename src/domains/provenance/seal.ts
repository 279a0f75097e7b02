/** Signs a capsule: the one way in which an envelope is made. The private key stays with whoever calls. */
import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { canonicalJson } from "../../base/canonical-json.ts";
import { type Capsule, type Envelope, payloadType } from "./format.ts";
import { keyIdOf } from "./ed25519.ts";
import { preAuthenticated } from "./envelope.ts";

export function sealCapsule(capsule: Capsule, privateKey: KeyObject): Envelope {
  const payload = Buffer.from(canonicalJson(capsule));
  const sig = sign(null, preAuthenticated(payloadType, payload), privateKey);
  const keyid = keyIdOf(publicBytesOf(privateKey));
  return {
    payloadType,
    payload: payload.toString("base64"),
    signatures: [{ keyid, sig: sig.toString("base64") }],
  };
}

/** The 32 bytes of the public half of an Ed25519 key. Throws TypeError for a key of another kind. */
export function publicBytesOf(privateKey: KeyObject): Uint8Array {
  const { x, crv } = createPublicKey(privateKey).export({ format: "jwk" });
  if (crv !== "Ed25519" || x === undefined) throw new TypeError("It is no Ed25519 key.");
  return Buffer.from(x, "base64url");
}

/** The form in which an envelope travels in a header. */
export const headerText = (envelope: string): string => Buffer.from(envelope).toString("base64url");
