/** Whoever writes a copy of the hub's state, while the hub runs, into one file. */
import type { BackupMade } from "./contract.ts";

export type { BackupManifest, BackupMade } from "./contract.ts";

export interface BackupProgress {
  readonly files: number;
  readonly filesTotal: number | null;
}

/**
 * - `check` throws a `BackupFault` when the file cannot be made there.
 * - `make` resolves when the file is whole, durable and under its name; before that the name shows nothing.
 */
export interface Backups {
  check(file: string): Promise<void>;
  make(
    file: string,
    options: { readonly signal: AbortSignal; readonly onProgress: (progress: BackupProgress) => void },
  ): Promise<BackupMade>;
}

/** `refused`: the place or the file is not fit. `unsound`: a backup that does not hold what it says. `disk`: no room or no right. */
export class BackupFault extends Error {
  readonly reason: "refused" | "unsound" | "newer" | "disk";
  constructor(reason: "refused" | "unsound" | "newer" | "disk", detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = "BackupFault";
    this.reason = reason;
  }
}
