/** What the journal keeps of capsules: which are held, which were, and what must not be replayed. */
import { closed, oneOf, type Static, Type } from "../../contract/schema.ts";
import { on, seqKey, view } from "../../contract/view.ts";
import { CapsuleAdopted, CapsuleEnded, LedgerRow, LedgerWritten } from "./contract.ts";
import { rememberedMax } from "./format.ts";

export const HeldCapsule = closed({
  ...CapsuleAdopted.data.properties,
  status: oneOf(["adopted", "former", "ended"], "`former` ended with an earlier boot and may be presented again."),
  /** Empty once nobody may present it again. */
  envelope: Type.String(),
});
export type HeldCapsule = Static<typeof HeldCapsule>;

/** One nonce of an issuer stands for one capsule. */
export const capsuleKey = ({ issuer, nonce }: { readonly issuer: string; readonly nonce: string }): string =>
  `${issuer}/${nonce}`;

const held = on<HeldCapsule>();
export const provenanceCapsules = view(HeldCapsule)({
  name: "provenanceCapsules",
  version: 1,
  about: "Capsules that are in force, were in force at an earlier boot, or must not be replayed.",
  isWayOut: true,
  order: "asc",
  rowsMax: rememberedMax,
  overflow: "guarded",
  folds: [
    held(
      CapsuleAdopted,
      (e) => capsuleKey(e.data),
      (_row, e) => ({ ...e.data, status: "adopted" }),
    ),
    held(
      CapsuleEnded,
      (e) => capsuleKey(e.data),
      (row, e) => {
        // Past its end it is refused as expired, and need not be remembered.
        if (row === undefined || e.data.why === "lease") return null;
        return e.data.why === "restart" ? { ...row, status: "former" } : { ...row, status: "ended", envelope: "" };
      },
    ),
  ],
});

/** A few months of a busy hub. */
const ledgerRowsMax = 10_000;
const ledger = on<LedgerRow>();
export const provenanceLedger = view(LedgerRow)({
  name: "provenanceLedger",
  version: 1,
  about: "The adoption ledger, where the configuration keeps it.",
  isWayOut: true,
  rowsMax: ledgerRowsMax,
  folds: [
    ledger(
      LedgerWritten,
      (e) => seqKey(e),
      (_row, e) => e.data,
    ),
  ],
});
