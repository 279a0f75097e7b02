/** Which episodes still tell of notes that were forgotten: runs that wrote them, and runs that read them. */
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { episodesShown } from "./contract.ts";

export interface Written {
  readonly seq: number;
  readonly noteId: string;
  readonly corrId: string;
}

/** Newest first; no more than are shown. */
export function episodesThatTell(written: readonly Written[], { kernel }: KernelParts): string[] {
  const found = new Set<string>(readers(written, kernel));
  for (const { corrId } of written.toReversed()) if (isEpisode(corrId, kernel)) found.add(corrId);
  return [...found].slice(0, episodesShown);
}

type Kernel = KernelParts["kernel"];

function isEpisode(corrId: string, { table, views }: Kernel): boolean {
  const episodes = table.views.get("episodes");
  return episodes !== undefined && views.get(episodes, corrId) !== undefined;
}

/** As much of the truth window as it keeps: older steps are the business of retention. */
const windowMax = 5000;
const reading: ReadonlySet<unknown> = new Set(["notes.read", "notes.search"]);

interface Step {
  readonly seq: number;
  readonly corrId: string;
  readonly data: { readonly recorded?: { readonly tool?: string } };
}

function* readers(written: readonly Written[], kernel: Kernel): Generator<string> {
  const observations = kernel.table.views.get("observations");
  if (observations === undefined) return;
  const where = (row: unknown): boolean => reading.has((row as Step).data.recorded?.tool);
  const steps = kernel.views.list(observations, { limit: windowMax, where }).rows.map(({ row }) => row as Step);
  const firstSeq = Math.min(...written.map(({ seq }) => seq));
  const told = new Set<string>();
  for (const { seq, corrId } of steps.toSorted((one, other) => other.seq - one.seq)) {
    if (seq < firstSeq || told.has(corrId) || !holds(seq, written, kernel)) continue;
    told.add(corrId);
    yield corrId;
  }
}

/** An answer that is kept beside the journal is not looked into: it counts as one that held them. */
function holds(seq: number, written: readonly Written[], { journal }: Kernel): boolean {
  const [event] = journal.read({ afterSeq: seq - 1, toSeq: seq, limit: 1 });
  const { recorded } = (event?.data ?? {}) as { readonly recorded?: { readonly result?: unknown } };
  // Retention has let go of it.
  if (recorded === undefined) return false;
  if (recorded.result === undefined) return true;
  const text = JSON.stringify(recorded.result);
  return written.some(({ noteId }) => text.includes(noteId));
}
