/** Files of agents, where they lie in a project's folder, and how their text is read. */
import { createFileFolders } from "../adapters/files/folder.ts";
import { sha256Hex } from "../base/canonical-json.ts";
import { decodeUtf8 } from "../base/text-marks.ts";
import { parseAllowance } from "../domains/budgets/syntax.ts";
import { FolderFault, type Folders, type OpenFolder } from "../domains/fs/port.ts";
import { asProblem } from "../domains/fs/reader.ts";
import type { ProfileFiles, ProfileText } from "../domains/profiles/port.ts";
import { recipeText } from "./recipe-text.ts";

/** Where the agents of a project are written. */
const agentsFolder = ".arw/agents";
const fileBytesMax = 262_144;
const agentsMax = 200;
const namePattern = /^([a-z][a-z0-9-]{0,39})\.toml$/u;

export const profileText: ProfileText = { ...recipeText, allowanceFault };

function allowanceFault(text: string): string | null {
  const terms = parseAllowance(text);
  if ("fault" in terms) return terms.fault;
  if (terms.window !== "run") return `it is about each ${terms.window}, and an agent's budget about each run`;
  return terms.subject === undefined ? null : "it is about somebody else; an agent's budget is its own";
}

const pathOf = (name: string): string => `${agentsFolder}/${name}.toml`;

/** With folders that nothing is left out of: what is here is closed to everybody who comes by the operations for files. */
export function createProfileFiles(folders: Folders = createFileFolders()): ProfileFiles {
  const within = async <T>(
    folder: string,
    options: { readonly signal: AbortSignal; readonly isWritable: boolean },
    use: (open: OpenFolder) => Promise<T>,
  ): Promise<T> => {
    try {
      await using open = await folders.open(folder, options);
      return await use(open);
    } catch (error) {
      throw asProblem(error);
    }
  };
  return {
    names: (folder, signal) =>
      within(folder, { signal, isWritable: false }, async (open) => {
        if ((await open.stat(agentsFolder, signal))?.kind !== "folder") return [];
        const bounds = { limit: agentsMax, entriesMax: agentsMax * 2 };
        const names: string[] = [];
        // Goes on behind the folder itself, which stands before its content.
        const walk = open.walk({ signal, ...bounds, ignoreFiles: false, afterPath: agentsFolder });
        for await (const { path, kind } of walk) {
          if (!path.startsWith(`${agentsFolder}/`)) break;
          const name = namePattern.exec(path.slice(agentsFolder.length + 1))?.[1];
          if (kind === "file" && name !== undefined) names.push(name);
        }
        return names;
      }),
    read: (folder, name, signal) =>
      within(folder, { signal, isWritable: false }, async (open) => {
        if ((await statOf(open, pathOf(name), signal)) === null) return null;
        const file = await open.readBytes(pathOf(name), { signal, sizeBytesMax: fileBytesMax });
        return { text: decodeUtf8(file.bytes).text, digest: file.digest ?? digestOf(file.bytes) };
      }),
    write: (folder, name, { text, expectedDigest, signal }) =>
      within(folder, { signal, isWritable: true }, async (open) => {
        const bytes = new TextEncoder().encode(text);
        const digest = digestOf(bytes);
        const answer = { digest, sizeBytes: bytes.byteLength };
        if (expectedDigest === digest) return { ...answer, before: bytes, isChanged: false };
        const { before } = await open.writeBytes(pathOf(name), bytes, { signal, expectedDigest, canMakeFolders: true });
        return { ...answer, before, isChanged: true };
      }),
  };
}

const digestOf = (bytes: Uint8Array): string => `sha256:${sha256Hex(bytes)}`;

/** Where its folder is not there, neither is the file. */
async function statOf(open: OpenFolder, path: string, signal: AbortSignal) {
  try {
    return await open.stat(path, signal);
  } catch (error) {
    if (error instanceof FolderFault && ["not-found", "vanished"].includes(error.code)) return null;
    throw error;
  }
}
