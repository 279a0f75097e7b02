/** Files: reading and writing inside a granted folder, and nowhere else. */
import { op } from "../../contract/operation.ts";
import { problem } from "../../contract/problem.ts";
import { closed, Digest, EpochMs, FolderPath, oneOf, RelativePath, SizeBytes, Type } from "../../contract/schema.ts";

export const OutsideFolder = problem({
  code: "fs.outside-folder",
  status: 403,
  title: "Outside the granted folder",
  about:
    "The path leaves the folder, or the folder was not granted to this caller. Links that lead outside count as outside.",
});
export const FileNotFound = problem({
  code: "fs.not-found",
  status: 404,
  title: "No such file or folder",
  about: "It does not exist, or it vanished while it was being read.",
});
export const FileRefused = problem({
  code: "fs.refused",
  status: 422,
  title: "Not an ordinary file",
  about: "Only ordinary files are read and written: no links, devices, pipes or files with several names.",
});
export const FileUnreadable = problem({
  code: "fs.unreadable",
  status: 403,
  title: "Cannot be read",
  about: "The operating system does not let the user who runs the hub read or write it.",
});
export const FileChanged = problem({
  code: "fs.changed",
  status: 409,
  title: "Changed meanwhile",
  about: "The file is no longer what it was when the change was prepared. Nothing was written; read it again.",
});
export const DiskFull = problem({
  code: "fs.disk-full",
  status: 507,
  title: "No space left",
  about: "The disk is full. The former file is untouched.",
});
export const FileTooLarge = problem({
  code: "fs.too-large",
  status: 413,
  title: "File too large",
  about: "The file is larger than what is read or changed through the hub.",
});
export const NoWords = problem({
  code: "fs.no-words",
  status: 400,
  title: "Nothing to search for",
  about: "There is no word in it. Give one or more; a star alone, or quotes around nothing, stand for none.",
});
export const ContentGone = problem({
  code: "fs.content-gone",
  status: 410,
  title: "Content not kept",
  about: "What the file is to become is not kept any more: it was dropped by age or by the ceiling of records.",
});
export const FolderMoved = problem({
  code: "fs.folder-moved",
  status: 409,
  title: "The folder leads elsewhere",
  about:
    "The path of the folder leads to another place than when its file was changed: something on the way is a link now, or no longer one. Nothing was touched. Put the folder back, or restore the file by hand.",
});
export const fileProblems = [
  OutsideFolder,
  FileNotFound,
  FileRefused,
  FileUnreadable,
  FileChanged,
  FileTooLarge,
  DiskFull,
];

export const Entry = closed({
  path: RelativePath,
  kind: oneOf(["file", "folder", "link", "other"]),
  sizeBytes: SizeBytes,
  modifiedMs: EpochMs,
});

export const List = op({
  id: "fs.list",
  http: "POST /fs/list",
  cli: "fs list <folder>",
  effect: "read",
  isTool: true,
  isTask: true,
  about: "List the files of a folder and its subfolders, page by page, leaving out what .gitignore leaves out.",
  input: closed({
    folder: FolderPath,
    afterPath: Type.Optional(Type.String({ maxLength: 4096, description: "Go on after this path." })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 500 })),
  }),
  output: closed({
    entries: Type.Array(Entry),
    nextAfterPath: Type.Union([Type.String(), Type.Null()]),
    skipped: Type.Array(closed({ path: Type.String(), reason: Type.String() })),
  }),
  problems: fileProblems,
  needs: ["fs:read"],
  scope: (input) => ({ folder: input.folder }),
});

export const Read = op({
  id: "fs.read",
  http: "POST /fs/read",
  cli: "fs read <folder> <path>",
  effect: "read",
  isTool: true,
  isTask: true,
  about: "Read some lines of a text file inside a folder.",
  input: closed({
    folder: FolderPath,
    path: RelativePath,
    fromLine: Type.Optional(Type.Integer({ minimum: 1, default: 1 })),
    lines: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })),
  }),
  output: closed({
    path: RelativePath,
    text: Type.String(),
    fromLine: Type.Integer(),
    toLine: Type.Integer(),
    totalLines: Type.Integer(),
    sizeBytes: SizeBytes,
    digest: Digest,
    isTruncated: Type.Boolean(),
  }),
  problems: fileProblems,
  needs: ["fs:read"],
  scope: (input) => ({ folder: input.folder, path: input.path }),
});

const RealFolder = Type.String({
  maxLength: 4096,
  description: "Where the folder really lies, where its path leads through a link.",
});
const foldersMax = 4096;
const MadeFolders = Type.Integer({
  minimum: 0,
  maximum: foldersMax,
  description: "Folders that had to be made on the way to the file.",
});
export const Write = op({
  id: "fs.write",
  http: "POST /fs/write",
  cli: "fs write <folder> <path>",
  effect: "write",
  isIdempotent: true,
  isTool: true,
  isTask: true,
  about: "Write a text file inside a folder, keeping what was there before so that it can be undone.",
  input: closed({
    folder: FolderPath,
    path: RelativePath,
    text: Type.String({ maxLength: 4_000_000 }),
    expectedDigest: Type.Optional(
      Type.Union([Digest, Type.Null()], {
        description: "What the file must be now: its digest, or null when it must not exist. Left out: whatever it is.",
      }),
    ),
  }),
  output: closed({
    path: RelativePath,
    digest: Digest,
    sizeBytes: SizeBytes,
    beforeRef: Type.Union([Digest, Type.Null()], {
      description: "The content before, in the blob store; null when the file is new.",
    }),
    isChanged: Type.Boolean(),
    madeFolders: Type.Optional(MadeFolders),
    realFolder: Type.Optional(RealFolder),
  }),
  problems: fileProblems,
  needs: ["fs:write"],
  scope: (input) => ({ folder: input.folder, path: input.path }),
  cost: (input) => ({ bytesWritten: new TextEncoder().encode(input.text).length }),
  spent: (output) => ({ bytesWritten: output.isChanged ? output.sizeBytes : 0 }),
});

/** What an undo does to one file; only a person asks for it. The content is one that a write or an undo has kept. */
export const Restore = op({
  id: "fs.restore",
  http: "POST /fs/restore",
  cli: "",
  effect: "write",
  isIdempotent: true,
  isForPersons: true,
  about:
    "Give a file inside a folder a content that the hub has kept, or remove the file, keeping what was there before.",
  input: closed({
    folder: FolderPath,
    realFolder: Type.Optional({
      ...RealFolder,
      description: "Where the folder has to lie really; without it, its path must lead through no link.",
    }),
    path: RelativePath,
    ref: Type.Union([Digest, Type.Null()], { description: "The content to come; null removes the file." }),
    expectedDigest: Type.Union([Digest, Type.Null()], {
      description: "What the file must be now: its digest, or null when it must not exist.",
    }),
    emptyFolders: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: foldersMax,
        default: 0,
        description:
          "How many of the folders above a removed file go with it, innermost first, as far as they are empty.",
      }),
    ),
  }),
  output: closed({
    path: RelativePath,
    digest: Type.Union([Digest, Type.Null()]),
    sizeBytes: SizeBytes,
    beforeRef: Type.Union([Digest, Type.Null()]),
    isChanged: Type.Boolean(),
    madeFolders: MadeFolders,
  }),
  problems: [...fileProblems, ContentGone, FolderMoved],
  needs: ["fs:write"],
  scope: (input) => ({ folder: input.folder, path: input.path }),
});

/** Lines that one answer shows at most. */
export const foundMax = 500;
export const Search = op({
  id: "fs.search",
  http: "POST /fs/search",
  cli: "search <folder> <words>",
  effect: "read",
  isTool: true,
  isTask: true,
  about: "Find the lines of a folder's text files that hold all of some words, leaving out what .gitignore leaves out.",
  input: closed({
    folder: FolderPath,
    words: Type.String({
      minLength: 1,
      maxLength: 500,
      description:
        'Words that a line holds, all of them, in any order and case; `"two words"` is one, and `*` in a word is anything.',
      examples: ["rose prune", '"old rose"', "pru*ing"],
    }),
    files: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 500,
        description: "Only files whose path holds this, in any case; `*` in it is anything.",
        examples: [".md", "notes/*.txt"],
      }),
    ),
    around: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 5, default: 0, description: "Lines shown before and after each." }),
    ),
    afterPath: Type.Optional(Type.String({ maxLength: 4096, description: "Go on after this path." })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: foundMax, default: 100 })),
  }),
  output: closed({
    found: Type.Array(
      closed({
        path: RelativePath,
        line: Type.Integer({ minimum: 1 }),
        text: Type.String({ description: "The line; of a long one what stands around the first word." }),
        before: Type.Array(Type.String()),
        after: Type.Array(Type.String()),
      }),
    ),
    more: Type.Array(closed({ path: RelativePath, lines: Type.Integer({ minimum: 1 }) }), {
      description: "Files with further lines that are not shown, and how many.",
    }),
    searchedFiles: Type.Integer({ minimum: 0 }),
    searchedBytes: SizeBytes,
    nextAfterPath: Type.Union([Type.String(), Type.Null()], {
      description: "Where to go on; null when everything was searched.",
    }),
    skipped: Type.Array(closed({ path: Type.String(), reason: Type.String() }), {
      description: "What was not searched, or not to its end.",
    }),
  }),
  problems: [...fileProblems, NoWords],
  needs: ["fs:read"],
  scope: (input) => ({ folder: input.folder }),
});
