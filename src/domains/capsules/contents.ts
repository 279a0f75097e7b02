/** What is in a sound file: its events as they are, and whether the manifest says of them what they say of themselves. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { textOf } from "../../base/dsse.ts";
import type { Envelope } from "../../contract/event.ts";
import type { CapsuleFile } from "./capsule-file.ts";
import { eventsMax, type Manifest } from "./contract.ts";
import { cutFault, markedRows, noDigest } from "./cut.ts";
import { blobRefsOf, describe, readRefsOf } from "./describe.ts";
import { gapWords, horizonOf, isAsDigested } from "./horizon.ts";
import {
  chainOf,
  envelopeOf,
  type Proving,
  readLine,
  type Room,
  shapeOf,
  type SliceRow,
  takeRoom,
  valuesMax,
} from "./lines.ts";
import { inPieces } from "./pieces.ts";
import type { Recording } from "./recording.ts";
import { unsound } from "./refusal.ts";

export interface Contents extends Recording {
  readonly rows: readonly SliceRow[];
  readonly links: number;
}

/** Signs of JSON are one byte each in UTF-8, and none of its other bytes looks like one. */
export const latin = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString("latin1");
const newline = 0x0a;

/** Throws `CapsuleUnsound`. */
export async function readContents(file: CapsuleFile, proving: Proving): Promise<Contents> {
  const { manifest, digest, keyId } = file;
  const { breathe } = proving;
  const room: Room = { values: valuesMax };
  const rows = await inPieces(linesOf(file.part(0), manifest), { breathe, phase: "reading" }, (line) =>
    readLine(line, room),
  );
  const { chain, links } = await chainOf(rows, proving);
  if (chain !== manifest.chain) throw unsound("inconsistent", "the chain of the events is not what the manifest says");
  const events = await inPieces(rows, { breathe, phase: "opening" }, envelopeOf);
  // What the run worked under is asked for by its digest, too.
  const places = new Map(
    manifest.parts.flatMap(({ kind, digest }, place) => (kind === "journal" ? [] : [[digest, place]])),
  );
  const blobOf = (ref: string): Uint8Array | null => {
    const place = places.get(ref);
    return place === undefined ? null : file.part(place);
  };
  for (const ref of readRefsOf(events)) {
    await breathe();
    takeRoom(room, shapeOf(latin(blobOf(ref))).values);
  }
  holdAgainst(manifest, events, blobOf);
  const marked = markedRows(rows);
  const fault = cutFault(manifest, marked) ?? horizonFault({ manifest, events, blobOf, marked });
  if (fault !== null) throw unsound("inconsistent", fault);
  const signed = { digest, keyId };
  return { manifest, rows, links, events, signed, blob: (ref) => Promise.resolve(blobOf(ref)) };
}

function linesOf(bytes: Uint8Array, { counts }: Manifest): readonly string[] {
  if (counts.events > eventsMax) throw unsound("too-large", `a capsule has at most ${eventsMax} events`);
  // Before they are taken apart: ten million empty lines are ten megabytes, and a list of them is not.
  let lines = 0;
  for (let at = bytes.indexOf(newline); at !== -1 && lines <= counts.events; at = bytes.indexOf(newline, at + 1))
    lines += 1;
  if (lines !== counts.events)
    throw unsound("inconsistent", `the manifest speaks of ${counts.events} events, and there are others`);
  const text = textOf(bytes);
  if (text === null) throw unsound("malformed", "the journal is not UTF-8");
  if (!text.endsWith("\n")) throw unsound("not-canonical", "the last line of the journal has no end");
  return text.slice(0, -1).split("\n");
}

/** What a person is shown before they keep it must be what is in it: a signer may lie, and is caught here. */
function holdAgainst(
  manifest: Manifest,
  events: readonly Envelope[],
  blobOf: (ref: string) => Uint8Array | null,
): void {
  const episode = manifest.run.episode;
  if (events.some(({ corrId }) => corrId !== episode))
    throw unsound("inconsistent", "events of another episode are in it");
  const { counts, ...found } = describe(events, blobOf);
  const blobs = manifest.parts.filter(({ kind }) => kind === "blob").length;
  const told = [
    ["run", manifest.run, found.run],
    ["grants", manifest.grants, found.grants],
    ["tools", manifest.tools, found.tools],
    ["folders", manifest.folders, found.folders],
    ["hosts", manifest.hosts, found.hosts],
    ["files", [manifest.files, manifest.filesMore], [found.files, found.filesMore]],
    ["counts", manifest.counts, { ...counts, blobs }],
    ["steps", manifest.replayable.ofSteps, counts.steps],
    ["rules", manifest.inForce.conditions, digestOfKind(manifest, "conditions")],
    ["configuration", manifest.inForce.configuration, digestOfKind(manifest, "configuration")],
  ] as const;
  for (const [what, said, is] of told)
    if (canonicalJson(said) !== canonicalJson(is))
      throw unsound("inconsistent", `the manifest says something else of its ${what} than the events do`);
  const wanted = blobRefsOf(events, blobOf);
  if (manifest.parts.some(({ kind, digest }) => kind === "blob" && !wanted.has(digest)))
    throw unsound("inconsistent", "a part of the capsule belongs to none of its events");
}

interface Reach {
  readonly manifest: Manifest;
  readonly events: readonly Envelope[];
  readonly blobOf: (ref: string) => Uint8Array | null;
  readonly marked: ReadonlySet<number>;
}

/** How far a record goes is what is in it, and no word of its signer's. Only which mark is the first cut nobody else can know. */
function horizonFault({ manifest, events, blobOf, marked }: Reach): string | null {
  const { cuts, counts, replayable } = manifest;
  const { gapSeq, toStep, reason } = replayable;
  const hasCuts = cuts.events + cuts.blobs > 0;
  const cut = new Set(hasCuts && gapSeq !== undefined && marked.has(gapSeq) ? [gapSeq] : []);
  const found = horizonOf(events, counts.steps, {
    cut,
    named: nothing,
    missing: (ref) => (blobOf(ref) === null ? "gone" : null),
    isAsNamed: (recorded) =>
      recorded.resultRef === noDigest ? hasCuts && recorded.step > toStep : isAsDigested(recorded),
  });
  const gap = cut.size === 0 && !hasCuts ? undefined : events.find(({ seq }) => seq === found.gapSeq);
  if (gapSeq !== found.gapSeq || toStep !== found.toStep)
    return `the manifest says that the record goes to step ${toStep}, and it goes to step ${found.toStep}`;
  if (reason === found.reason || (gap !== undefined && reason !== null && gapWords(gap).has(reason))) return null;
  return `the manifest says why the record goes to step ${toStep} only, and that is not why: ${found.reason}`;
}

const nothing: ReadonlySet<number> = new Set();
const digestOfKind = ({ parts }: Manifest, kind: Manifest["parts"][number]["kind"]): string | null =>
  parts.find((part) => part.kind === kind)?.digest ?? null;
