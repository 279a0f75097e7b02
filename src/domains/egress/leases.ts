/** Posture and leases: set by persons, kept in the journal, over when their time is. */
import { createEnds } from "../../base/ends.ts";
import { spanMsOf } from "../../base/units.ts";
import { hostRuleName, parseHostRule } from "../../base/web-address.ts";
import { callerName } from "../../contract/caller.ts";
import type { Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Halted, NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock } from "../../kernel/ports.ts";
import { Status as HaltStatus } from "../halt/contract.ts";
import {
  type AllowHost,
  BadHost,
  type EgressLease,
  LeaseExpired,
  LeaseGranted,
  LeaseRevoked,
  type PostureState,
  PostureSet,
  type SetPosture,
  TooManyLeases,
} from "./contract.ts";
import type { Rules } from "./openings.ts";
import { egressLeases, egressPosture, leasesMax, postureKey } from "./views.ts";

export interface EgressSettings {
  readonly posture: PostureState["posture"];
  readonly hosts: readonly string[];
}

export interface Leases {
  rules(): Rules;
  setPosture(input: Static<typeof SetPosture.input>, ctx: Context): Promise<PostureState>;
  allow(input: Static<typeof AllowHost.input>, ctx: Context): Promise<EgressLease>;
  revoke(leaseId: string, ctx: Context): Promise<EgressLease>;
  revokeAll(reason: string): Promise<void>;
  /** Ends what ran out while the hub was down, and waits for the rest. */
  start(): Promise<void>;
}

interface LeasesDeps {
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly settings: EgressSettings;
  /** Called after every change. */
  readonly review: () => void;
}

/** What is open for longer belongs into the list of the configuration, where it is seen. */
const ttlMsMax = 14 * 86_400_000;
const ttlDefault = "1h";

export function createLeases({ parts, clock, settings, review }: LeasesDeps): Leases {
  // Read anew after every change, which is rare; asked for whatever leaves.
  let known: Pick<Rules, "posture" | "leases"> | null = null;
  let cancelTimer: () => void = () => undefined;
  const ends = createEnds<EgressLease>(clock);
  const list = (): readonly EgressLease[] =>
    parts.kernel.views.list(egressLeases, { limit: leasesMax }).rows.map((each) => each.row);
  const rules = (): Rules => {
    known ??= { posture: postureIn(parts, settings), leases: ends.learn(list()) };
    return { posture: known.posture, leases: known.leases.filter((each) => !ends.isOver(each)), nowMs: clock.nowMs() };
  };
  const system = () => parts.act({ caller: { kind: "system", id: "egress" }, corrId: "egress" });
  const changed = (): void => {
    known = null;
    review();
    watch();
  };
  const expire = async (): Promise<void> => {
    for (const { leaseId } of ends.learn(list()).filter(ends.isOver)) await system().emit(LeaseExpired, { leaseId });
    changed();
  };
  const watch = (): void => {
    cancelTimer();
    const nextMs = Math.min(...ends.learn(list()).map(ends.leftMs));
    // The hub may stop meanwhile; then the next start ends what has run out.
    cancelTimer = Number.isFinite(nextMs)
      ? clock.after(Math.max(0, nextMs), () => void expire().catch(() => review()))
      : () => undefined;
  };
  return {
    rules,
    async setPosture({ posture, hosts }, ctx) {
      if (posture !== "closed" && (await ctx.call(HaltStatus, {})).isHalted)
        throw new Problem(Halted, "While the hub is halted it can be closed, and not opened.", {
          next: "Release it first: arw stop --release",
        });
      const named = hosts?.map(hostTextOf);
      await ctx.emit(PostureSet, { posture, ...(named === undefined ? {} : { hosts: named }) });
      changed();
      return rules().posture;
    },
    async allow(input, ctx) {
      const host = hostTextOf(input.host);
      if (list().length >= leasesMax) throw new Problem(TooManyLeases, `there are ${leasesMax} leases already`);
      const leaseId = ctx.id();
      await ctx.emit(LeaseGranted, {
        leaseId,
        host,
        isPrivate: input.isPrivate ?? false,
        endsAtMs: ctx.now() + Math.min(ttlMsMax, spanMsOf(input.ttl ?? ttlDefault)),
        ...(input.agent === undefined ? {} : { agent: input.agent }),
        ...(input.reason === undefined ? {} : { reason: input.reason }),
      });
      changed();
      return parts.kernel.views.get(egressLeases, leaseId) as EgressLease;
    },
    async revoke(leaseId, ctx) {
      const lease = parts.kernel.views.get(egressLeases, leaseId);
      if (lease === undefined) throw new Problem(NotFound, `there is no lease ${leaseId}`);
      await ctx.emit(LeaseRevoked, { leaseId, reason: `revoked by ${callerName(ctx.caller)}` });
      changed();
      return lease;
    },
    async revokeAll(reason) {
      for (const { leaseId } of list()) await system().emit(LeaseRevoked, { leaseId, reason: reason.slice(0, 500) });
      changed();
    },
    start: expire,
  };
}

function hostTextOf(text: string): string {
  const rule = parseHostRule(text.trim());
  if (rule === null) throw new Problem(BadHost, `${JSON.stringify(text)} is not a host`);
  return hostRuleName(rule);
}

/** What a person set counts until they set something else; before that, what the configuration says. */
function postureIn(parts: KernelParts, settings: EgressSettings): PostureState {
  const row = parts.kernel.views.get(egressPosture, postureKey);
  const hosts = [...(row?.hosts ?? settings.hosts)];
  return row === undefined
    ? { posture: settings.posture, hosts, source: "config:egress.posture" }
    : { posture: row.posture, hosts, source: row.setBy };
}
