/** Walks a folder as another user, and prints what it found: root may read everything, so root cannot test refusals. */
import { createFileFolders } from "../../src/adapters/files/folder.ts";
import { FolderFault } from "../../src/domains/fs/port.ts";

const [root = "", confinement = "checked"] = process.argv.slice(2);
const { signal } = new AbortController();
const folders = createFileFolders({ confinement: confinement === "descriptors" ? "descriptors" : "checked" });
await using folder = await folders.open(root, { signal, isWritable: true });
const walk = folder.walk({ signal, limit: 100, entriesMax: 100, ignoreFiles: true });
const paths: string[] = [];
for await (const entry of walk) paths.push(entry.path);

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return "done";
  } catch (error) {
    return error instanceof FolderFault ? error.code : String(error);
  }
};
const read = await codeOf(folder.readBytes("closed.txt", { signal, sizeBytesMax: 10 }));
const write = await codeOf(folder.writeBytes("new", new Uint8Array(), { signal, expectedDigest: null }));
process.stdout.write(JSON.stringify({ paths, skipped: walk.skipped, read, write }));
