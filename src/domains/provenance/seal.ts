/** Signs a capsule: the one way in which an envelope is made. The private key stays with whoever calls. */
import { type KeyObject, sign } from "node:crypto";
import { canonicalJson } from "../../base/canonical-json.ts";
import { preAuthenticated } from "../../base/dsse.ts";
import { keyIdOf, publicBytesOf } from "../../base/ed25519.ts";
import { type Capsule, type Envelope, payloadType } from "./format.ts";

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

/** The form in which an envelope travels in a header. */
export const headerText = (envelope: string): string => Buffer.from(envelope).toString("base64url");
