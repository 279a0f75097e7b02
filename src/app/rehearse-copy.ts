/** Lets the newest runs and kept capsules of a copied state directory happen again: no hub is opened on it, and nothing in it or outside is done. */
import { join } from "node:path";
import { type BlobPacking, plainPacking, sealedPacking } from "../adapters/files/blob-packing.ts";
import { createFileBlobs } from "../adapters/files/blobs.ts";
import type { Sealer } from "../adapters/sealed-state/sealer.ts";
import { openSqliteStore } from "../adapters/sqlite/store.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { createRedactor } from "../base/redact.ts";
import type { Envelope } from "../contract/event.ts";
import { isProblem } from "../contract/problem.ts";
import type { Static } from "../contract/schema.ts";
import { type Replayer, RunCancelled, RunFailed, RunFinished, RunStarted } from "../domains/agents/contract.ts";
import { createReplayer } from "../domains/agents/replayer.ts";
import { answers } from "../domains/chat/answers/program.ts";
import { createProfiles } from "../domains/profiles/service.ts";
import { createRecipes } from "../domains/recipes/service.ts";
import { scout } from "../domains/scout/program.ts";
import { openCapsule } from "../domains/capsules/capsule-file.ts";
import { readContents } from "../domains/capsules/contents.ts";
import { CapsuleImported, CapsuleRemoved, capsuleBytesMax } from "../domains/capsules/contract.ts";
import { breatheWith } from "../domains/capsules/pieces.ts";
import { judged } from "../domains/capsules/contract.ts";
import { seal } from "../kernel/archive.ts";
import type { KernelParts } from "../kernel/create-kernel.ts";
import { fromStored } from "../kernel/envelope.ts";
import type { Policy, Store } from "../kernel/ports.ts";
import { contractTable } from "./domains.ts";
import { createProfileFiles, profileText } from "./profile-seat.ts";
import { recipeText } from "./recipe-text.ts";

export interface RehearsedRun {
  /** A run of the journal, or the file of a kept capsule. */
  readonly source: "run" | "capsule";
  readonly episode: string;
  readonly agent: string;
  readonly title: string;
  /** `unreadable`: the file of a capsule is not what was kept; `why` says more. */
  readonly verdict: "equal" | "diverged" | "incomplete" | "unreadable";
  readonly events: number;
  readonly steps: number;
  readonly why: string | null;
}

/** Of each source. Enough to see that records can be read, and done in seconds. */
const runsMax = 3;
/** Runs looked at to find ones that ended, the newest first. */
const lookedAtMax = 100;
const eventsMax = 200_000;
/** As many bytes as the recorder keeps of one content. */
const blobBytesMax = 64_000_000;

export async function rehearseCopy(folder: string, sealer: Sealer | null): Promise<readonly RehearsedRun[]> {
  using store = openSqliteStore(join(folder, "journal.db"), { sealer });
  const packing = sealer === null ? plainPacking : sealedPacking(sealer);
  const blobs = createFileBlobs({ folder: join(folder, "blobs"), sizeBytesMaxEach: blobBytesMax, packing });
  const replayer = createCopyReplayer();
  const rehearsed: RehearsedRun[] = [];
  for (const row of store.events({ kinds: [RunStarted.kind], order: "desc", limit: lookedAtMax })) {
    if (rehearsed.length === runsMax) break;
    const events = endedRun(store, row.corrId);
    if (events !== null) rehearsed.push(await rehearse(replayer, events, (ref) => blobs.get(ref)));
  }
  return [...rehearsed, ...(await rehearseCapsules(folder, { store, replayer, packing }))];
}

interface Copied {
  readonly store: Store;
  readonly replayer: Replayer;
  readonly packing: BlobPacking;
}

async function rehearseCapsules(folder: string, copied: Copied): Promise<readonly RehearsedRun[]> {
  const { store, replayer, packing } = copied;
  const shelf = createFileBlobs({ folder: join(folder, "capsules"), sizeBytesMaxEach: capsuleBytesMax, packing });
  const rehearsed: RehearsedRun[] = [];
  for (const kept of newestKept(store).slice(0, runsMax)) {
    const { fileDigest, episode, agent, title } = kept;
    const told = { source: "capsule" as const, episode, agent, title, events: 0, steps: 0 };
    const bytes = await shelf.get(fileDigest);
    // Backups of before had no capsules in them.
    if (bytes === null) rehearsed.push({ ...told, verdict: "incomplete", why: "its file is not in the backup" });
    else rehearsed.push({ ...told, ...(await replayCapsule(bytes, replayer).catch(unreadable)) });
  }
  return rehearsed;
}

/** Those that were kept when the copy was made, the newest first. */
function newestKept(store: Store): readonly KeptFacts[] {
  const kinds = [CapsuleImported.kind, CapsuleRemoved.kind];
  const seen = new Set<string>();
  return store.events({ kinds, order: "desc", limit: lookedAtMax }).flatMap((row) => {
    const { kind, data } = fromStored(row);
    const facts = data as KeptFacts | null;
    if (facts === null || seen.has(facts.digest)) return [];
    seen.add(facts.digest);
    return kind === CapsuleImported.kind ? [facts] : [];
  });
}
type KeptFacts = Static<typeof CapsuleImported.data>;

/** The whole file is held against its signature, its digests and its events first. */
async function replayCapsule(bytes: Uint8Array, replayer: Replayer): Promise<Told> {
  const file = openCapsule(bytes);
  const contents = await readContents(file, { seal, breathe: breatheWith(systemClock) });
  const { manifest, events } = contents;
  const { length } = events;
  if (manifest.run.status === "none")
    return { events: length, steps: 0, verdict: "incomplete", why: "it holds no run of an agent" };
  const { report } = await replayer.replay(contents);
  return { events: length, ...verdictOf(judged(report, manifest)) };
}
type Told = Pick<RehearsedRun, "events" | "steps" | "verdict" | "why">;

/** What is no problem of the file is a defect, and ends the trial. */
function unreadable(error: unknown): Told {
  if (!isProblem(error)) throw error;
  return { events: 0, steps: 0, verdict: "unreadable", why: error.message };
}

/** The hub's own agents over the table alone. Agents of projects come from what their runs recorded of them. */
function createCopyReplayer(): Replayer {
  const table = contractTable();
  // Programs ask the table for their tools and reach everything else through what a replay gives them.
  const parts = { kernel: { table } } as unknown as KernelParts;
  const { program } = createRecipes({ parts, text: recipeText, policy: {} as Policy });
  const { finder } = createProfiles({ parts, text: profileText, files: createProfileFiles() });
  const redactor = createRedactor();
  return createReplayer({
    programs: [scout, answers, program],
    finder,
    problems: () => table.problems,
    redact: (value) => redactor.value(value),
    soon: systemClock.soon,
  });
}

const ends: ReadonlySet<string> = new Set([RunFinished, RunFailed, RunCancelled].map(({ kind }) => kind));

/** All of a run up to its end; null for one that goes on, was cut off, or is too long for a look. */
function endedRun(store: Store, corrId: string): readonly Envelope[] | null {
  const events = store.events({ corrId, limit: eventsMax }).map(fromStored);
  const end = events.findLastIndex(({ kind }) => ends.has(kind));
  return end === -1 || events.length === eventsMax ? null : events.slice(0, end + 1);
}

async function rehearse(
  replayer: Replayer,
  events: readonly Envelope[],
  blob: (ref: string) => Promise<Uint8Array | null>,
): Promise<RehearsedRun> {
  const { corrId, data } = events.find(({ kind }) => kind === RunStarted.kind) as Envelope;
  const { agent = "unknown", title = "" } = (data ?? {}) as { readonly agent?: string; readonly title?: string };
  const told = { source: "run" as const, episode: corrId, agent, title, events: events.length };
  if (data === null) return { ...told, verdict: "incomplete", steps: 0, why: "retention let go of its beginning" };
  const { report } = await replayer.replay({ events, blob });
  return { ...told, ...verdictOf(report) };
}

function verdictOf({ verdict, divergence, replayableToStep, steps }: Report): Omit<Told, "events"> {
  const gap = `the answer after step ${replayableToStep} is not kept, or a secret was cut out of it`;
  const why = verdict === "incomplete" ? gap : (divergence?.why ?? null);
  return { verdict, steps: steps.replayed, why };
}
type Report = Awaited<ReturnType<Replayer["replay"]>>["report"];
