/** Whose words a cited file holds: a file that a run of this hub wrote is not its person's own, and is told as what it is. */
import type { Envelope } from "../../contract/event.ts";
import type { KernelParts } from "../../kernel/create-kernel.ts";
import { ActionApplied } from "../episodes/contract.ts";
import { Write } from "../fs/contract.ts";
import type { ConversationRow, Message, Origin } from "./contract.ts";

type Kernel = KernelParts["kernel"];
type Cited = Pick<Message, "citations" | "endedAtMs">;

export interface Origins {
  /** Of the files that an answer cites those that a run wrote, as they were known when it ended. */
  of(message: Cited): Origin[];
}

/** As much of what was done as the truth window keeps. */
const actionsMax = 5000;

/** A change as the truth window shows it. */
interface Done {
  readonly seq: number;
  readonly timeMs: number;
  readonly kind: string;
  readonly corrId: string;
  readonly data: {
    readonly agent?: string;
    readonly folder?: string;
    readonly path?: string;
    readonly recorded?: { readonly tool?: string };
  };
}

/** Looks through the past once, with the first answer that cites a file. */
export function originsIn(
  { project, folder }: Pick<ConversationRow, "project" | "folder">,
  { kernel }: Pick<KernelParts, "kernel">,
): Origins {
  const home =
    folder ?? (project === undefined ? undefined : rowOf<{ folder: string }>("projects", project, kernel)?.folder);
  let known: ReadonlyMap<string, readonly Done[]> | null = null;
  return {
    of({ citations, endedAtMs = Number.MAX_SAFE_INTEGER }) {
      if (home === undefined || citations.length === 0) return [];
      known ??= writesByPlace(kernel);
      const digests = new Map(citations.map(({ path, digest }) => [path, digest]));
      return [...digests].flatMap(([path, digest]) => {
        const last = known?.get(placeOf(home, path))?.find(({ timeMs }) => timeMs <= endedAtMs);
        return last === undefined ? [] : [originOf(path, last, { kernel, digest })];
      });
    },
  };
}

/** Newest first. */
function writesByPlace({ table, views }: Kernel): ReadonlyMap<string, readonly Done[]> {
  const actions = table.views.get("actions");
  const found = new Map<string, Done[]>();
  if (actions === undefined) return found;
  const rows = views.list(actions, { limit: actionsMax }).rows.map(({ row }) => row as Done);
  for (const done of rows.toSorted((one, other) => other.seq - one.seq)) {
    const { folder, path, recorded } = done.data;
    if (done.kind !== ActionApplied.kind || recorded?.tool !== Write.id) continue;
    if (folder === undefined || path === undefined) continue;
    const place = placeOf(folder, path);
    const list = found.get(place) ?? [];
    list.push(done);
    found.set(place, list);
  }
  return found;
}

/** The same file, from whichever folder it was named. */
const placeOf = (folder: string, path: string): string =>
  `${folder.replaceAll("\\", "/").replace(/\/+$/u, "")}/${path}`;

interface Looking {
  readonly kernel: Kernel;
  readonly digest: string | undefined;
}

function originOf(path: string, done: Done, { kernel, digest }: Looking): Origin {
  const [event] = kernel.journal.read({ afterSeq: done.seq - 1, toSeq: done.seq, limit: 1 });
  const written = digestIn(event);
  return {
    path,
    agent: done.data.agent ?? "agent",
    episode: done.corrId,
    model: rowOf<{ model: string }>("episodes", done.corrId, kernel)?.model ?? "none",
    isChanged: written !== undefined && digest !== undefined && written !== digest,
  };
}

function digestIn(event: Envelope | undefined): string | undefined {
  const { recorded } = (event?.data ?? {}) as { readonly recorded?: { readonly result?: unknown } };
  const { digest } = (recorded?.result ?? {}) as { readonly digest?: unknown };
  return typeof digest === "string" ? digest : undefined;
}

function rowOf<T>(name: string, key: string, { table, views }: Kernel): T | undefined {
  const view = table.views.get(name);
  return view === undefined ? undefined : (views.get(view, key) as T | undefined);
}
