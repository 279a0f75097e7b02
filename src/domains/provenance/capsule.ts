/** The inside of a capsule: read from bytes whose signature is good, and turned into rules of the gate. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { textOf } from "../../base/dsse.ts";
import { coversPattern } from "../../contract/caller.ts";
import { checkerOf } from "../../contract/schema.ts";
import type { Contract } from "../gating/contract.ts";
import { Capsule, clockSkewMsMax, leaseMsMax } from "./format.ts";
import { type Refused, refused, strictly } from "./envelope.ts";

/** Capsule, list of contracts, contract, list of patterns. */
const depthMax = 4;

/** Refuses whatever is not exactly the canonical text of a capsule: one capsule has one spelling, and one digest. */
export function readCapsule(payload: Uint8Array): Capsule | Refused {
  const text = textOf(payload);
  const value = text === null ? undefined : strictly(text, depthMax);
  if (value === undefined) return refused("malformed", "the payload is not strict JSON");
  if (canonicalJson(value) !== text) return refused("not-canonical", "the payload is not canonical JSON (RFC 8785)");
  if (isCapsule(value)) return value;
  const [first] = checkerOf(Capsule).faults(value);
  return refused("malformed", `the payload is no capsule: ${first?.at ?? ""} ${first?.message ?? ""}`);
}

const isCapsule = (value: unknown): value is Capsule => checkerOf(Capsule).check(value);

/** What is wrong with its times and its way here; null when nothing is. */
export function untimely({ issuedAtMs, notAfterMs, hopTtl }: Capsule, hops: number, nowMs: number): Refused | null {
  if (issuedAtMs > nowMs + clockSkewMsMax)
    return refused("future-dated", "it is dated in the future of this hub's clock");
  if (notAfterMs < nowMs) return refused("expired", "its rules have ended");
  if (notAfterMs <= issuedAtMs) return refused("malformed", "its rules end before it was issued");
  if (notAfterMs - issuedAtMs > leaseMsMax) return refused("lease-too-long", `rules may hold ${leaseMsMax} ms at most`);
  if (hops >= hopTtl) return refused("ttl", `it may reach ${hopTtl} hubs and went through ${hops}`);
  return null;
}

export interface CapsuleRule {
  readonly contract: Contract;
  readonly place: string;
}

/** Every rule of the capsule, none of which outlasts it. Their names begin with issuer and id, so they meet no others. */
export function rulesOf({ issuer, id, notAfterMs, denies, contracts }: Capsule): readonly CapsuleRule[] {
  const place = placeOf(issuer, id);
  const base = `${issuer}/${id}`;
  const denied: Contract = { id: base, patterns: denies, validToMs: notAfterMs, reason: `${issuer} denies it` };
  return [
    ...(denies.length === 0 ? [] : [{ place, contract: denied }]),
    ...contracts.map((contract) => ({
      place,
      contract: { ...within(contract, notAfterMs), id: `${base}::${contract.id}` },
    })),
  ];
}

export const placeOf = (issuer: string, id: string): string => `capsule:${issuer}/${id}`;

/** What renews itself whenever it is met is in force up to the end of its capsule, and no further. */
function within({ autoRenewSecs = 0, validToMs, ...contract }: Contract, notAfterMs: number): Contract {
  const endMs = autoRenewSecs > 0 || validToMs === undefined ? notAfterMs : Math.min(validToMs, notAfterMs);
  return { ...contract, validToMs: endMs };
}

/** Whether everything that the former denies, the next denies, too, and for as long. */
export function covers(next: Capsule, former: Capsule): boolean {
  const said = new Set(next.contracts.map((each) => canonicalJson(each)));
  return (
    next.notAfterMs >= former.notAfterMs &&
    former.denies.every((inner) => next.denies.some((outer) => coversPattern(outer, inner))) &&
    former.contracts.every((each) => said.has(canonicalJson(each)))
  );
}

/** A name twice in one list would let one rule stand in for another. */
export function hasTwins({ contracts }: Capsule): boolean {
  return new Set(contracts.map(({ id }) => id)).size < contracts.length;
}

/** The end of the last immutable rule that is active now; null when there is none. */
export function fixedUntilMs(capsule: Capsule, nowMs: number): number | null {
  const ends = rulesOf(capsule)
    .map(({ contract }) => contract)
    .filter(
      ({ immutable, validFromMs = 0, validToMs = 0 }) =>
        immutable === true && validFromMs <= nowMs && nowMs <= validToMs,
    )
    .map(({ validToMs = 0 }) => validToMs);
  return ends.length === 0 ? null : Math.max(...ends);
}
