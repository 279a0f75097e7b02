/** What is in a sound file: its events as they are, and whether the manifest says of them what they say of themselves. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { textOf } from "../../base/dsse.ts";
import type { Envelope } from "../../contract/event.ts";
import type { CapsuleFile } from "./capsule-file.ts";
import { eventsMax, type Manifest } from "./contract.ts";
import { blobRefsOf, describe, readRefsOf } from "./describe.ts";
import { horizonOf } from "./horizon.ts";
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
  const { manifest } = file;
  const { breathe } = proving;
  const room: Room = { values: valuesMax };
  const rows = await inPieces(linesOf(file.part(0), manifest), breathe, (line) => readLine(line, room));
  const { chain, links } = await chainOf(rows, proving);
  if (chain !== manifest.chain) throw unsound("inconsistent", "the chain of the events is not what the manifest says");
  const events = await inPieces(rows, breathe, envelopeOf);
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
  return { manifest, rows, links, events, blob: (ref) => Promise.resolve(blobOf(ref)) };
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
  const missing = (ref: string) => (blobOf(ref) === null ? "gone" : null);
  const { gapSeq } = manifest.replayable;
  const cut = gapSeq === undefined ? nothing : new Set([gapSeq]);
  const horizon = horizonOf(events, counts.steps, { cut, named: nothing, missing });
  if (manifest.replayable.toStep > horizon.toStep)
    throw unsound("inconsistent", `the manifest promises more than step ${horizon.toStep}, where its answers end`);
  if (gapSeq !== undefined && gapSeq !== horizon.gapSeq)
    throw unsound(
      "inconsistent",
      `the manifest says that event ${gapSeq} is the first that is not as it was, and it is none`,
    );
  const wanted = blobRefsOf(events, blobOf);
  if (manifest.parts.some(({ kind, digest }) => kind === "blob" && !wanted.has(digest)))
    throw unsound("inconsistent", "a part of the capsule belongs to none of its events");
}

const nothing: ReadonlySet<number> = new Set();
const digestOfKind = ({ parts }: Manifest, kind: Manifest["parts"][number]["kind"]): string | null =>
  parts.find((part) => part.kind === kind)?.digest ?? null;
