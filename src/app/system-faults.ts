/** What the operating system, the disk or the store refused, in words and with the next step: never a stack. */
import { StateLocked } from "../adapters/files/state-lock.ts";
import { isProblem, type ProblemDocument, problemDocument } from "../contract/problem.ts";
import { FolderFault } from "../domains/fs/port.ts";
import { StoreFault } from "../kernel/ports.ts";

/** The problem that stands for such a fault on the command line; null for a defect, which is told as one. */
export function faultDocument(error: unknown): ProblemDocument | null {
  const first = firstOf(error);
  if (first instanceof StateLocked) return lockedDocument(first);
  if (first instanceof StoreFault) return storeDocument(first);
  if (isProblem(first)) return problemDocument(first, "");
  if (first instanceof FolderFault) return fileDocument(`${first.message}. ${anotherStep}`);
  const told = fileFault(first);
  if (told === null) return null;
  const words =
    told.path === null ? `${told.words.charAt(0).toUpperCase()}${told.words.slice(1)}` : `${told.path}: ${told.words}`;
  return fileDocument(`${words}. ${told.step}`);
}

/** Why a file that somebody named cannot be read. */
export const unreadWords = (error: unknown): string => fileFault(error)?.words ?? "it cannot be read";

/** What went wrong first: closing what was open already may have failed over it. */
export const firstOf = (error: unknown): unknown =>
  error instanceof SuppressedError ? firstOf((error as { readonly suppressed: unknown }).suppressed) : error;

const anotherStep = "Name another place, or make this one yours.";
const roomStep = "Free some space, then try again.";

/** Codes of the system, what they mean to whoever named the file, and what helps. */
const faults: Readonly<Record<string, readonly [words: string, step: string]>> = {
  EACCES: ["you have no right to it", anotherStep],
  EPERM: ["you have no right to it", anotherStep],
  EROFS: ["it lies on a disk that can only be read", "Name a place on another disk."],
  ENOSPC: ["the disk is full", roomStep],
  EDQUOT: ["your part of the disk is full", roomStep],
  EFBIG: ["it is larger than the disk takes", "Name a place on another disk."],
  EISDIR: ["it is a folder, where a file is needed", "Name a file."],
  ENOTDIR: ["a part of the path is a file, where a folder is needed", "Name a folder, or a file in one."],
  ENOENT: ["there is no such file", "Look at the path."],
  EEXIST: ["it is there already", "Name another, or move it away."],
  ENAMETOOLONG: ["the path is too long", "Name a shorter one."],
  ELOOP: ["its links lead in a circle", "Name the file itself."],
  ENXIO: ["it is no file that can be read", "Name a file."],
  ETXTBSY: ["a program runs from it", "Stop that program first."],
  EBUSY: ["something else is using it", "Try again when that has ended."],
  EMFILE: ["too many files are open", "Close some programs, then try again."],
  ENFILE: ["too many files are open on this machine", "Close some programs, then try again."],
  EIO: ["the disk failed", "`arw doctor` looks at what is there; a backup is the way back."],
};

interface FileFault {
  readonly path: string | null;
  readonly words: string;
  readonly step: string;
}

function fileFault(error: unknown): FileFault | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  const { code, path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const [words, step] = faults[String(code)] ?? [];
  if (words !== undefined && step !== undefined) return { path: dest ?? path ?? null, words, step };
  // SQLite names no file: what it could not open in the state directory, when it was not the store, is the lock.
  if (code !== "ERR_SQLITE_ERROR") return null;
  return { path: null, words: `the state directory cannot be used (${error.message})`, step: stateStep };
}

const stateStep = "Name another with --state-dir, or make this one yours.";

const fileDocument = (detail: string): ProblemDocument => ({
  type: "about:blank",
  title: "The file cannot be used",
  status: 503,
  code: "cli.file",
  detail,
  instance: "",
});

const lockedDocument = (error: StateLocked): ProblemDocument => ({
  type: "about:blank",
  title: "A hub is running",
  status: 409,
  code: "cli.state-in-use",
  detail: `${error.message}. Leave out --local to talk to that hub, or name another state directory.`,
  instance: "",
});

/** In the words of a hub that does not start. */
const storeDocument = ({ reason, message }: StoreFault): ProblemDocument => ({
  type: "about:blank",
  title: reason === "locked" ? "The state does not open" : "The store cannot be used",
  status: 503,
  code: reason === "locked" ? "cli.state-encrypted" : "cli.store",
  detail: `${message}. Nothing was touched. ${storeSteps[reason]}`,
  instance: "",
});

const restoreStep = "Restore a backup, or name another state directory.";
const storeSteps: Readonly<Record<StoreFault["reason"], string>> = {
  locked: "`arw encrypt status` says what opens it.",
  newer: "Use the newer ARW, or restore a backup of this one's time into another state directory.",
  full: roomStep,
  corrupt: restoreStep,
  failed: restoreStep,
};
