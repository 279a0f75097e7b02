/** Text files of a granted folder as agents may see them: decoded, bounded, and with secrets cut out before anybody looks. */
import { decodeUtf8, isLikelyBinary } from "../../base/text-marks.ts";
import { secretsOfEnvFile } from "../../base/redact.ts";
import { createLru } from "../../base/lru.ts";
import { Problem, type ProblemDefinition } from "../../contract/problem.ts";
import { Internal } from "../../contract/standard-problems.ts";
import type { Redactor } from "../../kernel/ports.ts";
import {
  DiskFull,
  FileChanged,
  FileNotFound,
  FileRefused,
  FileTooLarge,
  FileUnreadable,
  OutsideFolder,
} from "./contract.ts";
import { type FileBytes, FolderFault, type FolderFaultCode, type Folders, type OpenFolder } from "./port.ts";

/** A redactor that learns: values found in `.env` files are cut wherever they turn up later. */
export interface LearningRedactor extends Redactor {
  add(secrets: readonly string[]): void;
}

export type ReadText =
  | { readonly kind: "text"; readonly text: string; readonly file: FileBytes }
  | { readonly kind: "binary"; readonly file: FileBytes };

export interface WithinOptions {
  readonly signal: AbortSignal;
  readonly isWritable?: boolean;
  /** Shows names alone, so that no secret of the content has to be known beforehand. */
  readonly isListing?: boolean;
}

export interface FolderReader {
  /** Runs `use` on the opened folder; every fault of the disk comes out as a problem. */
  within<T>(folder: string, options: WithinOptions, use: (open: OpenFolder) => Promise<T>): Promise<T>;
  readText(
    open: OpenFolder,
    path: string,
    options: { readonly signal: AbortSignal; readonly sizeBytesMax: number },
  ): Promise<ReadText>;
  /** Learns the secrets of an environment file met in a listing. */
  learn(open: OpenFolder, path: string, signal: AbortSignal): Promise<void>;
}

const envFileBytesMax = 262_144;
/** Names under which secrets usually lie in the root of a folder, asked for even when .gitignore hides them. */
const envFileNames = [".env", ".env.local", ".env.development", ".env.production", ".env.test"];
const foldersKnownMax = 256;
/** Entries looked at for environment files before the first content of a folder is shown: some seconds of work at most. */
const surveyedEntriesMax = 50_000;
const envFilesMax = 1000;

export const isEnvFile = (path: string): boolean => /(^|\/)(\.env(\.[A-Za-z0-9_-]+)?|[^/]+\.env)$/i.test(path);

export function createFolderReader({
  folders,
  redactor,
}: {
  readonly folders: Folders;
  readonly redactor: LearningRedactor;
}): FolderReader {
  /** Environment files by folder and path, with the modification time at which they were learned. */
  const learned = createLru<string, number>(foldersKnownMax * envFileNames.length);

  const surveyed = createLru<string, true>(foldersKnownMax);

  const learn: FolderReader["learn"] = async (open, path, signal) => {
    const entry = await open.stat(path, signal);
    if (entry === null || entry.kind !== "file") return;
    const name = `${open.root}\n${path}`;
    if (learned.get(name) === entry.modifiedMs) return;
    const file = await open.readBytes(path, { signal, sizeBytesMax: envFileBytesMax });
    redactor.add(secretsOfEnvFile(decodeUtf8(file.bytes).text));
    learned.set(name, entry.modifiedMs);
  };

  /**
   * Learns every environment file below a folder, those that .gitignore leaves out as well, once in the life of the process:
   * a resumed run and a tool that reads a single file list nothing, and would not meet them.
   */
  const survey = async (open: OpenFolder, signal: AbortSignal): Promise<void> => {
    if (surveyed.get(open.root) === true) return;
    const found: string[] = [];
    const meet = (path: string): void => {
      if (isEnvFile(path) && found.length < envFilesMax) found.push(path);
    };
    const bounds = { limit: surveyedEntriesMax, entriesMax: surveyedEntriesMax };
    const walk = open.walk({ signal, ...bounds, ignoreFiles: true, onIgnored: meet });
    for await (const entry of walk) if (entry.kind === "file") meet(entry.path);
    for (const path of found) await learn(open, path, signal).catch(ignoreUnreadable);
    surveyed.set(open.root, true);
  };

  return {
    async within(folder, { signal, isWritable = false, isListing = false }, use) {
      try {
        await using open = await folders.open(folder, { signal, isWritable });
        if (!isListing) await survey(open, signal);
        for (const name of envFileNames) await learn(open, name, signal).catch(ignoreUnreadable);
        return await use(open);
      } catch (error) {
        throw asProblem(error);
      }
    },
    async readText(open, path, { signal, sizeBytesMax }) {
      const file = await open.readBytes(path, { signal, sizeBytesMax });
      if (isLikelyBinary(file.bytes)) return { kind: "binary", file };
      return { kind: "text", text: redactor.text(decodeUtf8(file.bytes).text), file };
    },
    learn: (open, path, signal) => learn(open, path, signal).catch(ignoreUnreadable),
  };
}

/** An environment file that the hub cannot read, no tool can read either. */
function ignoreUnreadable(error: unknown): void {
  if (!(error instanceof FolderFault)) throw error;
}

const problemOf: Readonly<Record<FolderFaultCode, ProblemDefinition>> = {
  "outside-folder": OutsideFolder,
  "not-found": FileNotFound,
  "not-a-file": FileRefused,
  "link-refused": FileRefused,
  "device-refused": FileRefused,
  unreadable: FileUnreadable,
  "read-only": FileUnreadable,
  "too-large": FileTooLarge,
  changed: FileChanged,
  vanished: FileNotFound,
  "disk-full": DiskFull,
  io: FileUnreadable,
};

export function asProblem(error: unknown): unknown {
  if (!(error instanceof FolderFault)) return error;
  return new Problem(problemOf[error.code] ?? Internal, error.message, { reason: error.code, cause: error });
}
