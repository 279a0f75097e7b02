/** Whether the state is encrypted, and what then stands between the hub and its files. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Sealer } from "../adapters/sealed-state/sealer.ts";
import { fileFormat } from "../adapters/sqlite/inspect.ts";
import { sealedFormat } from "../adapters/sqlite/columns.ts";
import { StoreFault } from "../kernel/ports.ts";
import { invalidConfig } from "./config/faults.ts";
import type { LoadedConfig } from "./config/load.ts";
import type { Unlocking } from "./unlock.ts";

/** Also brings a conversion to its end that was cut off. Throws a `StoreFault` (`locked`) where nothing opens the state. */
export async function openSeal(config: LoadedConfig, unlocking: Unlocking = nobody): Promise<Sealer | null> {
  const stateDir = config.values.state.dir;
  if (!existsSync(join(stateDir, "keys.json"))) {
    refuseLostKeys(stateDir);
    return null;
  }
  // Most states are in plain, and load nothing of this.
  const { openSealed } = await import("./unlock.ts");
  const sealer = await openSealed(stateDir, unlocking);
  if (sealer !== null) refuseTee(config);
  return sealer;
}

const nobody: Unlocking = { env: {}, ask: null };

function refuseLostKeys(stateDir: string): void {
  const path = join(stateDir, "journal.db");
  if (fileFormat(path) !== sealedFormat) return;
  throw new StoreFault("locked", `${path} is encrypted, and keys.json is not beside it. Put it back from a backup`);
}

/** A file of every event in plain words would undo the rest. */
function refuseTee({ values, sources }: LoadedConfig): void {
  if (values.journal.tee === "") return;
  const from = sources.find(({ key }) => key === "journal.tee")?.from ?? "the configuration";
  const message =
    "writes every event in plain words, and the state is encrypted. Take it out, or run `arw encrypt off`.";
  throw invalidConfig([{ from, key: "journal.tee", message }]);
}
