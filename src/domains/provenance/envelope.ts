/** The outside of a capsule: DSSE (its version 1), read strictly, and the bytes that its signatures cover. */
import { bytesOf, preAuthenticated, textOf } from "../../base/dsse.ts";
import { signatureBytes } from "../../base/ed25519.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { checkerOf } from "../../contract/schema.ts";
import { Envelope, envelopeCharsMax, payloadBytesMax, type Refusal } from "./format.ts";

/** Why something is not adopted. `id` and `issuer` are told where a good signature vouches for them. */
export interface Refused {
  readonly reason: Refusal;
  readonly detail: string;
  readonly issuer?: string;
  readonly id?: string;
}
export const refused = (reason: Refusal, detail: string): Refused => ({ reason, detail });
export const isRefused = (value: object): value is Refused => "reason" in value && "detail" in value;

export interface OpenedEnvelope {
  readonly payload: Uint8Array;
  readonly signatures: readonly { readonly keyId: string; readonly bytes: Uint8Array }[];
  readonly hops: number;
  /** What the signatures cover. */
  readonly signedBytes: Uint8Array;
  /** As JSON. */
  readonly text: string;
}

/** The envelope, the list of signatures, and one signature. */
const depthMax = 3;

/** Reads JSON, or base64url of it. */
export function openEnvelope(given: string): OpenedEnvelope | Refused {
  if (given.length > envelopeCharsMax)
    return refused("too-large", `an envelope has at most ${envelopeCharsMax} characters`);
  const text = given.startsWith("{") ? given : textOf(bytesOf(given));
  if (text === null) return refused("malformed", "the envelope is neither JSON nor base64url of it");
  const value = strictly(text, depthMax);
  if (!isEnvelope(value)) return refused("malformed", "the envelope is no DSSE envelope of a capsule");
  const payload = bytesOf(value.payload);
  if (payload === null) return refused("malformed", "the payload is not base64");
  if (payload.length > payloadBytesMax) return refused("too-large", `a capsule has at most ${payloadBytesMax} bytes`);
  if (value.signatures.length === 0) return refused("missing-signature", "nobody signed the capsule");
  const signatures = value.signatures.map(({ keyid, sig }) => ({
    keyId: keyid,
    bytes: bytesOf(sig) ?? new Uint8Array(),
  }));
  if (signatures.some(({ bytes }) => bytes.length !== signatureBytes))
    return refused("bad-signature", `an Ed25519 signature has ${signatureBytes} bytes`);
  const signedBytes = preAuthenticated(value.payloadType, payload);
  return { payload, signatures, hops: value.hops ?? 0, signedBytes, text };
}

const isEnvelope = (value: unknown): value is Envelope => checkerOf(Envelope).check(value);

/** Undefined, which no JSON says, for what is not strict JSON. */
export function strictly(text: string, depth: number): unknown {
  try {
    return parseStrictJson(text, { depthMax: depth });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
