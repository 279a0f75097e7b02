/** One file per secret in `secrets/` of the state directory, each readable by its owner alone, in a folder that is, too. */
import { chmod, mkdir, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { nameForm, type SecretStore, type StoredSecret } from "../../domains/secrets/port.ts";
import { unlessMissing } from "../files/faults.ts";
import { syncFolderAt } from "../files/replace-file.ts";
import { jsonCodec, type StateFile, type StateFiles } from "../files/state-file.ts";
import type { Sealer } from "../sealed-state/sealer.ts";
import { places, sealedCodec } from "../sealed-state/sealed-text.ts";

const folderMode = 0o700;

export interface SecretFiles extends SecretStore {
  /** A file that cannot be understood is put aside, as the set of state files says. */
  load(): Promise<readonly StoredSecret[]>;
}

export function createSecretFiles({
  stateDir,
  files,
  sealer = null,
}: {
  readonly stateDir: string;
  readonly files: StateFiles;
  readonly sealer?: Sealer | null;
}): SecretFiles {
  const folder = join(stateDir, "secrets");
  const isName = new RegExp(nameForm, "u");
  // A prefix, for a bare CON or NUL is no file on Windows. No backup: it would bring back a value that was replaced.
  const pathOf = (name: string): string => join(folder, `secret-${name}.json`);
  const fileOf = (name: string): StateFile<StoredSecret> =>
    files.open({
      path: pathOf(name),
      codec: sealedCodec(
        jsonCodec((value) => parseSecret(value, name)),
        sealer,
        places.secret(name),
      ),
      keepsBackup: false,
    });
  return {
    async load() {
      const names = (await namesIn(folder)).flatMap((file) => /^secret-(.*)\.json$/u.exec(file)?.[1] ?? []);
      const found: StoredSecret[] = [];
      for (const name of names.filter((each) => isName.test(each)).toSorted()) {
        const secret = await fileOf(name).read();
        if (secret !== null) found.push(secret);
      }
      return found;
    },
    async save(secret) {
      await mkdir(folder, { recursive: true, mode: folderMode });
      await chmod(folder, folderMode);
      await fileOf(secret.name).write(secret);
    },
    async remove(name) {
      await unlessMissing(unlink(pathOf(name)));
      await syncFolderAt(folder);
    },
  };
}

const namesIn = async (folder: string): Promise<readonly string[]> => (await unlessMissing(readdir(folder))) ?? [];

function parseSecret(value: unknown, name: string): StoredSecret | null {
  if (typeof value !== "object" || value === null) return null;
  const { hosts, createdAtMs, changedAtMs, ...rest } = value as Record<string, unknown>;
  const isWhole =
    rest["name"] === name &&
    typeof rest["value"] === "string" &&
    Array.isArray(hosts) &&
    hosts.every((host) => typeof host === "string") &&
    [createdAtMs, changedAtMs].every(Number.isInteger);
  return isWhole ? (value as StoredSecret) : null;
}
