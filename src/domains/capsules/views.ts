import { closed, CorrelationId, EpochMs, Type } from "../../contract/schema.ts";
import { on, view } from "../../contract/view.ts";
import { CapsuleImported, CapsuleRemoved, KeptCapsule, SignerPinned, SignerUnpinned } from "./contract.ts";

/** More than anybody looks through; the ceiling in bytes is met long before. */
export const keptMax = 10_000;
/** Other hubs that a person knows by name. */
export const signersMax = 1_000;

const kept = on<KeptCapsule>();
export const capsules = view(KeptCapsule)({
  name: "capsules",
  version: 1,
  about: "Run capsules that this hub keeps.",
  isWayOut: true,
  order: "asc",
  rowsMax: keptMax,
  overflow: "guarded",
  filters: {
    episode: { schema: CorrelationId, matches: (row, value: string) => row.episode === value },
  },
  folds: [
    kept(
      CapsuleImported,
      (e) => e.data.digest,
      (_row, { data, timeMs, caller }) => ({ ...data, keptAtMs: timeMs, by: caller }),
    ),
    kept(
      CapsuleRemoved,
      (e) => e.data.digest,
      () => null,
    ),
  ],
});

export const PinnedSigner = closed({
  keyId: Type.String(),
  name: Type.String(),
  by: Type.String(),
  atMs: EpochMs,
});
type PinnedRow = { keyId: string; name: string; by: string; atMs: number };

const pinned = on<PinnedRow>();
export const capsuleSigners = view(PinnedSigner)({
  name: "capsuleSigners",
  version: 1,
  about: "Keys of other hubs that a person gave a name, so that their capsules are recognised.",
  isWayOut: true,
  order: "asc",
  rowsMax: signersMax,
  overflow: "guarded",
  folds: [
    pinned(
      SignerPinned,
      (e) => e.data.keyId,
      (_row, { data, timeMs, caller }) => ({ ...data, by: caller, atMs: timeMs }),
    ),
    pinned(
      SignerUnpinned,
      (e) => e.data.keyId,
      () => null,
    ),
  ],
});
