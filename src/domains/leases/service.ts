/** Gives, lists and takes back leases, and ends each when its time, its run or the hub's work is over. */
import { createEnds } from "../../base/ends.ts";
import { spanMsOf } from "../../base/units.ts";
import { hostRuleName, parseHostRule } from "../../base/web-address.ts";
import { type Caller, callerName } from "../../contract/caller.ts";
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import type { Static } from "../../contract/schema.ts";
import { Halted, NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, Leases } from "../../kernel/ports.ts";
import { RunCancelled, RunFailed, RunFinished, RunResumed, RunStarted } from "../agents/contract.ts";
import { type EgressLease, RevokeLease as CloseHost } from "../egress/contract.ts";
import type { LeaseBook } from "../policy/contract.ts";
import {
  type Amounts,
  BadLease,
  GrantLease,
  type Lease,
  LeaseExpired,
  LeaseGranted,
  LeaseRevoked,
  LeaseSettled,
  leaseUnits,
  LeaseUsed,
  type ListedLease,
  ListLeases,
  RevokeLease,
  TooManyLeases,
} from "./contract.ts";
import { createHolds, type Holds } from "./holds.ts";
import type { LeasesPorts } from "./port.ts";
import { refuseBeyondReach, refuseIdle } from "./reach.ts";
import { leases as view, leasesMax } from "./views.ts";

export interface LeasesDeps extends LeasesPorts {
  readonly parts: KernelParts;
  readonly clock: Clock;
}

export interface LeasesService {
  readonly domain: Domain;
  /** What the policies ask. */
  readonly book: LeaseBook;
  /** What the corridor takes hold of. */
  readonly port: Leases;
  signalOf(leaseId: string): AbortSignal;
  /** Takes every lease back, and ends the calls that they let pass. */
  endAll(reason: string): Promise<void>;
  /** Looks again at all that is written, after rows came in by another way. */
  refresh(): void;
  /** For who gives a lease in one commit with other events. */
  readonly desk: LeaseDesk;
}

export interface LeaseDesk {
  /** Keeps room for one more while it is written. Throws where none may be given now. */
  room(): Disposable;
  /** A lease was written: takes it back when its run ended or the hub was halted meanwhile. */
  written(leaseId: string): Promise<void>;
}

/** What is permitted for longer belongs into a policy, where it is seen. */
const ttlMsMax = 14 * 86_400_000;
const ttlDefault = "15m";
/** A wall clock that jumps ahead tells no timer, so it is looked at while there are leases. */
const lookMs = 30_000;
const hub: Caller = { kind: "system", id: "leases" };
const endKinds: ReadonlySet<string> = new Set([RunFinished, RunFailed, RunCancelled].map(({ kind }) => kind));

export function createLeases(deps: LeasesDeps): LeasesService {
  const { parts, clock } = deps;
  const ends = createEnds<Lease>(clock);
  const holds = createHolds({ parts, ends, onOver: () => keeper.look() });
  const keeper: Keeper = createKeeper({ parts, clock, holds, leftMs: ends.leftMs });
  const desk = { ...deps, holds, keeper, leftMs: ends.leftMs, granting: { count: 0 } };
  return {
    book: holds,
    port: holds,
    signalOf: holds.signalOf,
    endAll: (reason) => keeper.revoke(holds.all(), reason),
    refresh: keeper.refresh,
    desk: { room: () => roomFor(desk), written: async (leaseId) => void (await takeBackLate(leaseId, desk)) },
    domain: {
      name: "leases",
      operations: [
        bind(GrantLease, (input, ctx) => grant(input, ctx, desk)),
        bind(ListLeases, () => ({ leases: listed(desk) })),
        bind(RevokeLease, ({ leaseId }, ctx) => revoke(leaseId, ctx, desk)),
      ],
      events: [LeaseGranted, LeaseRevoked, LeaseExpired, LeaseUsed, LeaseSettled],
      views: [view],
      start: () => keeper.start(),
    },
  };
}

interface Keeper {
  /** Takes up what is written, and ends what ran out or lost its run while the hub was down. */
  start(): Promise<void>;
  refresh(): void;
  /** Ends what has run out. */
  look(): void;
  /** In memory first, so that it holds whatever becomes of the journal. */
  revoke(leases: readonly Lease[], reason: string): Promise<void>;
}

interface KeeperDeps {
  readonly parts: KernelParts;
  readonly clock: Clock;
  readonly holds: Holds;
  readonly leftMs: (lease: Lease) => number;
}

function createKeeper({ parts, clock, holds, leftMs }: KeeperDeps): Keeper {
  let cancelTimer: () => void = () => undefined;
  const actor = () => parts.act({ caller: hub, corrId: "leases" });
  const expire = async (): Promise<void> => {
    const over = holds.all().filter((each) => leftMs(each) <= 0);
    for (const { leaseId } of over) holds.end(leaseId, "its time is over");
    watch();
    await Promise.all(over.map(({ leaseId }) => actor().emit(LeaseExpired, { leaseId })));
  };
  // The hub may stop meanwhile; then the next start ends what has run out.
  const look = (): void => void expire().catch(() => undefined);
  const watch = (): void => {
    cancelTimer();
    const nextMs = Math.min(lookMs, ...holds.all().map(leftMs));
    cancelTimer = holds.all().length === 0 ? () => undefined : clock.after(Math.max(0, nextMs), look);
  };
  const revoke = async (leases: readonly Lease[], reason: string): Promise<void> => {
    for (const { leaseId } of leases) holds.end(leaseId, reason);
    watch();
    const why = reason.slice(0, 500);
    // Of one turn, so that they share a commit; there are no more of them than the list holds.
    await Promise.all(leases.map(({ leaseId }) => actor().emit(LeaseRevoked, { leaseId, reason: why })));
  };
  const endRun = (run: string): Promise<void> =>
    revoke(
      holds.all().filter(({ scope }) => scope.run === run),
      `the run ${run} has ended`,
    );
  const refresh = (): void => {
    for (const lease of rowsOf(parts)) holds.learn(lease);
    watch();
  };
  return {
    refresh,
    look,
    revoke,
    async start() {
      parts.kernel.views.onChange(view.name, (changes) => {
        for (const { key, after } of changes) {
          if (after !== undefined) {
            holds.learn(after as Lease);
            continue;
          }
          holds.end(key, "it was taken back");
          holds.forget(key);
        }
        watch();
      });
      parts.bus.listen([...endKinds], ({ kind, corrId }) => {
        if (endKinds.has(kind)) void endRun(corrId).catch(() => undefined);
      });
      refresh();
      const runs = new Set(holds.all().map(({ scope }) => scope.run));
      for (const run of runs) if (run !== undefined && isRunOver(run, parts)) await endRun(run);
      await expire();
    },
  };
}

const rowsOf = (parts: KernelParts): readonly Lease[] =>
  parts.kernel.views.list(view, { limit: leasesMax }).rows.map((each) => each.row);

/** What was told of the run last says it: an interrupted one may go on, and a resumed one does. */
function isRunOver(corrId: string, { kernel }: KernelParts): boolean {
  const kinds = [RunStarted.kind, RunResumed.kind, ...endKinds];
  const [last] = kernel.journal.read({ corrId, kinds, limit: 1, order: "desc" });
  return last !== undefined && endKinds.has(last.kind);
}

interface Desk extends LeasesDeps {
  readonly holds: Holds;
  readonly keeper: Keeper;
  readonly leftMs: (lease: Lease) => number;
  /** Those that are being written. */
  readonly granting: { count: number };
}

/** Nothing is awaited before the event is on its way, so that it shares a commit with what the caller emits beside it. */
async function grant(input: Static<typeof GrantLease.input>, ctx: Context, desk: Desk): Promise<ListedLease> {
  const { parts, holds } = desk;
  const data = { leaseId: ctx.id(), ...termsOf(input, ctx.now(), desk) };
  const { leaseId, capability, holder } = data;
  refuseIdle(capability, holder, parts.kernel.table);
  refuseBeyondReach(capability, ctx.caller, parts.kernel.table);
  using _room = roomFor(desk);
  await ctx.emit(LeaseGranted, data);
  const late = await takeBackLate(leaseId, desk);
  const lease = parts.kernel.views.get(view, leaseId);
  if (lease === undefined || !holds.has(leaseId))
    throw new Problem(BadLease, `the lease ended as it was given: ${late ?? "it was taken back"}`);
  return shown(lease, desk);
}

/** Its run may have ended, or the hub been halted, while it was written. Says which. */
async function takeBackLate(leaseId: string, desk: Desk): Promise<string | null> {
  const lease = desk.parts.kernel.views.get(view, leaseId);
  const late = lateness(lease?.scope.run, desk);
  if (lease !== undefined && late !== null) await desk.keeper.revoke([lease], late);
  return late;
}

function roomFor({ parts, granting, halted }: Desk): Disposable {
  refuseHalted(halted());
  if (rowsOf(parts).length + granting.count >= leasesMax)
    throw new Problem(TooManyLeases, `there are ${leasesMax} leases already`);
  granting.count += 1;
  return { [Symbol.dispose]: () => void (granting.count -= 1) };
}

function refuseHalted({ aborted, reason }: AbortSignal): void {
  if (!aborted) return;
  const why = isProblem(reason) ? reason.message : "everything was stopped";
  throw new Problem(Halted, `The hub is halted, and nothing is permitted meanwhile: ${why}.`, {
    next: "A person releases it with `arw stop --release`.",
  });
}

function lateness(run: string | undefined, { parts, halted }: Desk): string | null {
  if (halted().aborted) return "the hub was halted";
  return run !== undefined && isRunOver(run, parts) ? `the run ${run} has ended` : null;
}

function termsOf(input: Static<typeof GrantLease.input>, nowMs: number, { parts, readAmount }: Desk) {
  const {
    capability,
    holder,
    ttl = ttlDefault,
    folder,
    path,
    host,
    tool,
    run,
    uses,
    budget,
    reason,
    approvalId,
  } = input;
  if (path !== undefined && folder === undefined)
    throw new Problem(BadLease, "a path lies in a folder: name the folder, too");
  if (run !== undefined && isRunOver(run, parts)) throw new Problem(BadLease, `the run ${run} has ended`);
  const ttlMs = spanMsOf(ttl);
  if (ttlMs > ttlMsMax)
    throw new Problem(BadLease, `${ttl} is over 14 days`, { next: "write a policy for what is to last longer" });
  const scope = defined({ folder, path, host: host === undefined ? undefined : hostTextOf(host), tool, run });
  return {
    capability: capability.replaceAll(".", ":"),
    holder,
    scope,
    endsAtMs: nowMs + ttlMs,
    ...defined({ uses, reason, approvalId, budget: budget === undefined ? undefined : amountsOf(budget, readAmount) }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that nobody named. */
const defined = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;

function hostTextOf(text: string): string {
  const rule = parseHostRule(text.trim());
  if (rule === null) throw new Problem(BadLease, `${JSON.stringify(text)} is not a host`);
  return hostRuleName(rule);
}

const units: ReadonlySet<string> = new Set(leaseUnits);

function amountsOf(texts: readonly string[], readAmount: LeasesPorts["readAmount"]): Amounts {
  const amounts: Record<string, number> = {};
  for (const text of texts) {
    const read = text.includes("/") ? { fault: "a lease has no window, it has an end" } : readAmount(text);
    if ("fault" in read) throw new Problem(BadLease, `${JSON.stringify(text)}: ${read.fault}`);
    if (!units.has(read.unit))
      throw new Problem(BadLease, `${JSON.stringify(text)}: a lease counts calls as uses and time as its ttl`);
    if (amounts[read.unit] !== undefined) throw new Problem(BadLease, `${JSON.stringify(text)}: named twice`);
    amounts[read.unit] = read.limit;
  }
  return amounts;
}

async function revoke(leaseId: string, ctx: Context, desk: Desk): Promise<ListedLease> {
  const { parts, holds } = desk;
  const lease = parts.kernel.views.get(view, leaseId);
  if (lease === undefined) {
    const open = desk.openings().find((each) => each.leaseId === leaseId);
    if (open === undefined) throw new Problem(NotFound, `there is no lease ${leaseId}`);
    await ctx.call(CloseHost, { leaseId });
    return shownHost(open, desk);
  }
  const answer = shown(lease, desk);
  const reason = `revoked by ${callerName(ctx.caller)}`;
  // At once, and whatever becomes of the journal: taking back never waits.
  holds.end(leaseId, reason);
  await ctx.emit(LeaseRevoked, { leaseId, reason });
  return answer;
}

const listed = (desk: Desk): ListedLease[] => [
  ...rowsOf(desk.parts)
    .filter(({ leaseId }) => desk.holds.has(leaseId))
    .map((each) => shown(each, desk))
    .filter(({ leftMs }) => leftMs > 0),
  ...desk.openings().map((each) => shownHost(each, desk)),
];

const shown = (lease: Lease, { leftMs }: Desk): ListedLease => ({
  kind: "call",
  ...lease,
  leftMs: Math.max(0, Math.floor(leftMs(lease))),
});

const shownHost = (
  { leaseId, host, agent, endsAtMs, grantedBy, grantedAtMs, reason }: EgressLease,
  { clock }: Desk,
): ListedLease => ({
  kind: "host",
  leaseId,
  capability: "net:fetch",
  scope: { host },
  holder: agent === undefined ? "*" : `agent:${agent}`,
  endsAtMs,
  leftMs: Math.max(0, endsAtMs - clock.nowMs()),
  grantedBy,
  grantedAtMs,
  ...(reason === undefined ? {} : { reason }),
});
