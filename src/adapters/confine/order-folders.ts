/** What an order may name: folders that are there, are themselves, and that no child is better kept from. */
import { realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { ChildFault, type ChildOrder } from "../../domains/shell/port.ts";

/** The machine itself, and what a confinement puts in its place; `below` says whether also what lies in it. */
const closedFolders = [
  { path: "/", below: false },
  { path: "/proc", below: true },
  { path: "/sys", below: true },
  { path: "/dev", below: true },
  { path: "/run", below: false },
  { path: "/run/arw", below: true },
] as const;

/** What belongs to the hub itself: its state, its configuration and its rules, by their true paths. */
export interface Own {
  readonly path: string;
  readonly isFolder: boolean;
}

/**
 * Of the same order; rejects with `ChildFault`. No child is given what is the hub's own. None may write where that lies, either:
 * whoever may rename the folders above it puts something else in its place.
 */
export async function checkFolders(
  { folders, cwd }: Pick<ChildOrder, "folders" | "cwd">,
  owned: readonly Own[],
): Promise<void> {
  for (const { path, mode } of folders) {
    if (!isAbsolute(path) || path.includes("\0")) throw new ChildFault(`${JSON.stringify(path)} is no absolute path`);
    if (closedFolders.some((each) => path === each.path || (each.below && isWithin(path, each.path))))
      throw new ChildFault(`${path} is the machine itself, and no folder to run commands in`);
    await checkFolder(path);
    if (owned.some((own) => isWithin(path, own.path))) throw new ChildFault(`${path} belongs to the hub itself`);
    const inside = mode === "write" ? owned.find((own) => isWithin(own.path, path)) : undefined;
    if (inside !== undefined)
      throw new ChildFault(
        `${path} holds ${inside.path}, which belongs to the hub; choose a folder beside or below it`,
      );
  }
  if (!folders.some(({ path }) => isWithin(cwd, path)))
    throw new ChildFault(`${cwd} lies in none of the folders that the child is given`);
  if (!(await isFolder(cwd))) throw new ChildFault(`${cwd} is no folder`);
}

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isDirectory() === true;

/** A link would have one folder granted and another one reached. */
async function checkFolder(path: string): Promise<void> {
  if (!(await isFolder(path))) throw new ChildFault(`${path} is no folder`);
  const own = await realpath(path).catch((cause: unknown) => {
    throw new ChildFault(`${path} cannot be read`, { cause });
  });
  if (own !== resolve(path)) throw new ChildFault(`${path} leads to ${own}; name that folder instead`);
}

/** The folder itself, or something below it. */
export function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** Where each of these really lies; what is not there is nobody's. */
export async function ownedAt(paths: readonly string[]): Promise<readonly Own[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const own = await realpath(path).catch(() => null);
      return own === null ? null : { path: own, isFolder: await isFolder(own) };
    }),
  );
  return found.filter((own) => own !== null);
}
