/**
 * Which events lose their data. Only kinds that record what agents saw and thought, or that a consumer was answered: what
 * decides, asks, grants or changes stays whole for ever. Nothing goes that an episode may still need (decision 0011).
 */
import assert from "node:assert/strict";
import type { Context } from "../../contract/operation.ts";
import type { Static } from "../../contract/schema.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import type { StoredEvent } from "../../kernel/ports.ts";
import { Dropped, Erased, erasedMax } from "./contract.ts";
import type { Frontier, RetentionRule } from "./port.ts";
import type { Volume } from "./volume.ts";

/** Families that retention may speak of; a rule for anything else is refused with the configuration. */
export const droppableFamilies = ["observations.", "beliefs.", "consumers.acked", "consumers.returned"] as const;

/** Kinds of which a person has single events forgotten. */
const erasableKinds: ReadonlySet<string> = new Set([
  "notes.written",
  "chat.created",
  "chat.renamed",
  "chat.message.sent",
]);

const pageEvents = 500;
/** A month, so that a holiday costs no run its record. */
const interruptedHeldMsMax = 30 * 24 * 60 * 60_000;
/** Two megabytes at a time, so that others get their turn. */
const reclaimedPages = 500;

interface RetentionDeps {
  readonly parts: KernelParts;
  readonly rules: readonly RetentionRule[];
  readonly frontier: Frontier;
  readonly pause: () => Promise<void>;
  readonly volume: Volume;
}

type Drop = Static<typeof Dropped.data>["drops"][number];

export async function compact(deps: RetentionDeps, ctx: Context): Promise<{ dropped: number; freedPages: number }> {
  const drops = await dropsDue(deps, ctx.now(), ctx.signal);
  // First the permission, durably, then the deed: a crash between them leaves data that the next run drops.
  if (drops.length > 0) await ctx.emit(Dropped, { drops });
  let dropped = 0;
  for (const drop of drops) dropped += await dropAll(deps, drop, ctx.signal);
  let freedPages = 0;
  for (let freed = -1; freed !== 0 && !ctx.signal.aborted; freedPages += freed) {
    freed = deps.parts.archive.reclaim(reclaimedPages);
    await deps.pause();
  }
  return { dropped, freedPages };
}

async function dropsDue(
  { parts, rules, frontier, volume }: RetentionDeps,
  nowMs: number,
  signal: AbortSignal,
): Promise<Drop[]> {
  const limit = Math.min(frontier(), openEpisodesBegin(parts, nowMs) - 1);
  const drops: Drop[] = [];
  for (const kind of droppableKinds(parts)) {
    let toSeq = 0;
    for (const rule of rules.filter(({ prefix }) => kind.startsWith(prefix))) {
      const { sizeBytesMax = Number.MAX_SAFE_INTEGER } = rule;
      const over = await volume.lastOver(kind, { sizeBytesMax, toSeq: limit }, signal);
      toSeq = Math.max(toSeq, over, lastOld(parts, { kind, rule, nowMs }), lastSurplus(parts, kind, rule));
    }
    toSeq = Math.min(limit, toSeq);
    const events = countFull(parts, kind, toSeq);
    if (events > 0) drops.push({ kind, toSeq, events });
  }
  return drops;
}

const droppableKinds = ({ kernel }: KernelParts): readonly string[] =>
  [...kernel.table.events.values()]
    .filter(({ kind, isDurable }) => isDurable && droppableFamilies.some((family) => kind.startsWith(family)))
    .map(({ kind }) => kind);

/** Whether a kind holds more data than a rule lets it. */
export async function isOverCeiling({ parts, rules, volume }: RetentionDeps, signal: AbortSignal): Promise<boolean> {
  for (const kind of droppableKinds(parts)) {
    for (const { prefix, sizeBytesMax } of rules) {
      if (sizeBytesMax === undefined || !kind.startsWith(prefix)) continue;
      if ((await volume.sizeBytesOf(kind, signal)) > sizeBytesMax) return true;
    }
  }
  return false;
}

interface Rule {
  readonly kind: string;
  readonly rule: RetentionRule;
  readonly nowMs: number;
}

/**
 * Up to where every event is old enough to go; 0 when none is. From the oldest on, so that one that was stamped too old by a
 * clock that was wrong takes no younger ones before it along. One from the future has no age and holds nothing up.
 */
function lastOld(parts: KernelParts, { kind, rule, nowMs }: Rule): number {
  if (rule.ageMsMax === undefined) return 0;
  let last = 0;
  for (const page of pages(parts, kind, parts.archive.head().seq)) {
    for (const row of page) {
      if (row.data !== null && row.timeMs <= nowMs && row.timeMs >= nowMs - rule.ageMsMax) return last;
      if (row.data === null || row.timeMs <= nowMs) last = row.seq;
    }
  }
  return last;
}

/** Position of the newest event beyond the number that is kept; 0 when there is none. */
function lastSurplus({ archive }: KernelParts, kind: string, { countMax }: RetentionRule): number {
  if (countMax === undefined) return 0;
  let kept = 0;
  for (let toSeq = archive.head().seq; ; ) {
    const page = archive.rows({ kinds: [kind], toSeq, limit: pageEvents, order: "desc" });
    const surplus = page[countMax - kept];
    if (surplus !== undefined) return surplus.seq;
    kept += page.length;
    const last = page.at(-1);
    if (last === undefined || page.length < pageEvents) return 0;
    toSeq = last.seq - 1;
  }
}

function countFull(parts: KernelParts, kind: string, toSeq: number): number {
  let count = 0;
  for (const page of pages(parts, kind, toSeq)) count += page.filter((row) => row.data !== null).length;
  return count;
}

async function dropAll(
  { parts, pause, volume }: RetentionDeps,
  { kind, toSeq }: Drop,
  signal: AbortSignal,
): Promise<number> {
  let dropped = 0;
  for (const page of pages(parts, kind, toSeq)) {
    signal.throwIfAborted();
    const full = page.filter((row) => row.data !== null);
    if (full.length > 0) parts.archive.drop(full);
    volume.emptied(kind, page.at(-1)?.seq ?? 0, full);
    dropped += full.length;
    await pause();
  }
  return dropped;
}

function* pages({ archive }: KernelParts, kind: string, toSeq: number): Generator<readonly StoredEvent[]> {
  for (let afterSeq = 0; toSeq > 0; ) {
    const page = archive.rows({ kinds: [kind], afterSeq, toSeq, limit: pageEvents });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    afterSeq = last.seq;
  }
}

/** Lets go of the data of single events, now, whoever has not read them yet. First the permission, then the deed. */
export async function erase(
  parts: KernelParts,
  { kind, seqs }: { readonly kind: string; readonly seqs: readonly number[] },
  ctx: Context,
): Promise<void> {
  assert.ok(erasableKinds.has(kind), `${kind} is not erased`);
  for (let from = 0; from < seqs.length; from += erasedMax) {
    const these = seqs.slice(from, from + erasedMax);
    await ctx.emit(Erased, { kind, seqs: [...these] });
    dropThese(parts, kind, these);
  }
}

function dropThese({ archive }: KernelParts, kind: string, seqs: readonly number[]): void {
  const rows = seqs.flatMap((seq) => archive.rows({ kinds: [kind], afterSeq: seq - 1, toSeq: seq, limit: 1 }));
  const full = rows.filter((row) => row.data !== null);
  if (full.length > 0) archive.drop(full);
}

/** What a crash left between the permission and the deed. */
export function finishErasing(parts: KernelParts): void {
  for (const { kind, seqs } of erasures(parts)) dropThese(parts, kind, seqs);
}

function* erasures(parts: Pick<KernelParts, "archive">): Generator<{ kind: string; seqs: readonly number[] }> {
  for (const page of pages(parts as KernelParts, Erased.kind, parts.archive.head().seq)) {
    for (const row of page) {
      const { kind, seqs } = parsed(row) as { kind?: string; seqs?: readonly number[] };
      if (kind !== undefined && erasableKinds.has(kind) && Array.isArray(seqs)) yield { kind, seqs };
    }
  }
}

/**
 * A run that waits or was interrupted is resumed from its record, which must be whole. One that nobody went on with for long
 * holds nothing up: it could keep every limit out of force for years. Resumed all the same, it reads again what is gone.
 */
function openEpisodesBegin({ kernel }: KernelParts, nowMs: number): number {
  const view = kernel.table.views.get("episodes");
  if (view === undefined) return Number.MAX_SAFE_INTEGER;
  const isOpen = (row: unknown): boolean => {
    const { status, lastAtMs } = row as { readonly status: string; readonly lastAtMs: number };
    if (status === "interrupted") return lastAtMs >= nowMs - interruptedHeldMsMax;
    return status === "running" || status === "waiting";
  };
  const { rows } = kernel.views.list(view, { limit: view.rowsMax, where: isOpen });
  return Math.min(Number.MAX_SAFE_INTEGER, ...rows.map(({ row }) => (row as { readonly firstSeq: number }).firstSeq));
}

/** What the journal says that retention was allowed to do: per kind, up to where. */
export function allowedDrops({ archive }: KernelParts): (row: StoredEvent) => boolean {
  const allowed = new Map<string, number>();
  for (const page of pages({ archive } as KernelParts, Dropped.kind, archive.head().seq)) {
    for (const row of page) {
      for (const { kind, toSeq } of dropsOf(row)) allowed.set(kind, Math.max(toSeq, allowed.get(kind) ?? 0));
    }
  }
  const erased = new Map<number, string>();
  for (const { kind, seqs } of erasures({ archive })) for (const seq of seqs) erased.set(seq, kind);
  return (row) => row.seq <= (allowed.get(row.kind) ?? 0) || erased.get(row.seq) === row.kind;
}

const dropsOf = (row: StoredEvent): readonly Drop[] =>
  (parsed(row) as { readonly drops?: readonly Drop[] }).drops ?? [];

function parsed({ data }: StoredEvent): object {
  try {
    return JSON.parse(data ?? "{}") as object;
  } catch {
    // A changed row is named by the walk itself; here it allows nothing.
    return {};
  }
}
