/** Who vouches for a capsule: a signature proves a key, and whose it is, only a person can have said. */
import { keyIdOf } from "../../base/ed25519.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { type KeptCapsule, type Signer, signerKinds } from "./contract.ts";
import type { CapsuleMeans } from "./port.ts";
import { capsuleSigners, capsules, keptMax } from "./views.ts";

export interface Signed {
  readonly digest: string;
  readonly keyId: string;
}

export interface Signers {
  of(signed: Signed): Promise<Signer>;
  /** Whether more is known of who signed the first than of who signed the second. */
  isBetter(signed: Signed, than: Signed): Promise<boolean>;
}

export const keptCapsules = ({ kernel }: KernelParts): readonly KeptCapsule[] =>
  kernel.views.list(capsules, { limit: keptMax }).rows.map(({ row }) => row);

export function createSigners(parts: KernelParts, { keys }: Pick<CapsuleMeans, "keys">): Signers {
  const of = async ({ digest, keyId }: Signed): Promise<Signer> => {
    const own = await keys.known();
    if (own !== null && keyIdOf(own.publicKey) === keyId) return { keyId, kind: "own", name: null };
    const pinned = parts.kernel.views.get(capsuleSigners, keyId);
    if (pinned !== undefined) return { keyId, kind: "pinned", name: pinned.name };
    // A kept copy of the capsule itself says nothing of its key: no key vouches for itself.
    const isKnown = keptCapsules(parts).some((each) => each.keyId === keyId && each.digest !== digest);
    return { keyId, kind: isKnown ? "known" : "unknown", name: null };
  };
  return {
    of,
    isBetter: async (signed, than) => rankOf(await of(signed)) < rankOf(await of(than)),
  };
}

/** The kinds stand in this order in the contract: own, pinned, known, unknown. */
const rankOf = ({ kind }: Signer): number => signerKinds.indexOf(kind);
