/** The hub's tee, if the configuration names a file for one; health, metrics and retention ask here. */
import { resolve } from "node:path";
import { diskTeeFiles } from "../adapters/tee/files.ts";
import { teePathFault } from "../adapters/tee/own-file.ts";
import { createTee, type Tee, type TeeStatus } from "../adapters/tee/tee.ts";
import { systemClock } from "../adapters/system/clock.ts";
import type { StartedKernel } from "../kernel/create-kernel.ts";
import type { Log } from "../kernel/ports.ts";
import { invalidConfig } from "./config/faults.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { ConfigValues } from "./config/schema.ts";

export interface TeeSeat extends AsyncDisposable {
  /** Begins to write, when a file is named. After the kernel has started. */
  open(kernel: StartedKernel): void;
  status(): TeeStatus | null;
  /** Everything up to here is on the disk; what is behind must keep its data. */
  frontier(): number;
  checks(): readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

/** Events that wait for the tee before it goes to the journal for them. */
const feedEvents = 4096;

/** Throws `config.invalid` for a file that is not the tee's to write. Before the hub opens anything. */
export async function checkTeePath({ values, sources }: LoadedConfig): Promise<void> {
  const { journal, state } = values;
  if (journal.tee === "") return;
  const message = await teePathFault(resolve(state.dir, journal.tee), state.dir);
  if (message === null) return;
  const from = sources.find(({ key }) => key === "journal.tee")?.from ?? "the configuration";
  throw invalidConfig([{ from, key: "journal.tee", message }]);
}

export function createTeeSeat({ journal, state }: ConfigValues, log: Log): TeeSeat {
  let tee: Tee | null = null;
  const isWanted = journal.tee !== "";
  return {
    open(kernel) {
      if (!isWanted) return;
      tee = createTee({
        path: resolve(state.dir, journal.tee),
        files: diskTeeFiles,
        clock: systemClock,
        log,
        limits: {
          bytesMax: journal.teeBytesMax,
          ageMsMax: journal.teeAgeMsMax,
          filesMax: journal.teeFilesMax,
          filesAgeMsMax: journal.teeFilesAgeMsMax,
        },
        headSeq: kernel.journal.headSeq,
        journal: kernel.parts.archive.lines,
        feed: kernel.bus.subscribe({ name: "tee", prefixes: [], capacity: feedEvents }),
      });
    },
    status: () => tee?.status() ?? null,
    frontier: () => (isWanted ? (tee?.status().syncedSeq ?? 0) : Number.MAX_SAFE_INTEGER),
    checks() {
      const status = tee?.status();
      return status === undefined ? [] : [{ name: "tee", ok: status.isWell, detail: status.detail }];
    },
    async [Symbol.asyncDispose]() {
      await tee?.[Symbol.asyncDispose]();
    },
  };
}
