/** What a process and everything that it started use together, and an end to it when that is too much. Linux tells. */
import { readdir, readFile } from "node:fs/promises";
import type { ChildCeilings } from "../../domains/shell/port.ts";

export interface Watching {
  /** The first process of the family; null before it is known. */
  readonly rootPid: () => number | null;
  readonly ceilings: ChildCeilings;
  readonly over: (by: "memory" | "processes") => void;
}

/** In that time a family takes a GB at the most, or makes a thousand processes: neither stops a machine. */
const lookMs = 250;

/** Looks again and again until it is disposed of, or something was too much. */
export function watchFamily({ rootPid, ceilings, over }: Watching): Disposable {
  let isOver = false;
  let timer: NodeJS.Timeout;
  const look = async (): Promise<void> => {
    const root = rootPid();
    const excess = root === null ? null : await excessOf(root, ceilings);
    if (isOver) return;
    if (excess === null) again();
    else over(excess);
  };
  const again = (): void => void (timer = setTimeout(() => void look(), lookMs).unref());
  again();
  return {
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}

/** Adds up from the first process downwards, and no further than needed: a family that grows faster than this reads is too large. */
async function excessOf(root: number, { memoryBytesMax, processesMax }: ChildCeilings) {
  const family = new Set([root]);
  let memoryBytes = 0;
  for (const pid of family) {
    const [own, children] = await Promise.all([memoryBytesOf(pid), childrenOf(pid)]);
    memoryBytes += own;
    for (const child of children) family.add(child);
    if (memoryBytes > memoryBytesMax) return "memory" as const;
    if (family.size > processesMax) return "processes" as const;
  }
  return null;
}

/** What is its own in memory; programs and libraries, which many share, count for nobody. */
async function memoryBytesOf(pid: number): Promise<number> {
  const status = await textOf(`/proc/${pid}/status`);
  const own = [...status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)].map(([, kilobytes]) => Number(kilobytes));
  return own.reduce((sum, each) => sum + each, 0) * 1024;
}

/** Each thread names those that it started. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(threads.map((thread) => textOf(`/proc/${pid}/task/${thread}/children`)));
  return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
}

/** Of a process that has ended there is nothing to read. */
const textOf = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
