/** The form of a capsule and of what it travels in, and its limits. */
import { closed, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { Contract, KeyPattern } from "../gating/contract.ts";

export const payloadType = "application/vnd.arw.capsule+json";
export const propagations = ["none", "children", "peers", "all"] as const;

/** Eight times what fits into a header: a capsule is a handful of rules, not a rule base. */
export const payloadBytesMax = 32_768;
/** The payload in base64, and room for its signatures. */
export const envelopeCharsMax = 65_536;
/** As much as a header may be; proxies refuse more in one line. */
export const headerCharsMax = 4_096;
/** A rule of somebody else ends by itself; whoever still means it issues it anew. */
export const leaseMsMax = 30 * 86_400_000;
/** Clocks of different machines differ by so much at most before a capsule counts as dated in the future. */
export const clockSkewMsMax = 60_000;
/** Held at the same time, those that a former boot held included. */
export const capsulesMax = 512;
/** Capsules that are remembered so that none is replayed. When they are full, nothing new is adopted. */
export const rememberedMax = 4_096;
/** Including those that were revoked. */
export const issuersMax = 200;

const name = (about: string) => Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$", description: about });
export const CapsuleId = name("Names the capsule among those of its issuer.");
export const IssuerId = name("Who signed it, by the name in this hub's trust store.");
export const Nonce = Type.String({
  pattern: "^[A-Za-z0-9_-]{16,64}$",
  description: "Random; another one for each capsule.",
});
const Hops = Type.Integer({ minimum: 0, maximum: 255 });
export const HopTtl = Type.Integer({
  minimum: 0,
  maximum: 255,
  description: "Hubs that it may reach, one behind another.",
});
export const Propagate = oneOf(propagations, "To whom a hub that adopted it may pass it on.");
export const Version = Type.Integer({
  minimum: 1,
  maximum: 1_000_000_000,
  description: "Grows with each issue of this id.",
});

/** What is signed, as canonical JSON. */
export const Capsule = closed({
  id: CapsuleId,
  version: Version,
  issuer: IssuerId,
  issuedAtMs: EpochMs,
  notAfterMs: { ...EpochMs, description: "When its rules end, in epoch milliseconds." },
  nonce: Nonce,
  hopTtl: HopTtl,
  propagate: Propagate,
  denies: Type.Array(KeyPattern, { maxItems: 256, description: "Keys that are denied to everybody." }),
  contracts: Type.Array(Contract, { maxItems: 64, description: "Denials with subjects, times and quotas." }),
});
export type Capsule = Static<typeof Capsule>;

/** What travels: DSSE, and beside it the hops that it made, which each hub on the way counts and nobody signs. */
export const Envelope = closed({
  payloadType: Type.Literal(payloadType),
  payload: Type.String({ maxLength: envelopeCharsMax, description: "The signed bytes in base64." }),
  signatures: Type.Array(closed({ keyid: Type.String({ maxLength: 100 }), sig: Type.String({ maxLength: 100 }) }), {
    maxItems: 4,
  }),
  hops: Type.Optional(Hops),
});
export type Envelope = Static<typeof Envelope>;

export const refusals = [
  "malformed",
  "too-large",
  "not-canonical",
  "missing-signature",
  "bad-signature",
  "unknown-issuer",
  "revoked-issuer",
  "retired-key",
  "future-dated",
  "expired",
  "lease-too-long",
  "ttl",
  "replayed",
  "widening",
  "full",
] as const;
export type Refusal = (typeof refusals)[number];
