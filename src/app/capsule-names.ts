/** What a person means where a capsule is named. */
import { existsSync } from "node:fs";
import type { Input, Terminal } from "../surfaces/cli/port.ts";

type Paths = Pick<Terminal, "resolvePath">;

/** The newest run, the beginning of an episode's id, or of a digest. */
const namePattern = /^(?:last|(?:sha256:)?[0-9a-f-]+)$/i;

/**
 * A file is meant from where the person stands; what is none is a kept capsule or an episode. What can be a name is one: a file
 * called `last` in a folder of a stranger is not what anybody means by it, and `./last` is.
 */
export const withCapsulePaths =
  (...fields: readonly string[]) =>
  (input: Input, { resolvePath }: Paths): Promise<Input> => {
    const found = fields.flatMap((field) => {
      const typed = String(input[field]);
      if (namePattern.test(typed)) return [];
      const path = resolvePath(typed);
      return existsSync(path) ? [[field, path] as const] : [];
    });
    return Promise.resolve({ ...input, ...Object.fromEntries(found) });
  };
