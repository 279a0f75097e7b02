/** Error numbers of the operating system in the words of the folder port. */
import type { FolderFaultCode } from "../../domains/fs/port.ts";
import { FolderFault } from "../../domains/fs/port.ts";

const codeByErrno: Readonly<Record<string, FolderFaultCode>> = {
  ENOENT: "not-found",
  ENOTDIR: "not-a-file",
  EISDIR: "not-a-file",
  ELOOP: "link-refused",
  ENXIO: "device-refused",
  ENODEV: "device-refused",
  EACCES: "unreadable",
  EPERM: "unreadable",
  EROFS: "read-only",
  ENOSPC: "disk-full",
  EDQUOT: "disk-full",
  EFBIG: "too-large",
  ENAMETOOLONG: "outside-folder",
  EEXIST: "changed",
  ESTALE: "vanished",
};

/** `ENOENT` and the like; the empty text for an error that did not come from the operating system. */
export const errnoOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/**
 * A system error as a fault about `path`; faults, aborts and defects pass through. The system's own message is kept as
 * the cause and not quoted: it names paths of this process that mean nothing to a reader.
 */
export function faultOf(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (error instanceof FolderFault || !(error instanceof Error && "syscall" in error)) return error;
  const code = codeByErrno[errno] ?? "io";
  return new FolderFault(code, `${JSON.stringify(path)}: ${explanations[code]} (${errno})`, { cause: error });
}

/** Runs `use` and turns what the system throws into faults about `path`. */
export async function faulting<T>(path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw faultOf(error, path);
  }
}

/** Whether there is nothing of that name. */
export const isMissing = (error: unknown): boolean => errnoOf(error) === "ENOENT";

/** Null for what is not there: a file may be removed, by others or by another call, at any time. */
export async function unlessMissing<T>(
  result: Promise<T>,
  isNothing: (error: unknown) => boolean = isMissing,
): Promise<T | null> {
  try {
    return await result;
  } catch (error) {
    if (!isNothing(error)) throw error;
    return null;
  }
}

const explanations: Readonly<Record<FolderFaultCode, string>> = {
  "outside-folder": "not a path of this folder",
  "not-found": "there is nothing here",
  "not-a-file": "not of the needed kind, file or folder",
  "link-refused": "a link, and links are not followed",
  "device-refused": "a device, pipe or socket, and those are not opened",
  unreadable: "permission is missing",
  "read-only": "the file system is read-only",
  "too-large": "too large",
  changed: "something else is here by now",
  vanished: "gone while it was being used",
  "disk-full": "the disk or the quota is full; free some space and try again",
  io: "the disk failed",
};
