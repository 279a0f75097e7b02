/** What lies in the state directory beside the store, and where the program's own files are. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isUuid } from "../base/ids.ts";
import { replaceFile } from "../adapters/files/replace-file.ts";

/** The folder that holds `package.json`, whether the sources run or the packaged build. */
export function programRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** The hub's id among others: random, made once, kept. */
export async function nodeIdOf(stateDir: string, newId: () => string): Promise<string> {
  const path = join(stateDir, "node-id");
  const known = existsSync(path) ? (await readFile(path, "utf8")).trim() : "";
  if (isUuid(known)) return known;
  const made = newId();
  await replaceFile(path, new TextEncoder().encode(`${made}\n`), { mode: 0o600 });
  return made;
}

export interface HubNote {
  readonly address: string;
  readonly pid: number;
  readonly startedAt: number;
}

/** Tells the command line where the hub of this state directory answers. */
export const writeHubNote = (stateDir: string, note: HubNote): Promise<void> =>
  replaceFile(join(stateDir, "hub.json"), new TextEncoder().encode(`${JSON.stringify(note)}\n`), { mode: 0o600 });
