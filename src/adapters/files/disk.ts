/** How full the disk is. */
import { statfs } from "node:fs/promises";
import { faulting } from "./faults.ts";

export interface DiskSpace {
  /** What this user may still use; less than what is free where the system keeps a reserve. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Of the disk that holds `path`, which must exist. */
export async function diskFree(path: string): Promise<DiskSpace> {
  const info = await faulting(path, () => statfs(path, { bigint: true }));
  return { freeBytes: Number(info.bavail * info.bsize), totalBytes: Number(info.blocks * info.bsize) };
}
