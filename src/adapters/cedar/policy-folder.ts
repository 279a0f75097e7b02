/** The user's own policies: the files `*.cedar` of one folder, in the order of their names. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { unlessMissing } from "../files/faults.ts";
import type { PolicyFile } from "./read-policies.ts";

/** More files, or larger ones, are no rules that a person wrote. */
const filesMax = 200;
const bytesMaxEach = 1_000_000;

/** Nothing when there is no such folder. What cannot be read is thrown: a rule that is not known must not be left out. */
export async function readPolicyFolder(folder: string): Promise<readonly PolicyFile[]> {
  const names = await namesIn(folder);
  if (names.length > filesMax) throw new RangeError(`${folder} holds ${names.length} policy files, over ${filesMax}`);
  return await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const { size } = await stat(path);
      if (size > bytesMaxEach) throw new RangeError(`${path} has ${size} bytes, over ${bytesMaxEach}`);
      return { name: `policies/${name}`, text: await readFile(path, "utf8") };
    }),
  );
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const names = (await unlessMissing(readdir(folder))) ?? [];
  return names.filter((name) => name.endsWith(".cedar")).toSorted();
}
