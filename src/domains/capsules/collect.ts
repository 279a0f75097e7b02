/** Puts a run of this hub together: its events up to its end, what they name, and what was in force. */
import { textOf } from "../../base/dsse.ts";
import type { Envelope } from "../../contract/event.ts";
import { Problem } from "../../contract/problem.ts";
import { checkerOf } from "../../contract/schema.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { isFromOutside, RunStarted } from "../agents/contract.ts";
import type { Recorded } from "../episodes/contract.ts";
import { ConfigApplied } from "../system/contract.ts";
import { digestOfBytes, manifestBytes, manifestBytesMax } from "./capsule-file.ts";
import { conditionsAt, type Noted } from "./conditions.ts";
import {
  CapsuleTooLarge,
  capsuleBytesMax,
  Conditions,
  eventsMax,
  formatNewest,
  type InForce,
  type Manifest,
  type Part,
  partsMax,
  RunIsGoing,
} from "./contract.ts";
import { type CutRows, cutPart, cutRows, digestsIn, holdsSecret, withoutTraces } from "./cut.ts";
import { blobRefsOf, boundaryOf, changesOf, describe, readRefsOf, recordedOf, stepNamed, stepsOf } from "./describe.ts";
import { horizonOf, isAsDigested } from "./horizon.ts";
import { latin } from "./contents.ts";
import { chainOf, envelopeOf, lineOf, shapeOf, sliceRow, type SliceRow, valuesMax } from "./lines.ts";
import { breatheWith, inPieces, type Waiting } from "./pieces.ts";
import type { CapsuleMeans, Cutter } from "./port.ts";
import type { Recording } from "./recording.ts";

export type CollectMeans = Pick<CapsuleMeans, "blobs" | "clock" | "cutter" | "program">;

/** A manifest with the bytes of its parts, in its order. */
export interface Collected {
  readonly manifest: Manifest;
  readonly parts: readonly Uint8Array[];
  readonly events: readonly Envelope[];
}

interface Collecting {
  readonly parts: KernelParts;
  readonly means: CollectMeans;
  readonly waiting: Waiting;
}

const pageRows = 1_000;
const noCuts: Cutter = { value: (value) => value, text: (text) => text, isHeld: () => false };

/** The run as it is recorded here, nothing cut: it does not leave the hub. */
export async function recordingOf(episode: string, collecting: Collecting): Promise<Recording> {
  const means = { ...collecting.means, cutter: noCuts };
  const { manifest, parts, events } = await collect(episode, { ...collecting, means });
  const blobs = new Map(manifest.parts.map(({ digest }, place) => [digest, parts[place] ?? null]));
  return { manifest, events, blob: (ref) => Promise.resolve(blobs.get(ref) ?? null) };
}

/** Throws `NotFound`, `RunIsGoing`, `CapsuleTooLarge`. */
export async function collect(episode: string, collecting: Collecting): Promise<Collected> {
  const { parts, means, waiting } = collecting;
  const breathe = breatheWith(means.clock, waiting);
  const recorded = await cutRows(await rowsOf(episode, collecting), means.cutter, breathe);
  const seen = await inPieces(recorded.rows, { breathe, phase: "opening" }, envelopeOf);
  const blobs = await blobsOf(seen, means);
  // What does not leave the hub is read as it is, and the replay itself holds each answer to its digest.
  const isAsNamed = means.cutter === noCuts ? () => true : isAsDigested;
  const slice = sliceOf(recorded, seen, { ...blobs, isAsNamed });
  const events =
    slice.rows === recorded.rows ? seen : await inPieces(slice.rows, { breathe, phase: "opening" }, envelopeOf);
  const beside = await besides(events.find(({ kind }) => kind === RunStarted.kind) ?? events[0], { parts, means });
  const lines = await inPieces(slice.rows, { breathe, phase: "writing" }, (row) => Buffer.from(`${lineOf(row)}\n`));
  refuseTooMany([...lines, ...[...readRefsOf(events)].map((ref) => blobs.kept.get(ref) ?? null)]);
  const journal = Buffer.concat(lines);
  const bytes = [journal, ...beside.parts.map(({ bytes: each }) => each), ...blobs.kept.values()];
  const listed = [
    partOf("journal", journal),
    ...beside.parts.map(({ kind, bytes: each }) => partOf(kind, each)),
    ...[...blobs.kept].map(([digest, each]): Part => ({ kind: "blob", digest, sizeBytes: each.length })),
  ];
  const { chain } = await chainOf(slice.rows, { seal: parts.archive.seal, breathe });
  const manifest = manifestOf({ events, slice, blobs, beside, parts, means, listed, chain });
  refuseTooLarge(manifest, bytes);
  return { manifest, parts: bytes, events };
}

const partOf = (kind: Part["kind"], bytes: Uint8Array): Part => ({
  kind,
  digest: digestOfBytes(bytes),
  sizeBytes: bytes.length,
});

function refuseTooLarge(manifest: Manifest, bytes: readonly Uint8Array[]): void {
  const sizeBytes = bytes.reduce((sum, each) => sum + each.length, 0) + 2 * manifestBytesMax;
  if (sizeBytes > capsuleBytesMax || bytes.length > partsMax || manifestBytes(manifest).length > manifestBytesMax)
    throw tooLarge(`the record has ${sizeBytes} bytes in ${bytes.length} parts`);
}

/** What no hub would read again. */
function refuseTooMany(texts: readonly (Uint8Array | null)[]): void {
  const values = texts.reduce((sum, text) => sum + shapeOf(latin(text)).values, 0);
  if (values > valuesMax)
    throw tooLarge(`the events and answers of the run hold ${values} values of at most ${valuesMax}`);
}

const tooLarge = (detail: string): Problem =>
  new Problem(CapsuleTooLarge, detail, { sizeBytesMax: capsuleBytesMax, eventsMax });

/** Up to the end of the run: what came to the episode later is no part of it, so that its capsule stays the same. */
async function rowsOf(episode: string, { parts, means, waiting }: Collecting): Promise<readonly SliceRow[]> {
  const rows: SliceRow[] = [];
  const breathe = breatheWith(means.clock, waiting);
  for (let afterSeq = 0; ; ) {
    const page = parts.archive.rows({ corrId: episode, afterSeq, limit: pageRows });
    for (const row of page) rows.push(sliceRow(row));
    const last = page.at(-1);
    if (last === undefined || page.length < pageRows) break;
    if (rows.length > eventsMax) throw tooLarge(`the record has more than ${eventsMax} events`);
    afterSeq = last.seq;
    await breathe();
  }
  // A row may be a sync of the disk ahead of what everybody sees, and a list that tells of the run's end may be, too.
  const newest = rows.at(-1);
  if (newest !== undefined) await parts.kernel.journal.reached(newest.seq);
  const headSeq = parts.kernel.journal.headSeq();
  const seen = rows.filter(({ seq }) => seq <= headSeq);
  if (seen.length === 0) throw new Problem(NotFound, `there is no episode, no kept capsule and no file ${episode}`);
  const boundary = boundaryOf(seen);
  if (boundary.kind === "going") throw new Problem(RunIsGoing, `the run ${episode} has not ended`);
  return boundary.kind === "none" ? seen : seen.filter(({ seq }) => seq <= boundary.seq);
}

interface FoundBlobs {
  /** In the order of their digests. */
  readonly kept: ReadonlyMap<string, Uint8Array>;
  /** Those that hold a secret. */
  readonly cut: ReadonlySet<string>;
}

async function blobsOf(events: readonly Envelope[], { blobs, cutter }: CollectMeans): Promise<FoundBlobs> {
  const found = new Map<string, Uint8Array>();
  const cut = new Set<string>();
  let sizeBytes = 0;
  const take = async (refs: ReadonlySet<string>): Promise<void> => {
    for (const ref of refs) {
      if (found.has(ref) || cut.has(ref)) continue;
      const bytes = await blobs.get(ref);
      if (bytes === null) continue;
      sizeBytes += bytes.length;
      if (sizeBytes > capsuleBytesMax) throw tooLarge(`the contents of the record have more than ${sizeBytes} bytes`);
      if (holdsSecret(bytes, cutter)) cut.add(ref);
      else found.set(ref, bytes);
    }
  };
  const blobOf = (ref: string): Uint8Array | null => found.get(ref) ?? null;
  await take(blobRefsOf(events, () => null));
  // Kept answers name contents, too.
  await take(blobRefsOf(events, blobOf));
  // What a file became does not go along, and its digest does.
  for (const { after } of changesOf(events, blobOf)) {
    const bytes = found.has(after) || cut.has(after) ? null : await blobs.get(after);
    if (bytes !== null && holdsSecret(bytes, cutter)) cut.add(after);
  }
  for (const ref of answersNaming(cut, events, blobOf)) cut.add(ref);
  const wanted = blobRefsOf(events, (ref) => (cut.has(ref) ? null : blobOf(ref)));
  const kept = [...found].filter(([ref]) => wanted.has(ref) && !cut.has(ref));
  return { kept: new Map(kept.toSorted(([a], [b]) => (a < b ? -1 : 1))), cut };
}

/** Kept answers with the digest of what holds a secret in them. */
function answersNaming(
  cut: ReadonlySet<string>,
  events: readonly Envelope[],
  blobOf: (ref: string) => Uint8Array | null,
): readonly string[] {
  if (cut.size === 0) return [];
  const answers = events.flatMap((event) => {
    const recorded = recordedOf(event);
    return recorded?.kept === "blob" ? [recorded.resultRef] : [];
  });
  return answers.filter((ref) => {
    const bytes = blobOf(ref);
    return bytes !== null && digestsIn(Buffer.from(bytes).toString("utf8")).some((digest) => cut.has(digest));
  });
}

interface Slice extends CutRows {
  readonly replayable: Manifest["replayable"];
}

/** The rows as they leave the hub, and how far they can be replayed. */
function sliceOf(
  { rows, cut }: CutRows,
  events: readonly Envelope[],
  blobs: FoundBlobs & { readonly isAsNamed: (recorded: Recorded) => boolean },
): Slice {
  const isNaming = ({ data }: SliceRow): boolean =>
    data !== null && digestsIn(data).some((each) => blobs.cut.has(each));
  const named = new Set(blobs.cut.size === 0 ? [] : rows.filter(isNaming).map(({ seq }) => seq));
  const missing = (ref: string) => (blobs.kept.has(ref) ? null : blobs.cut.has(ref) ? "cut" : "gone");
  const ofSteps = stepsOf(events);
  const replayable = horizonOf(events, ofSteps, { cut, named, missing, isAsNamed: blobs.isAsNamed });
  if (cut.size + named.size === 0) return { rows, cut, replayable };
  const isSuspect = (place: number): boolean => {
    const event = events[place] as Envelope;
    const step = stepNamed(event);
    if (named.has(event.seq)) return true;
    return step === null ? event.seq >= (replayable.gapSeq ?? 0) : step > replayable.toStep;
  };
  const isKept = (digest: string): boolean => blobs.kept.has(digest);
  return { rows: withoutTraces(rows, { isSuspect, isKept }), cut, replayable };
}

interface Besides {
  readonly parts: readonly { readonly kind: "conditions" | "configuration"; readonly bytes: Uint8Array }[];
  readonly noted: Noted | null;
  /** The policies and what else was in force went along as they were. */
  readonly areWhole: boolean;
}

/** What was in force when the run began, as far as it was written down then. */
async function besides(start: Envelope | undefined, { parts, means }: Omit<Collecting, "waiting">): Promise<Besides> {
  const startSeq = start?.seq ?? 0;
  const { input } = (start?.data ?? {}) as { readonly input?: unknown };
  const noted = isFromOutside(input) ? null : conditionsAt(parts, startSeq);
  const texts = noted === null ? null : await means.blobs.get(noted.facts.conditions);
  const conditions = texts === null ? null : conditionsIn(texts);
  const [applied] = parts.kernel.journal.read({
    kinds: [ConfigApplied.kind],
    toSeq: startSeq,
    order: "desc",
    limit: 1,
  });
  const configuration = applied === undefined || applied.data === null ? null : applied.data;
  const asTold = conditions === null ? null : cutPart(conditions, means.cutter);
  return {
    noted,
    areWhole: asTold === null || digestOfBytes(asTold) === noted?.facts.conditions,
    parts: [
      ...(asTold === null ? [] : [{ kind: "conditions" as const, bytes: asTold }]),
      ...(configuration === null
        ? []
        : [{ kind: "configuration" as const, bytes: cutPart(configuration, means.cutter) }]),
    ],
  };
}

/** Null for what is no such text. */
export function conditionsIn(bytes: Uint8Array): Conditions | null {
  const value: unknown = JSON.parse(textOf(bytes) ?? "null");
  return checkerOf(Conditions).check(value) ? (value as Conditions) : null;
}

interface Describing {
  readonly events: readonly Envelope[];
  readonly slice: Slice;
  readonly blobs: FoundBlobs;
  readonly beside: Besides;
  readonly parts: KernelParts;
  readonly means: CollectMeans;
  readonly listed: readonly Part[];
  readonly chain: Manifest["chain"];
}

function manifestOf({ events, slice, blobs, beside, parts, means, listed, chain }: Describing): Manifest {
  const { counts, ...described } = describe(events, (ref) => blobs.kept.get(ref) ?? null);
  const { noted } = beside;
  const { version, nodeVersion, tableHash } = noted?.facts ?? { ...means.program, tableHash: parts.kernel.table.hash };
  return {
    format: formatNewest,
    ...described,
    program: { asOf: noted === null ? "export" : "run", version, nodeVersion, tableHash },
    inForce: inForceOf(beside, listed),
    hints: [],
    counts: { ...counts, blobs: blobs.kept.size },
    replayable: slice.replayable,
    cuts: { events: slice.cut.size, blobs: blobs.cut.size },
    chain,
    parts: [...listed],
  };
}

function inForceOf({ noted, areWhole }: Besides, listed: readonly Part[]): InForce {
  const partDigest = (kind: Part["kind"]): string | null => listed.find((part) => part.kind === kind)?.digest ?? null;
  const configuration = partDigest("configuration");
  const { facts } = noted ?? {};
  // A digest of what a secret was cut out of would let it be guessed.
  const digests = areWhole ? facts : undefined;
  return {
    recordedAtMs: noted?.timeMs ?? null,
    conditions: partDigest("conditions"),
    policies: facts?.policies ?? null,
    policyDigest: digests?.policyDigest ?? null,
    contracts: facts?.contracts ?? null,
    contractsDigest: digests?.contractsDigest ?? null,
    allowances: facts?.allowances ?? null,
    allowancesDigest: digests?.allowancesDigest ?? null,
    configuration,
  };
}
