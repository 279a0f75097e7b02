/** What lies in the state directory beside the store, and where the program's own files are. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isUuid } from "../base/ids.ts";
import { replaceFile } from "../adapters/files/replace-file.ts";
import type { Codec, StateFiles } from "../adapters/files/state-file.ts";

/** The folder that holds `package.json`, whether the sources run or the packaged build. */
export function programRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Cedar's program: beside the bundle in a package, in its library otherwise. */
export function cedarProgram(): string {
  const file = "cedar_wasm_bg.wasm";
  const bundled = join(dirname(fileURLToPath(import.meta.url)), file);
  return existsSync(bundled)
    ? bundled
    : join(dirname(fileURLToPath(import.meta.resolve("@cedar-policy/cedar-wasm/web"))), file);
}

/** How a person types the command line: a clone has no `arw` on PATH. */
export const commandName = (): string =>
  existsSync(join(programRoot(), "tools", "bootstrap")) ? "npm run arw --" : "npx arw";

/** The hub's id among others: random, made once, kept. */
export async function nodeIdOf(stateDir: string, { files, newId }: NodeIdOptions): Promise<string> {
  const file = files.open({ path: join(stateDir, "node-id"), codec: uuidCodec });
  const known = await file.read();
  if (known !== null) return known;
  const made = newId();
  // Twice, so that the first content has a backup: this hub must not come back as another one.
  await file.write(made);
  await file.write(made);
  return made;
}

interface NodeIdOptions {
  readonly files: StateFiles;
  readonly newId: () => string;
}

const uuidCodec: Codec<string> = {
  parse(bytes) {
    const text = new TextDecoder().decode(bytes).trim();
    return isUuid(text) ? text : null;
  },
  format: (id) => new TextEncoder().encode(`${id}\n`),
};

export interface HubNote {
  readonly address: string;
  readonly pid: number;
  readonly startedAt: number;
}

/** Tells the command line where the hub of this state directory answers. */
export const writeHubNote = (stateDir: string, note: HubNote): Promise<void> =>
  replaceFile(join(stateDir, "hub.json"), new TextEncoder().encode(`${JSON.stringify(note)}\n`), { mode: 0o600 });
