/** A capsule that is not taken, with the nearest change after which one would be. */
import { Problem } from "../../contract/problem.ts";
import { CapsuleRefused } from "./contract.ts";
import type { Refusal } from "./format.ts";

const sendAnew = "send one that its issuer has signed anew";
const repair = "send one envelope as `docs/guides/capsules.md` describes it, signed over canonical JSON";
const another = "send one of an issuer that this hub trusts; one that was revoked never comes back";
const nextOf: Readonly<Record<Refusal | "propagate", string>> = {
  malformed: repair,
  "too-large": repair,
  "not-canonical": repair,
  "missing-signature": repair,
  "bad-signature": sendAnew,
  "unknown-issuer": "let a person trust its issuer, if they know it: `arw policy issuers add NAME PUBLICKEY`",
  "revoked-issuer": another,
  "retired-key": sendAnew,
  "future-dated": "send it when its time has begun, and see that both clocks are right",
  expired: sendAnew,
  "lease-too-long": "send one whose lease is shorter",
  ttl: "take it from its issuer, or from a hub nearer to it",
  replayed: sendAnew,
  widening:
    "send a version that denies no less, or let a person end the one in force: `arw policy capsule teardown ID`",
  full: "let a person end one that is not needed any more: `arw policy capsule teardown ID`",
  propagate: "take it from its issuer, who says how far it may be passed on",
};

export const refusalOf = (reason: Refusal | "propagate", detail: string, id: string | undefined): Problem =>
  new Problem(CapsuleRefused, `the capsule is refused: ${detail}`, {
    reason,
    rule: `provenance.${reason}`,
    source: "built-in",
    next: nextOf[reason],
    ...(id === undefined ? {} : { id }),
  });
