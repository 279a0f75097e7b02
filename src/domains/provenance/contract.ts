/** Provenance: policy capsules, which are signed rules of somebody else, and the issuers that this hub takes them from. */
import { Caller } from "../../contract/caller.ts";
import { event } from "../../contract/event.ts";
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, CorrelationId, Digest, EpochMs, oneOf, type Static, Type } from "../../contract/schema.ts";
import { NotFound, StoreFailed } from "../../contract/standard-problems.ts";
import { claimedScope } from "./claim.ts";
import {
  Capsule,
  CapsuleId,
  envelopeCharsMax,
  HopTtl,
  IssuerId,
  Nonce,
  Propagate,
  refusals,
  Version,
} from "./format.ts";

export const endings = ["lease", "teardown", "revoked", "replaced", "restart"] as const;
export type Ending = (typeof endings)[number];

const Held = {
  issuer: IssuerId,
  id: CapsuleId,
  version: Version,
  nonce: Nonce,
  digest: Digest,
  keyId: Digest,
  issuedAtMs: EpochMs,
  untilMs: { ...EpochMs, description: "When its rules end, in epoch milliseconds." },
  hops: Type.Integer({ minimum: 0, maximum: 255, description: "Hubs it went through before this one." }),
  hopTtl: HopTtl,
  propagate: Propagate,
  rules: Type.Integer({ minimum: 0, description: "How many rules it brought." }),
  envelope: Type.String({ maxLength: envelopeCharsMax, description: "The envelope as it came." }),
  by: Caller,
};

export const CapsuleAdopted = event({
  kind: "provenance.capsule.adopted",
  about: "The rules of a capsule are in force, until their end.",
  data: closed(Held),
});
export const CapsuleEnded = event({
  kind: "provenance.capsule.ended",
  about: "The rules of a capsule are no longer in force.",
  data: closed({
    issuer: IssuerId,
    id: CapsuleId,
    nonce: Nonce,
    why: oneOf(endings, "`restart` is found at the next start: what was adopted ends with the hub."),
  }),
});
const KeyId = Type.String({ maxLength: 100, description: "`sha256:` and the hash of the public key." });
export const IssuerAdded = event({
  kind: "provenance.issuer.added",
  about: "A person trusts an issuer of capsules.",
  data: closed({ issuer: IssuerId, keyId: KeyId }),
});
export const IssuerRotated = event({
  kind: "provenance.issuer.rotated",
  about: "An issuer has a new key; the former ones end soon.",
  data: closed({ issuer: IssuerId, keyId: KeyId, formerToMs: EpochMs }),
});
export const IssuerRevoked = event({
  kind: "provenance.issuer.revoked",
  about: "An issuer is trusted no more, and what was adopted from it ended.",
  data: closed({ issuer: IssuerId }),
});

export const LedgerRow = closed({
  timeMs: EpochMs,
  what: oneOf(["adopted", "presented", "refused", "ended"], "`presented` is a capsule that was adopted already."),
  issuer: Type.Union([IssuerId, Type.Null()], { description: "Null where nothing vouches for it." }),
  id: Type.Union([CapsuleId, Type.Null()]),
  reason: Type.Optional(oneOf([...refusals, ...endings])),
  untilMs: Type.Optional(EpochMs),
  by: Type.String({ maxLength: 200, description: "Who presented or ended it." }),
  corrId: CorrelationId,
});
export type LedgerRow = Static<typeof LedgerRow>;
export const LedgerWritten = event({
  kind: "provenance.ledger.written",
  about: "A row of the adoption ledger, where the configuration keeps it.",
  data: LedgerRow,
});

export const CapsuleRefused = problem({
  code: "provenance.capsule-refused",
  status: 403,
  title: "Capsule refused",
  about: "The hub did not take the capsule, and the request that brought it did not run. `reason` says why.",
});
export const CapsuleFixed = problem({
  code: "provenance.capsule-fixed",
  status: 409,
  title: "Capsule cannot be ended now",
  about: "A contract of the capsule is immutable while it is active. Revoking its issuer ends it all the same.",
});
export const IssuerRefused = problem({
  code: "provenance.issuer-refused",
  status: 422,
  title: "Issuer or key is not possible",
  about: "The key is not fit to be trusted, or the name or the key is known already. The detail says which.",
});
export const TrustUnreadable = problem({
  code: "provenance.trust-unreadable",
  status: 422,
  title: "The trust store cannot be read",
  about: "The file of issuers cannot be understood. The issuers that the hub knew stay as they were.",
});

const EnvelopeText = Type.String({
  minLength: 1,
  maxLength: envelopeCharsMax,
  description: "The envelope as JSON, or as base64url of it, which is how it travels in a header.",
});
const Shown = closed({
  issuer: IssuerId,
  id: CapsuleId,
  version: Version,
  digest: Digest,
  untilMs: EpochMs,
  hopsLeft: Type.Integer({ minimum: 0, description: "Hubs that it may still reach behind this one." }),
  propagate: Propagate,
  rules: Type.Integer({ minimum: 0 }),
  by: Type.String(),
  envelope: Type.String(),
});
export type Shown = Static<typeof Shown>;

export const Adopt = op({
  id: "provenance.adopt",
  http: "POST /provenance/capsules",
  // The command line reads the envelope from a file.
  cli: "",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  isOpenWhenHalted: true,
  about: "Take the rules of a signed capsule into force until they end; rules are only ever added.",
  input: closed({ envelope: EnvelopeText }),
  // What is claimed is what is ruled on: a signature that does not fit it is refused behind that.
  scope: ({ envelope }) => claimedScope(envelope),
  output: closed({ adopted: Shown, isNew: Type.Boolean(), bootId: Type.String() }),
  problems: [CapsuleRefused],
  emits: [CapsuleAdopted, CapsuleEnded],
});
export const Verify = op({
  id: "provenance.verify",
  http: "POST /provenance/verify",
  cli: "",
  effect: "read",
  about: "Say whether a capsule would be adopted now and what it says; nothing is changed.",
  input: closed({ envelope: EnvelopeText }),
  output: closed({
    isGood: Type.Boolean(),
    reason: Type.Union([oneOf(refusals), Type.Null()]),
    detail: Type.String(),
    capsule: Type.Union([Capsule, Type.Null()], { description: "Null unless its signature is good." }),
  }),
});
export const ShowStatus = op({
  id: "provenance.status",
  http: "GET /provenance/status",
  cli: "policy capsule status",
  effect: "read",
  isWayOut: true,
  about: "List the capsules in force, and those that ended with an earlier boot and can be presented again.",
  input: closed({}),
  output: closed({
    bootId: Type.String({ description: "Another one after each start of the hub." }),
    adopted: Type.Array(Shown),
    former: Type.Array(Shown, { description: "Held when the hub stopped, and adopted again by nobody yet." }),
  }),
});
export const Teardown = op({
  id: "provenance.teardown",
  http: "DELETE /provenance/capsules/{id}",
  cli: "policy capsule teardown <id>",
  effect: "destroy",
  isWayOut: true,
  isForPersons: true,
  isOpenWhenHalted: true,
  about: "End the rules of a capsule now; it cannot be presented again.",
  input: closed({ id: CapsuleId, issuer: Type.Optional(IssuerId) }),
  output: closed({ ended: Type.Integer({ minimum: 1, description: "Capsules of this id that ended." }) }),
  problems: [NotFound, CapsuleFixed],
  emits: [CapsuleEnded],
});
export const Relay = op({
  id: "provenance.relay",
  http: "GET /provenance/capsules/{id}/relay",
  cli: "policy capsule relay <id>",
  effect: "read",
  about: "Give a capsule in force in the form in which a hub behind this one may be shown it, one hop further.",
  input: closed({
    id: CapsuleId,
    issuer: Type.Optional(IssuerId),
    to: oneOf(["children", "peers"], "Whom it would be shown to."),
  }),
  output: closed({ envelope: Type.String(), hopsLeft: Type.Integer({ minimum: 0 }) }),
  problems: [NotFound, CapsuleRefused],
});
export const ShowLedger = op({
  id: "provenance.ledger",
  http: "GET /provenance/ledger",
  cli: "policy capsule ledger",
  effect: "read",
  isWayOut: true,
  about: "Show what was adopted, refused and ended, the newest first.",
  input: closed({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })) }),
  output: closed({
    isKept: Type.Boolean({ description: "False when the ledger ends with the hub." }),
    rows: Type.Array(LedgerRow),
  }),
});

const PublicKey = Type.String({
  pattern: "^[A-Za-z0-9+/_-]{43}=?$",
  description: "Ed25519 public key: 32 bytes in base64.",
});
const ListedIssuer = closed({
  id: IssuerId,
  status: oneOf(["trusted", "revoked"]),
  addedAtMs: EpochMs,
  keys: Type.Array(
    closed({
      keyId: KeyId,
      publicKey: Type.String(),
      validFromMs: EpochMs,
      validToMs: Type.Union([EpochMs, Type.Null()], { description: "Null without an end." }),
    }),
  ),
});
export type ListedIssuer = Static<typeof ListedIssuer>;
const forPersons = { isForPersons: true, isOpenWhenHalted: true } as const;

export const ListIssuers = op({
  id: "provenance.issuers.list",
  http: "GET /provenance/issuers",
  cli: "policy issuers list",
  effect: "read",
  isWayOut: true,
  about: "List the issuers of capsules that this hub trusts or trusted, with their public keys.",
  input: closed({}),
  output: closed({ issuers: Type.Array(ListedIssuer) }),
});
export const AddIssuer = op({
  id: "provenance.issuers.add",
  http: "POST /provenance/issuers",
  cli: "policy issuers add <id> <publicKey>",
  effect: "write",
  ...forPersons,
  about: "Trust an issuer of capsules by its public key.",
  input: closed({ id: IssuerId, publicKey: PublicKey }),
  output: ListedIssuer,
  problems: [IssuerRefused, StoreFailed],
  emits: [IssuerAdded],
});
export const RotateIssuer = op({
  id: "provenance.issuers.rotate",
  http: "POST /provenance/issuers/{id}/rotate",
  cli: "policy issuers rotate <id> <publicKey>",
  effect: "write",
  ...forPersons,
  about: "Give an issuer a new key; the former ones stay good for a while.",
  input: closed({
    id: IssuerId,
    publicKey: PublicKey,
    overlapSecs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 31_622_400,
        default: 86_400,
        description: "Seconds for which the former keys stay good.",
      }),
    ),
  }),
  output: ListedIssuer,
  problems: [NotFound, IssuerRefused, StoreFailed],
  emits: [IssuerRotated],
});
export const RevokeIssuer = op({
  id: "provenance.issuers.revoke",
  http: "POST /provenance/issuers/{id}/revoke",
  cli: "policy issuers revoke <id>",
  effect: "destroy",
  isWayOut: true,
  isIdempotent: true,
  ...forPersons,
  about: "Trust an issuer no more, for ever; what was adopted from it ends at once.",
  input: closed({ id: IssuerId }),
  output: closed({ id: IssuerId, ended: Type.Integer({ minimum: 0, description: "Capsules that ended." }) }),
  problems: [NotFound, StoreFailed],
  emits: [IssuerRevoked, CapsuleEnded],
});
export const ReloadIssuers = op({
  id: "provenance.issuers.reload",
  http: "POST /provenance/issuers/reload",
  cli: "policy issuers reload",
  effect: "write",
  isWayOut: true,
  isIdempotent: true,
  ...forPersons,
  about: "Read the file of issuers anew; what was adopted from those that it trusts no more ends at once.",
  input: closed({}),
  output: closed({ issuers: Type.Integer({ minimum: 0 }), ended: Type.Integer({ minimum: 0 }) }),
  problems: [TrustUnreadable],
  emits: [CapsuleEnded],
});
