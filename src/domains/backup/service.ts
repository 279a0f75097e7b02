/** Makes backups. They may go to any path, outside every granted folder, so only a person asks for one. */
import type { Domain } from "../../contract/domain.ts";
import { bind, type Context } from "../../contract/operation.ts";
import { Problem } from "../../contract/problem.ts";
import { StoreFull } from "../../contract/standard-problems.ts";
import { BackupFailed, type BackupMade, BackupMoved, BackupRefused, Create } from "./contract.ts";
import { BackupFault, type Backups } from "./port.ts";

export function createBackup({ backups }: { readonly backups: Backups }): Domain {
  const admit = ({ file }: { readonly file: string }): Promise<void> => inWords(() => backups.check(file));
  const run = async (input: { readonly file: string }, ctx: Context): Promise<BackupMade> => {
    await admit(input);
    let told = Promise.resolve<unknown>(undefined);
    return inWords(async () => {
      const made = await backups.make(input.file, {
        signal: ctx.signal,
        onProgress({ files, filesTotal }) {
          told = ctx.emit(BackupMoved, { phase: "copying", done: files, total: filesTotal, unit: "files" });
        },
      });
      await told;
      return made;
    });
  };
  return {
    name: "backup",
    operations: [bind(Create, run, { admit })],
    events: [BackupMoved],
    views: [],
  };
}

async function inWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BackupFault)) throw error;
    if (error.reason === "refused") throw new Problem(BackupRefused, error.message, { cause: error });
    const isFull = error.cause instanceof Error && "code" in error.cause && error.cause.code === "disk-full";
    throw new Problem(isFull ? StoreFull : BackupFailed, error.message, { cause: error });
  }
}
