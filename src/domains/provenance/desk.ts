/**
 * Takes capsules in and ends them, one at a time. Adoption only ever adds denials; they end with their lease, by a person,
 * with their issuer, or with the hub.
 */
import { createKeyedMutex } from "../../base/async.ts";
import { type Caller, callerName } from "../../contract/caller.ts";
import type { Context } from "../../contract/operation.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { Clock, Log } from "../../kernel/ports.ts";
import { CapsuleAdopted, CapsuleEnded, type Ending, type LedgerRow } from "./contract.ts";
import { capsulesMax } from "./format.ts";
import { isRefused, type Refused, refused } from "./envelope.ts";
import { createHoldings, type Holding, type Holdings } from "./holdings.ts";
import { judge, type Judged } from "./judge.ts";
import type { Ledger } from "./ledger.ts";
import { createMemory, type Memory } from "./memory.ts";
import type { CapsuleRules } from "./port.ts";
import { refusalOf } from "./refusal.ts";
import type { KnownKey } from "./trust.ts";
import { capsuleKey, type HeldCapsule } from "./views.ts";

export interface DeskDeps {
  readonly parts: KernelParts;
  readonly clock: Pick<Clock, "nowMs" | "after">;
  readonly log: Pick<Log, "error">;
  readonly rules: CapsuleRules;
  readonly ledger: Ledger;
  readonly keys: () => ReadonlyMap<string, KnownKey>;
}

export interface Desk {
  readonly holdings: Holdings;
  readonly memory: Memory;
  /** What adopting would come to now. */
  foresee(envelope: string): Judged | Refused;
  /** The same, for somebody who wants it adopted: throws `CapsuleRefused`, and the ledger says so. */
  expect(envelope: string, ctx: Context): Promise<Judged>;
  /** Throws `CapsuleRefused`; nothing has changed then. The same capsule again is no second adoption. */
  adopt(envelope: string, ctx: Context): Promise<{ readonly holding: Holding; readonly isNew: boolean }>;
  /** Ends those that are picked, in force or of an earlier boot, and answers how many. */
  end(why: Ending, by: Pick<Context, "caller" | "corrId">, pick: (row: HeldCapsule) => boolean): Promise<number>;
  /** Ends what an earlier boot held, and from then on whatever comes to its end. */
  start(ctx: Context): Promise<void>;
}

/** Timers of the platform hold 24 days; a day is soon enough to look again. */
const sweepMsMax = 86_400_000;
/** After a sweep that could not be written down. */
const sweepRetryMs = 60_000;

export function createDesk(deps: DeskDeps): Desk {
  const { parts, clock, rules } = deps;
  const bench: Bench = {
    ...deps,
    holdings: createHoldings(rules),
    memory: createMemory(),
    // The hub writes about itself, whatever is denied to the caller.
    systemOf: (corrId) => parts.act({ caller: { kind: "system", id: "provenance" }, corrId }),
    judge: (envelope) => judge(envelope, { keys: deps.keys(), nowMs: clock.nowMs(), contractFault: rules.fault }),
  };
  const { holdings, memory } = bench;
  // One change at a time: each is held against what the one before left.
  const turns = createKeyedMutex();
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => turns.run("capsules", run);
  const end: Desk["end"] = (why, by, pick) =>
    inTurn(() =>
      endRows(
        bench,
        memory.all().filter((row) => row.status !== "ended" && pick(row)),
        { why, by },
      ),
    );
  const sweep = async (ctx: Context): Promise<void> =>
    void (await inTurn(() => endRows(bench, memory.endedBefore(clock.nowMs()), { why: "lease", by: ctx })));
  return {
    holdings,
    memory,
    foresee: (envelope) => foreseen(bench, envelope),
    async expect(envelope, ctx) {
      const found = foreseen(bench, envelope);
      return isRefused(found) ? await refuse(bench, found, ctx) : found;
    },
    adopt: (envelope, ctx) => inTurn(() => adopt(bench, envelope, ctx)),
    end,
    async start(ctx) {
      memory.load(parts.kernel.views);
      await sweep(ctx);
      await end("restart", ctx, ({ status }) => status === "adopted");
      keepSweeping(ctx, { deps, memory, sweep });
    },
  };
}

interface Bench extends Pick<Desk, "holdings" | "memory">, Pick<DeskDeps, "clock" | "ledger"> {
  judge(envelope: string): Judged | Refused;
  systemOf(corrId: string): Context;
}

async function adopt(
  bench: Bench,
  envelope: string,
  ctx: Context,
): Promise<{ readonly holding: Holding; readonly isNew: boolean }> {
  const found = bench.judge(envelope);
  if (isRefused(found)) return await refuse(bench, found, ctx);
  const { issuer, id, notAfterMs } = found.capsule;
  const by = { by: callerName(ctx.caller), corrId: ctx.corrId };
  const known = bench.holdings.get(capsuleKey(found.capsule));
  if (known?.digest === found.digest) {
    await note(bench, { what: "presented", issuer, id, ...by });
    return { holding: known, isNew: false };
  }
  const holding = await take(bench, found, ctx);
  if (isRefused(holding)) return await refuse(bench, { ...holding, issuer, id }, ctx);
  await note(bench, { what: "adopted", issuer, id, untilMs: notAfterMs, ...by });
  return { holding, isNew: true };
}

/** Everything but the room in the gate, which nobody reserves. */
function foreseen(bench: Bench, envelope: string): Judged | Refused {
  const { holdings, memory } = bench;
  const found = bench.judge(envelope);
  if (isRefused(found) || holdings.get(capsuleKey(found.capsule))?.digest === found.digest) return found;
  const { issuer, id } = found.capsule;
  const fault = replayOf(found, memory) ?? roomFault(found, bench) ?? holdings.former(found);
  return fault !== null && isRefused(fault) ? { ...fault, issuer, id } : found;
}

async function take(bench: Bench, found: Judged, { caller, corrId }: Context): Promise<Holding | Refused> {
  const { holdings, memory } = bench;
  const fault = replayOf(found, memory) ?? roomFault(found, bench);
  if (fault !== null) return fault;
  const former = holdings.former(found);
  if (former !== null && isRefused(former)) return former;
  // In force before it is written down: what is told as adopted is never late.
  const holding = holdings.add(found, callerName(caller), former);
  if (isRefused(holding)) return holding;
  try {
    await bench.systemOf(corrId).emit(CapsuleAdopted, adoptedData(holding, caller));
  } catch (error) {
    holdings.undo(holding, former);
    throw error;
  }
  if (former !== null) await endRow(bench, former.capsule, { why: "replaced", by: { caller, corrId } });
  return holding;
}

async function refuse(bench: Bench, { reason, detail, issuer, id }: Refused, ctx: Context): Promise<never> {
  const by = { by: callerName(ctx.caller), corrId: ctx.corrId };
  await note(bench, { what: "refused", issuer: issuer ?? null, id: id ?? null, reason, ...by });
  throw refusalOf(reason, detail, id);
}

interface End {
  readonly why: Ending;
  readonly by: Pick<Context, "caller" | "corrId">;
}

async function endRows(bench: Bench, rows: readonly HeldCapsule[], end: End): Promise<number> {
  // Out of force first, all of them at once; then written down.
  for (const row of rows) drop(bench.holdings, row);
  for (const row of rows) {
    // The lease of what ended before is no news; its nonce need not be remembered any more.
    if (end.why === "lease" && row.status !== "adopted") await writeEnd(bench, row, end);
    else await endRow(bench, row, end);
  }
  return rows.length;
}

type EndedRow = Pick<HeldCapsule, "issuer" | "id" | "nonce">;

async function endRow(bench: Bench, row: EndedRow, end: End): Promise<void> {
  await writeEnd(bench, row, end);
  const { issuer, id } = row;
  const { caller, corrId } = end.by;
  await note(bench, { what: "ended", issuer, id, reason: end.why, by: callerName(caller), corrId });
}

const writeEnd = async ({ systemOf }: Bench, { issuer, id, nonce }: EndedRow, { why, by }: End): Promise<void> =>
  void (await systemOf(by.corrId).emit(CapsuleEnded, { issuer, id, nonce, why }));

const note = ({ ledger, clock, systemOf }: Bench, row: Omit<LedgerRow, "timeMs">): Promise<void> =>
  ledger.write({ timeMs: clock.nowMs(), ...row }, systemOf(row.corrId));

function drop(holdings: Holdings, row: HeldCapsule): void {
  const holding = holdings.get(capsuleKey(row));
  if (holding !== undefined) holdings.remove(holding);
}

/** What ended with an earlier boot may come again as it was; everything else that was seen may not. */
function replayOf({ capsule, digest }: Judged, memory: Memory): Refused | null {
  const row = memory.get(capsuleKey(capsule));
  if (row === undefined || (row.status !== "ended" && row.digest === digest)) return null;
  return refused("replayed", "its nonce was seen before");
}

function roomFault({ capsule }: Judged, { holdings, memory }: Pick<Desk, "holdings" | "memory">): Refused | null {
  if (memory.get(capsuleKey(capsule)) !== undefined) return null;
  if (memory.isFull)
    return refused("full", "the hub remembers as many capsules as it can, and forgets none of them early");
  if (holdings.size + memory.former().length < capsulesMax) return null;
  return refused("full", `${capsulesMax} capsules are in force or wait to be presented again`);
}

function adoptedData({ capsule, digest, keyId, hops, rules, text }: Holding, { kind, id }: Caller) {
  const { denies: _denies, contracts: _contracts, notAfterMs, ...head } = capsule;
  return { ...head, digest, keyId, untilMs: notAfterMs, hops, rules: rules.length, envelope: text, by: { kind, id } };
}

interface Sweeping {
  readonly deps: Pick<DeskDeps, "clock" | "log">;
  readonly memory: Memory;
  readonly sweep: (ctx: Context) => Promise<void>;
}

/** The gate itself ends each rule to the millisecond; this only tidies up behind it. */
function keepSweeping(ctx: Context, { deps, memory, sweep }: Sweeping): void {
  const { clock, log } = deps;
  let cancel: () => void = () => undefined;
  const wait = (delayMs: number): void => {
    if (!ctx.signal.aborted) cancel = clock.after(delayMs, () => void look());
  };
  const arm = (): void => {
    cancel();
    const nextMs = memory.nextEndMs();
    if (nextMs !== null) wait(Math.min(sweepMsMax, Math.max(1, nextMs + 1 - clock.nowMs())));
  };
  const look = async (): Promise<void> => {
    try {
      await sweep(ctx);
      arm();
    } catch (error) {
      log.error("the end of a capsule could not be written down; it is not in force", { error: String(error) });
      wait(sweepRetryMs);
    }
  };
  memory.onChange(arm);
  arm();
  ctx.signal.addEventListener("abort", () => cancel(), { once: true });
}
