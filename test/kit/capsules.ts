/** Issuers and capsules for tests: keys made on the spot, envelopes sealed as the command line seals them. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Capsule } from "../../src/domains/provenance/format.ts";
import { publicBytesOf } from "../../src/base/ed25519.ts";
import { headerText, sealCapsule } from "../../src/domains/provenance/seal.ts";
import { startMs } from "./kernel.ts";

export interface TestIssuer {
  readonly id: string;
  readonly publicKey: string;
  readonly privateKey: KeyObject;
  /** Without a nonce of its own each capsule has another one. */
  capsule(more?: Partial<Capsule>): Capsule;
  /** The envelope as JSON. */
  envelope(more?: Partial<Capsule>, hops?: number): string;
  /** Anything at all, signed as a capsule is. */
  sealed(value: unknown): string;
  header(more?: Partial<Capsule>, hops?: number): string;
}

let made = 0;

export function createIssuer(id: string, nowMs: number = startMs): TestIssuer {
  const { privateKey } = generateKeyPairSync("ed25519");
  const capsule = (more: Partial<Capsule> = {}): Capsule => ({
    id: "house",
    version: 1,
    issuer: id,
    issuedAtMs: nowMs,
    notAfterMs: nowMs + 3_600_000,
    nonce: `nonce-${String((made += 1)).padStart(20, "0")}`,
    hopTtl: 1,
    propagate: "none",
    denies: [],
    contracts: [],
    ...more,
  });
  const envelope = (more: Partial<Capsule> = {}, hops?: number): string =>
    JSON.stringify({ ...sealCapsule(capsule(more), privateKey), ...(hops === undefined ? {} : { hops }) });
  return {
    id,
    publicKey: Buffer.from(publicBytesOf(privateKey)).toString("base64"),
    privateKey,
    capsule,
    envelope,
    // What is signed here need not be a capsule: that is for the hub to find out.
    sealed: (value) => JSON.stringify(sealCapsule(value as Capsule, privateKey)),
    header: (more, hops) => headerText(envelope(more, hops)),
  };
}
