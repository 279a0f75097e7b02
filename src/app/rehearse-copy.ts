/** Lets the newest runs of a copied state directory happen again: no hub is opened on it, and nothing in it or outside is done. */
import { join } from "node:path";
import { createFileBlobs } from "../adapters/files/blobs.ts";
import { openSqliteStore } from "../adapters/sqlite/store.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { createRedactor } from "../base/redact.ts";
import type { Envelope } from "../contract/event.ts";
import { type Replayer, RunCancelled, RunFailed, RunFinished, RunStarted } from "../domains/agents/contract.ts";
import { createReplayer } from "../domains/agents/replayer.ts";
import { answers } from "../domains/chat/answers/program.ts";
import { createProfiles } from "../domains/profiles/service.ts";
import { createRecipes } from "../domains/recipes/service.ts";
import { scout } from "../domains/scout/program.ts";
import type { KernelParts } from "../kernel/create-kernel.ts";
import { fromStored } from "../kernel/envelope.ts";
import type { Policy, Store } from "../kernel/ports.ts";
import { contractTable } from "./domains.ts";
import { createProfileFiles, profileText } from "./profile-seat.ts";
import { recipeText } from "./recipe-text.ts";

export interface RehearsedRun {
  readonly episode: string;
  readonly agent: string;
  readonly title: string;
  /** `unreadable`: the record cannot be read as a run; `why` says more. */
  readonly verdict: "equal" | "diverged" | "incomplete" | "unreadable";
  readonly events: number;
  readonly steps: number;
  readonly why: string | null;
}

/** Enough to see that records can be read, and done in seconds. */
const runsMax = 3;
/** Runs looked at to find ones that ended, the newest first. */
const lookedAtMax = 100;
const eventsMax = 200_000;
/** As many bytes as the recorder keeps of one content. */
const blobBytesMax = 64_000_000;

export async function rehearseCopy(folder: string): Promise<readonly RehearsedRun[]> {
  using store = openSqliteStore(join(folder, "journal.db"));
  const blobs = createFileBlobs({ folder: join(folder, "blobs"), sizeBytesMaxEach: blobBytesMax });
  const replayer = createCopyReplayer();
  const rehearsed: RehearsedRun[] = [];
  for (const row of store.events({ kinds: [RunStarted.kind], order: "desc", limit: lookedAtMax })) {
    if (rehearsed.length === runsMax) break;
    const events = endedRun(store, row.corrId);
    if (events !== null) rehearsed.push(await rehearse(replayer, events, (ref) => blobs.get(ref)));
  }
  return rehearsed;
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
  const told = { episode: corrId, agent, title, events: events.length };
  if (data === null) return { ...told, verdict: "unreadable", steps: 0, why: "retention let go of its beginning" };
  const { report } = await replayer.replay({ events, blob });
  const { verdict, divergence, replayableToStep, steps } = report;
  const gap = `the answer after step ${replayableToStep} is not kept`;
  const why = verdict === "incomplete" ? gap : (divergence?.why ?? null);
  return { ...told, verdict, steps: steps.replayed, why };
}
