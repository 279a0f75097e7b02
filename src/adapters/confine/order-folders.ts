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

/** Of the same order; rejects with `ChildFault`. `hidden` are true paths, and no folder of an order may be or lie in one. */
export async function checkFolders(
  { folders, cwd }: Pick<ChildOrder, "folders" | "cwd">,
  hidden: readonly string[],
): Promise<void> {
  for (const { path } of folders) {
    if (!isAbsolute(path) || path.includes("\0")) throw new ChildFault(`${JSON.stringify(path)} is no absolute path`);
    if (closedFolders.some((each) => path === each.path || (each.below && isWithin(path, each.path))))
      throw new ChildFault(`${path} is the machine itself, and no folder to run commands in`);
    await checkFolder(path);
    const own = hidden.find((each) => isWithin(path, each));
    if (own !== undefined) throw new ChildFault(`${path} belongs to the hub itself`);
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

/** Where each of these really lies; what is not there hides nothing. */
export async function truePaths(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(paths.map((path) => realpath(path).catch(() => null)));
  return found.filter((path) => path !== null);
}
