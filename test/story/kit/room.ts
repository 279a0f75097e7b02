/** A temporary place for one story: a state directory and folders to brief, all removed afterwards. */
import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { programRoot } from "./hub-process.ts";

export interface Room extends AsyncDisposable {
  readonly path: string;
  readonly stateDir: string;
  /** Makes a folder with these files; the value of each is its content. */
  folder(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string>;
  /** A copy of the sample folder. */
  sample(name: string): Promise<string>;
}

export async function createRoom(): Promise<Room> {
  const path = await mkdtemp(join(tmpdir(), "arw-story-"));
  return {
    path,
    stateDir: join(path, "state"),
    async folder(name, files) {
      const root = join(path, name);
      await mkdir(root, { recursive: true });
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(root, file)), { recursive: true });
        await writeFile(join(root, file), content);
      }
      return root;
    },
    async sample(name) {
      const root = join(path, name);
      await cp(join(programRoot, "examples", "garden-notes"), root, { recursive: true });
      return root;
    },
    async [Symbol.asyncDispose]() {
      await openUp(path);
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Folders that a story closed must open again before they can go. */
async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o700).catch(() => undefined);
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await openUp(join(folder, entry.name));
}
