/** Lays the shipped sample folder out in the state directory, so that it can be briefed and written to. */
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

export const createSampleFolder = (options: { readonly source: string; readonly stateDir: string }) => ({
  async layOut(): Promise<string> {
    const folder = join(options.stateDir, "samples", "garden-notes");
    await mkdir(folder, { recursive: true });
    await cp(options.source, folder, { recursive: true });
    await rm(join(folder, "brief.md"), { force: true });
    return folder;
  },
});
