/** Provenance: rules that others signed, taken from those whom a person trusts, and only to deny more. */
import { sha256Hex } from "../../base/canonical-json.ts";
import type { Domain } from "../../contract/domain.ts";
import { type Bound, bind } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, Log } from "../../kernel/ports.ts";
import { fixedUntilMs, readCapsule } from "./capsule.ts";
import {
  Adopt,
  CapsuleAdopted,
  CapsuleEnded,
  CapsuleFixed,
  IssuerAdded,
  IssuerRevoked,
  IssuerRotated,
  LedgerWritten,
  Relay,
  ShowLedger,
  ShowStatus,
  type Shown,
  Teardown,
  Verify,
} from "./contract.ts";
import { createDesk, type Desk } from "./desk.ts";
import { refusalOf } from "./refusal.ts";
import { isRefused, openEnvelope, strictly } from "./envelope.ts";
import type { Holding } from "./holdings.ts";
import { createTrustDesk, type TrustDeps, type TrustDesk } from "./issuers-desk.ts";
import { createLedger } from "./ledger.ts";
import type { CapsuleRules } from "./port.ts";
import { type HeldCapsule, provenanceCapsules, provenanceLedger } from "./views.ts";

export interface ProvenanceDeps extends TrustDeps {
  readonly parts: KernelParts;
  readonly clock: Pick<Clock, "nowMs" | "after">;
  readonly log: Pick<Log, "error">;
  readonly rules: CapsuleRules;
  readonly bootId: string;
  readonly isLedgerKept: boolean;
}

export interface Provenance {
  readonly domain: Domain;
  /** The capsule of this very envelope, if it is in force now: cheap, for whoever presents it with every request. */
  held(envelope: string): { readonly id: string; readonly untilMs: number } | null;
  /** Whether the file of issuers holds. */
  health: TrustDesk["health"];
}

export function createProvenance(deps: ProvenanceDeps): Provenance {
  const { clock, bootId } = deps;
  const trust = createTrustDesk(deps);
  const ledger = createLedger({ isKept: deps.isLedgerKept });
  const desk = createDesk({ ...deps, ledger, keys: trust.keys });
  return {
    health: trust.health,
    held(envelope) {
      const opened = openEnvelope(envelope);
      if (isRefused(opened)) return null;
      const holding = desk.holdings.withDigest(digestOf(opened.payload));
      // Another text of it may have another signature, which somebody has to look at.
      if (holding?.text !== opened.text || holding.capsule.notAfterMs < clock.nowMs()) return null;
      return { id: holding.capsule.id, untilMs: holding.capsule.notAfterMs };
    },
    domain: {
      name: "provenance",
      operations: [
        adoptOperation(desk, bootId),
        verifyOperation(desk),
        bind(ShowStatus, () => {
          const nowMs = clock.nowMs();
          return {
            bootId,
            adopted: desk.holdings
              .all()
              .map(shownHolding)
              .filter(({ untilMs }) => untilMs >= nowMs),
            former: desk.memory
              .former()
              .map(shownRow)
              .filter(({ untilMs }) => untilMs >= nowMs),
          };
        }),
        teardownOperation(desk, clock),
        relayOperation(desk),
        bind(ShowLedger, ({ limit = ledgerRowsDefault }) => ({
          isKept: ledger.isKept,
          rows: [...ledger.read(() => deps.parts.kernel.views, limit)],
        })),
        ...trust.operations(desk),
      ],
      events: [CapsuleAdopted, CapsuleEnded, IssuerAdded, IssuerRotated, IssuerRevoked, LedgerWritten],
      views: [provenanceCapsules, provenanceLedger],
      start: desk.start,
    },
  };
}

const ledgerRowsDefault = 100;
const digestOf = (payload: Uint8Array): string => `sha256:${sha256Hex(payload)}`;

/** What would be refused whatever a person says is not put before them. */
const adoptOperation = (desk: Desk, bootId: string) =>
  bind(
    Adopt,
    async ({ envelope }, ctx) => {
      const { holding, isNew } = await desk.adopt(envelope, ctx);
      return { adopted: shownHolding(holding), isNew, bootId };
    },
    {
      async preview({ envelope }, ctx) {
        const { capsule } = await desk.expect(envelope, ctx);
        const { id, issuer, denies, contracts, notAfterMs } = capsule;
        const until = new Date(notAfterMs).toISOString();
        const rules = denies.length + contracts.length;
        const summary = `take in the capsule ${id} of ${issuer}: ${rules} ${rules === 1 ? "rule" : "rules"} until ${until}`;
        return { summary, canUndo: contracts.every(({ immutable }) => immutable !== true) };
      },
    },
  );

const verifyOperation = (desk: Desk): Bound =>
  bind(Verify, ({ envelope }) => {
    const judged = desk.foresee(envelope);
    if (!isRefused(judged))
      return { isGood: true, reason: null, detail: "it would be adopted", capsule: judged.capsule };
    const { reason, detail, issuer } = judged;
    return { isGood: false, reason, detail, capsule: issuer === undefined ? null : capsuleIn(envelope) };
  });

/** Of an envelope whose signature was found good. */
function capsuleIn(envelope: string) {
  const opened = openEnvelope(envelope);
  const capsule = isRefused(opened) ? opened : readCapsule(opened.payload);
  return isRefused(capsule) ? null : capsule;
}

const teardownOperation = (desk: Desk, clock: ProvenanceDeps["clock"]): Bound =>
  bind(Teardown, async ({ id, issuer }, ctx) => {
    for (const { capsule } of desk.holdings.all().filter(named(id, issuer))) {
      const untilMs = fixedUntilMs(capsule, clock.nowMs());
      if (untilMs !== null)
        throw new Problem(CapsuleFixed, `a contract of ${id} is immutable until ${new Date(untilMs).toISOString()}`, {
          untilMs,
        });
    }
    const ended = await desk.end(
      "teardown",
      ctx,
      (row) => row.id === id && (issuer === undefined || row.issuer === issuer),
    );
    if (ended === 0) throw new Problem(NotFound, `no capsule ${id} is in force or waits to be presented again`);
    return { ended };
  });

const named =
  (id: string, issuer: string | undefined) =>
  ({ capsule }: Holding): boolean =>
    capsule.id === id && (issuer === undefined || capsule.issuer === issuer);

const relayOperation = (desk: Desk): Bound =>
  bind(Relay, ({ id, issuer, to }) => {
    const holding = desk.holdings.all().find(named(id, issuer));
    if (holding === undefined) throw new Problem(NotFound, `no capsule ${id} is in force`);
    const { propagate, hopTtl } = holding.capsule;
    if (propagate !== "all" && propagate !== to)
      throw refusalOf("propagate", `it may be passed on to ${propagate}, and not to ${to}`, id);
    const hops = holding.hops + 1;
    if (hops >= hopTtl) throw refusalOf("ttl", `it may reach ${hopTtl} hubs, and this was the last of them`, id);
    return { envelope: JSON.stringify({ ...envelopeOf(holding), hops }), hopsLeft: hopTtl - hops - 1 };
  });

/** Members of what was found to be an envelope when it was adopted. */
const envelopeOf = ({ text }: Holding): object => Object(strictly(text, envelopeDepth));
const envelopeDepth = 3;

const shownHolding = ({ capsule, digest, hops, rules, by, text }: Holding): Shown => {
  const { issuer, id, version, notAfterMs, hopTtl, propagate } = capsule;
  const hopsLeft = Math.max(0, hopTtl - hops - 1);
  return {
    issuer,
    id,
    version,
    digest,
    untilMs: notAfterMs,
    hopsLeft,
    propagate,
    rules: rules.length,
    by,
    envelope: text,
  };
};

const shownRow = ({
  issuer,
  id,
  version,
  digest,
  untilMs,
  hops,
  hopTtl,
  propagate,
  rules,
  by,
  envelope,
}: HeldCapsule): Shown => ({
  issuer,
  id,
  version,
  digest,
  untilMs,
  hopsLeft: Math.max(0, hopTtl - hops - 1),
  propagate,
  rules,
  by: `${by.kind}:${by.id}`,
  envelope,
});
