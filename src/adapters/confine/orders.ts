/**
 * Where the agents of a project are written. Whoever changes that gives orders to agents, so a child sees it and changes
 * nothing; where it is not there yet, none is made.
 */
import { access, constants, lstat, rmdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { ChildFault, type ChildOrder } from "../../domains/shell/port.ts";
import type { Mount } from "./mounts.ts";

const ordersFolder = ".arw";

export interface Orders {
  /** Of the folders that a child may write in. Rejects with `ChildFault`. */
  cover(folders: ChildOrder["folders"]): Promise<Cover>;
}

export interface Cover {
  readonly mounts: readonly Mount[];
  /** To be called when the child has ended: what was made to lie below a mount goes again. */
  lift(): Promise<void>;
}

export function createOrders(): Orders {
  /** Places that were made for children, with how many still lie on them. */
  const made = new Map<string, number>();
  const lift = async (places: readonly string[]): Promise<void> => {
    for (const at of places) {
      const others = (made.get(at) ?? 1) - 1;
      if (others > 0) made.set(at, others);
      else made.delete(at);
      // What somebody else put there meanwhile stays.
      if (others <= 0) await rmdir(at).catch(() => undefined);
    }
  };
  return {
    async cover(folders) {
      const mounts: Mount[] = [];
      const own: string[] = [];
      for (const { path, mode } of folders) {
        if (path.split(sep).includes(ordersFolder))
          throw new ChildFault(`${path} holds what agents are told; no program is started there`);
        if (mode === "read") continue;
        const at = join(path, ordersFolder);
        const found = made.has(at) ? null : await lstat(at).catch(() => null);
        if (found === null) {
          if (!(await isWritable(path))) continue;
          made.set(at, (made.get(at) ?? 0) + 1);
          own.push(at);
          mounts.push({ at, args: ["--tmpfs", at, "--remount-ro", at] });
        } else if (found.isDirectory()) mounts.push({ at, args: ["--ro-bind", at, at] });
        else throw new ChildFault(`${at} is no folder; move it away first`);
      }
      return { mounts, lift: () => lift(own) };
    },
  };
}

const isWritable = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
