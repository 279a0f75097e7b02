/** Lays the shipped sample folder out in the state directory, so that it can be briefed and written to. */
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Below the state directory, and for everybody. */
export const samplesFolder = "samples";

interface SampleOptions {
  readonly source: string;
  readonly stateDir: string;
}

/** Who asks while it is being laid out gets that one: two copies at once would trip over each other. */
export function createSampleFolder(options: SampleOptions) {
  let underWay: Promise<string> | null = null;
  return {
    layOut(): Promise<string> {
      underWay ??= layOut(options).finally(() => {
        underWay = null;
      });
      return underWay;
    },
  };
}

async function layOut({ source, stateDir }: SampleOptions): Promise<string> {
  const folder = join(stateDir, samplesFolder, "garden-notes");
  await mkdir(folder, { recursive: true });
  await cp(source, folder, { recursive: true });
  await rm(join(folder, "brief.md"), { force: true });
  return folder;
}
